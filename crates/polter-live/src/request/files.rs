//! Files of a kind: made, read, written, sent.

use super::{Encoded, Encoder, SIGSET_LEN, int, num, plain, replying, waiting};
use crate::error::ExecutorError;
use crate::reply::Reply;
use crate::sys::abi;
use crate::sys::layout::{Address, CMSG_HEADER_LEN};
use eventpoll::syscall::{Piece, TimerSpec};
use eventpoll::{Fd, Syscall};

/// The most a single read is given room for.
const READ_ENOUGH: u64 = 2 << 20;

impl Encoder<'_, '_> {
    pub(super) fn files(&mut self, call: &Syscall) -> Encoded {
        Ok(match *call {
            Syscall::Pipe2 { flags } => {
                let at = self.memory.reserve(8)?;
                let args = [at.0, abi::kernel_flags(flags).into()];
                replying(libc::SYS_pipe2, &args, Reply::Pair(at))
            }
            Syscall::Eventfd2 { count, flags } => {
                plain(libc::SYS_eventfd2, &[count.into(), flags.into()])
            }
            Syscall::TimerfdCreate { clock, flags } => {
                plain(libc::SYS_timerfd_create, &[int(clock), flags.into()])
            }
            Syscall::TimerfdSettime { fd, flags, new } => {
                let new = self.memory.put_words(&timer(new))?;
                let old = self.memory.reserve(32)?;
                let args = [num(fd), flags.into(), new.0, old.0];
                replying(libc::SYS_timerfd_settime, &args, Reply::Timer(old))
            }
            Syscall::TimerfdGettime { fd } => {
                let at = self.memory.reserve(32)?;
                replying(
                    libc::SYS_timerfd_gettime,
                    &[num(fd), at.0],
                    Reply::Timer(at),
                )
            }
            Syscall::Signalfd4 { fd, mask, flags } => {
                let mask = self.memory.put_words(&[mask])?;
                let args = [num(fd), mask.0, SIGSET_LEN, flags.into()];
                plain(libc::SYS_signalfd4, &args)
            }
            Syscall::Socket {
                domain,
                kind,
                protocol,
            } => plain(libc::SYS_socket, &[int(domain), kind.into(), int(protocol)]),
            Syscall::Socketpair {
                domain,
                kind,
                protocol,
            } => {
                let at = self.memory.reserve(8)?;
                let args = [int(domain), kind.into(), int(protocol), at.0];
                replying(libc::SYS_socketpair, &args, Reply::Pair(at))
            }
            Syscall::Accept4 { fd, flags } => waiting(
                libc::SYS_accept4,
                &[num(fd), 0, 0, flags.into()],
                Reply::Value,
            ),
            Syscall::Shutdown { fd, how } => plain(libc::SYS_shutdown, &[num(fd), int(how)]),
            _ => return self.data(call),
        })
    }

    /// What is read, written, sent and received.
    fn data(&mut self, call: &Syscall) -> Encoded {
        Ok(match *call {
            Syscall::Read { fd, len } => {
                // Longer than the address space is an error; longer than any file is not.
                let at = self.memory.reserve(bounded(len)?)?;
                waiting(libc::SYS_read, &[num(fd), at.0, len], Reply::Read(fd, at))
            }
            Syscall::Write { fd, len, first } => {
                let at = self
                    .memory
                    .put_filler(&first.to_ne_bytes(), bounded(len)?)?;
                waiting(libc::SYS_write, &[num(fd), at.0, len], Reply::Value)
            }
            Syscall::Readv { fd, ref lens } => {
                let mut pieces = Vec::new();
                for len in lens {
                    pieces.extend([self.memory.reserve(bounded(*len)?)?.0, *len]);
                }
                let first = Address(pieces.first().copied().unwrap_or_default());
                let at = self.memory.put_words(&pieces)?;
                let args = [num(fd), at.0, lens.len() as u64];
                // A counter may be cut into pieces, and is then not read.
                let reply = match lens[..] {
                    [_] => Reply::Read(fd, first),
                    _ => Reply::Value,
                };
                waiting(libc::SYS_readv, &args, reply)
            }
            Syscall::Writev {
                fd,
                pieces: ref all,
            } => {
                let mut pieces = Vec::new();
                for &Piece { len, first } in all {
                    let bytes = self
                        .memory
                        .put_filler(&first.to_ne_bytes(), bounded(len)?)?;
                    pieces.extend([bytes.0, len]);
                }
                let at = self.memory.put_words(&pieces)?;
                let args = [num(fd), at.0, all.len() as u64];
                waiting(libc::SYS_writev, &args, Reply::Value)
            }
            Syscall::Sendmsg {
                fd,
                len,
                ref rights,
                flags,
            } => {
                let data = self.memory.put_filler(&[], len)?;
                let control = self.rights(rights)?;
                let message = self.message([data.0, len], control)?;
                let args = [num(fd), message.0, flags.into()];
                waiting(libc::SYS_sendmsg, &args, Reply::Value)
            }
            Syscall::Recvmsg {
                fd,
                len,
                room,
                flags,
            } => {
                let data = self.memory.reserve(bounded(len)?)?;
                // Exactly so much: with its padding there might be room for one more.
                let control_len = match room {
                    0 => 0,
                    room => CMSG_HEADER_LEN + 4 * u64::from(room),
                };
                let control = self.memory.reserve(control_len)?;
                let message = self.message([data.0, len], [control.0, control_len])?;
                let args = [num(fd), message.0, flags.into()];
                waiting(
                    libc::SYS_recvmsg,
                    &args,
                    Reply::Received { message, control },
                )
            }
            _ => unreachable!("sorted by `call`"),
        })
    }

    /// A control message with descriptors: where it is, and how long.
    fn rights(&mut self, rights: &[Fd]) -> Result<[u64; 2], ExecutorError> {
        if rights.is_empty() {
            return Ok([Address::NULL.0, 0]);
        }
        let len = CMSG_HEADER_LEN + 4 * rights.len() as u64;
        let mut bytes = len.to_ne_bytes().to_vec();
        let ints = [libc::SOL_SOCKET, libc::SCM_RIGHTS].into_iter();
        for int in ints.chain(rights.iter().map(|fd| fd.0)) {
            bytes.extend(int.to_ne_bytes());
        }
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        let at = self.memory.put(&bytes)?;
        Ok([at.0, len])
    }

    /// A `struct msghdr` for one piece of data and one of control.
    fn message(&mut self, data: [u64; 2], control: [u64; 2]) -> Result<Address, ExecutorError> {
        let vector = self.memory.put_words(&data)?;
        self.memory
            .put_words(&[0, 0, vector.0, 1, control[0], control[1], 0])
    }
}

/// How much of a buffer there must be. One that is longer than the address space is refused
/// before it is looked at; one in between could be written to beyond its end.
fn bounded(len: u64) -> Result<u64, ExecutorError> {
    match len {
        abi::ADDRESSES_END.. => Ok(0),
        len if len > READ_ENOUGH => Err(ExecutorError::NotAvailable("a buffer of more than 2 MiB")),
        len => Ok(len),
    }
}

fn timer(spec: TimerSpec) -> [u64; 4] {
    const SECOND: u64 = 1_000_000_000;
    let [interval, value] = [spec.interval_ns, spec.value_ns];
    [
        interval / SECOND,
        interval % SECOND,
        value / SECOND,
        value % SECOND,
    ]
}
