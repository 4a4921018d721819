//! A record of the ring, as `record.bpf.c` lays it out.
//!
//! Nothing here trusts a length: a record that is too short for what it says is none.

/// What is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// A call begins.
    Enter,
    /// A call has returned.
    Exit,
    /// A call on a file, which changes no fd.
    Use,
    /// A task is born.
    Fork,
    /// A process runs another program.
    Exec,
    /// A task ends; its files are closed next.
    Gone,
    /// A signal is delivered.
    Signal,
    /// A `close(2)` that nobody can see in the middle.
    Closed,
}

/// What every record begins with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Head {
    /// Nanoseconds of the monotonic clock.
    pub(crate) time: u64,
    /// The kernel's address of the file at `fd`; 0 if there is none, or it was not looked for.
    pub(crate) file: u64,
    pub(crate) result: i64,
    pub(crate) pid: u32,
    pub(crate) tid: u32,
    pub(crate) what: What,
    pub(crate) number: u16,
    pub(crate) fd: i32,
    /// Records that had found no room when this one was made.
    pub(crate) lost: u32,
    /// Of a close: the file's references, with the one that goes.
    pub(crate) references: u32,
}

/// A file, as a decoration says it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) file: u64,
    pub(crate) inode: u64,
    /// A unix socket's peer; 0 without one.
    pub(crate) peer: u64,
    pub(crate) magic: u32,
    pub(crate) family: u16,
    pub(crate) kind: u16,
    pub(crate) port: u16,
    /// In network byte order, as the kernel has it.
    pub(crate) peer_port: u16,
    pub(crate) address: [u8; 16],
    pub(crate) peer_address: [u8; 16],
    /// The last part of its path, or an anonymous file's name.
    pub(crate) name: &'a [u8],
}

/// Who had registered a file that is closed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Registered {
    /// The first registrations under this fd.
    pub(crate) matches: [Option<Match>; 4],
    pub(crate) references: u64,
}

/// A registration of a file that is closed, by the fd that is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Match {
    /// The kernel's address of its instance.
    pub(crate) instance: u64,
    pub(crate) data: u64,
    pub(crate) events: u32,
}

/// Everything that is recorded of a call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) arguments: [u64; 6],
    pub(crate) is_cut: bool,
    pub(crate) body: Body<'a>,
}

/// What follows a call's arguments.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Body<'a> {
    /// Files that the call has made, or named.
    Files([Option<About<'a>>; 2]),
    /// A close: who had registered the file, and the stack that leads to it.
    Closing(Registered, Option<Frame<'a>>),
    /// Memory that an argument points to.
    Bytes(&'a [u8]),
}

/// A thread's registers and the top of its stack.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) ip: u64,
    pub(crate) sp: u64,
    pub(crate) bp: u64,
    pub(crate) lr: u64,
    pub(crate) stack: &'a [u8],
}

/// A record of the ring.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    pub(crate) head: Head,
    /// None for a use.
    pub(crate) call: Option<Call<'a>>,
}

const HEAD: usize = 48;
const BODY: usize = HEAD + 48 + 16;
const ABOUT: usize = 104;
const REGISTERED: usize = 112;
const FRAME: usize = 32;

impl<'a> Record<'a> {
    /// Reads a record; `None` if it is no such record.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Record<'a>> {
        let head = Head::read(bytes)?;
        if head.what == What::Use {
            return Some(Record { head, call: None });
        }
        let mut arguments = [0; 6];
        for (at, argument) in arguments.iter_mut().enumerate() {
            *argument = long(bytes, HEAD + 8 * at)?;
        }
        let words = |at: usize| int(bytes, HEAD + 48 + 4 * at);
        let (abouts, size, is_cut, has_frame) = (words(0)?, words(1)?, words(2)?, words(3)?);
        let body = bytes.get(BODY..BODY.checked_add(size as usize)?)?;
        let is_closing = matches!(head.what, What::Enter | What::Closed)
            && size as usize >= REGISTERED
            && is_close(head.number);
        let body = if abouts > 0 {
            // Without an address it was closed before it could be looked at.
            let at = |at: usize| About::read(body.get(at * ABOUT..)?).filter(|it| it.file != 0);
            Body::Files([at(0), at(1).filter(|_| abouts > 1)])
        } else if is_closing {
            let frame = if has_frame != 0 {
                Frame::read(body)
            } else {
                None
            };
            Body::Closing(Registered::read(body)?, frame)
        } else {
            Body::Bytes(body)
        };
        let call = Call {
            arguments,
            is_cut: is_cut != 0,
            body,
        };
        Some(Record {
            head,
            call: Some(call),
        })
    }
}

/// True for the calls whose beginning says who had registered the file.
pub(crate) fn is_close(number: u16) -> bool {
    let number = i64::from(number);
    #[cfg(target_arch = "x86_64")]
    if number == libc::SYS_dup2 {
        return true;
    }
    [libc::SYS_close, libc::SYS_dup3].contains(&number)
}

impl Head {
    fn read(bytes: &[u8]) -> Option<Head> {
        let what = match short(bytes, 32)? {
            1 => What::Enter,
            2 => What::Exit,
            3 => What::Use,
            4 => What::Fork,
            5 => What::Exec,
            6 => What::Gone,
            7 => What::Signal,
            8 => What::Closed,
            _ => return None,
        };
        Some(Head {
            time: long(bytes, 0)?,
            file: long(bytes, 8)?,
            result: long(bytes, 16)?.cast_signed(),
            pid: int(bytes, 24)?,
            tid: int(bytes, 28)?,
            what,
            number: short(bytes, 34)?,
            fd: int(bytes, 36)?.cast_signed(),
            lost: int(bytes, 40)?,
            references: int(bytes, 44)?,
        })
    }
}

impl<'a> About<'a> {
    fn read(bytes: &'a [u8]) -> Option<About<'a>> {
        let name = bytes.get(72..ABOUT)?;
        let end = name.iter().position(|byte| *byte == 0);
        Some(About {
            file: long(bytes, 0)?,
            inode: long(bytes, 8)?,
            peer: long(bytes, 16)?,
            magic: int(bytes, 24)?,
            family: short(bytes, 32)?,
            kind: short(bytes, 34)?,
            port: short(bytes, 36)?,
            peer_port: short(bytes, 38)?,
            address: array(bytes, 40)?,
            peer_address: array(bytes, 56)?,
            name: &name[..end.unwrap_or(name.len())],
        })
    }
}

impl Registered {
    fn read(bytes: &[u8]) -> Option<Registered> {
        let count = int(bytes, 8)?;
        let mut matches = [None; 4];
        for (at, place) in matches.iter_mut().enumerate().take(count as usize) {
            let from = 16 + 24 * at;
            *place = Some(Match {
                instance: long(bytes, from)?,
                data: long(bytes, from + 8)?,
                events: int(bytes, from + 16)?,
            });
        }
        Some(Registered {
            references: long(bytes, 0)?,
            matches,
        })
    }
}

impl<'a> Frame<'a> {
    fn read(bytes: &'a [u8]) -> Option<Frame<'a>> {
        let registers = bytes.get(REGISTERED..)?;
        Some(Frame {
            ip: long(registers, 0)?,
            sp: long(registers, 8)?,
            bp: long(registers, 16)?,
            lr: long(registers, 24)?,
            stack: registers.get(FRAME..)?,
        })
    }
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

pub(crate) fn long(bytes: &[u8], at: usize) -> Option<u64> {
    array(bytes, at).map(u64::from_ne_bytes)
}

pub(crate) fn int(bytes: &[u8], at: usize) -> Option<u32> {
    array(bytes, at).map(u32::from_ne_bytes)
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    array(bytes, at).map(u16::from_ne_bytes)
}
