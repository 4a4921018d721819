//! What a call did to descriptors, read from its text.
//!
//! Only as much is read as the judge needs: numbers, a few flags, the words
//! that events carry. Calls it does not know are at most a [`Deed::Touch`].

use crate::scan::{contains, find_after, int_at, ints_in_brackets, leading_int};
use eventpoll::Fd;
use polter_trace::{Args, Returned};

/// Something a call did, or tried to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Deed<'a> {
    /// New files, at one number or two.
    Open {
        fds: [Option<Fd>; 2],
        made: Made,
        is_cloexec: bool,
    },
    Dup {
        fd: Fd,
        new: Fd,
        is_cloexec: bool,
    },
    /// `dup2`, `dup3`: over what was there.
    Replace {
        fd: Fd,
        new: Fd,
        is_cloexec: bool,
    },
    Close {
        fd: Fd,
    },
    CloseRange {
        first: u32,
        last: u32,
        flags: u32,
    },
    SetCloexec {
        fd: Fd,
        on: bool,
    },
    Ctl {
        epfd: Fd,
        op: CtlOp,
        fd: Fd,
        data: Option<u64>,
    },
    /// `events` is the text of the array.
    Wait {
        epfd: Fd,
        events: &'a [u8],
    },
    /// `EPIOCADOPT`, which one of the policies knows.
    Adopt {
        epfd: Fd,
    },
    Clone {
        flags: u64,
    },
    Unshare {
        flags: u64,
    },
    Exec,
    /// Files sent away; a reference each is in flight from now on.
    Send {
        rights: Vec<Fd>,
    },
    Receive {
        rights: Vec<Fd>,
        is_cloexec: bool,
    },
    GetFd {
        pidfd: Fd,
        target: Fd,
        new: Fd,
    },
    Register {
        ring: Fd,
        files: Vec<Fd>,
    },
    /// Another call on a descriptor.
    Touch {
        fd: Fd,
    },
}

/// What was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    Epoll,
    Signalfd,
    Pidfd(i32),
    Accepted,
    Other,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CtlOp {
    Add,
    Del,
    Mod,
}

const O_CLOEXEC: i64 = 0o2000000;
const MSG_CMSG_CLOEXEC: i64 = 0x4000_0000;

/// Reads a call that has ended. Failed calls change nothing; those whose
/// error says something are read all the same.
pub(crate) fn deed<'a>(name: &str, args: Args<'a>, returned: &Returned<'_>) -> Option<Deed<'a>> {
    let value = returned.number()?;
    match name {
        "epoll_wait" | "epoll_pwait" | "epoll_pwait2" => {
            let epfd = fd_at(args, 0)?;
            let events = if value > 0 {
                args.get(1).map_or(&b""[..], |arg| arg.raw)
            } else {
                b""
            };
            return Some(Deed::Wait { epfd, events });
        }
        "epoll_ctl" => return control(args),
        "close" => {
            return Some(Deed::Close {
                fd: fd_at(args, 0)?,
            });
        }
        "ioctl" if is_adoption(args) => {
            return Some(Deed::Adopt {
                epfd: fd_at(args, 0)?,
            });
        }
        _ if value < 0 => return touch(args),
        _ => {}
    }
    let new = Fd(i32::try_from(value).unwrap_or(-1));
    let open = |made, flags_at| {
        let is_cloexec = is_cloexec(args, flags_at);
        Some(Deed::Open {
            fds: [Some(new), None],
            made,
            is_cloexec,
        })
    };
    match name {
        "open" => open(Made::Other, 1),
        "openat" | "openat2" => open(Made::Other, 2),
        "epoll_create" => open(Made::Epoll, usize::MAX),
        "epoll_create1" => open(Made::Epoll, 0),
        "socket" | "eventfd2" | "memfd_create" | "fsopen" | "open_tree" => open(Made::Other, 1),
        "timerfd_create" | "perf_event_open" | "open_by_handle_at" => open(Made::Other, 1),
        "accept" => open(Made::Accepted, usize::MAX),
        "accept4" => open(Made::Accepted, 3),
        "creat" | "eventfd" | "inotify_init" | "userfaultfd" | "inotify_init1"
        | "fanotify_init" | "fsmount" => open(Made::Other, 0),
        "io_uring_setup" => Some(Deed::Open {
            fds: [Some(new), None],
            made: Made::Other,
            is_cloexec: true,
        }),
        "signalfd" | "signalfd4" if fd_at(args, 0) == Some(Fd(-1)) => open(Made::Signalfd, 3),
        "pidfd_open" => {
            let made = Made::Pidfd(int_at(args, 0)? as i32);
            Some(Deed::Open {
                fds: [Some(new), None],
                made,
                is_cloexec: true,
            })
        }
        "pidfd_getfd" => Some(Deed::GetFd {
            pidfd: fd_at(args, 0)?,
            target: fd_at(args, 1)?,
            new,
        }),
        "pipe" => pair(args, 0, false),
        "pipe2" => pair(args, 0, is_cloexec(args, 1)),
        "socketpair" => pair(args, 3, is_cloexec(args, 1)),
        "dup" => Some(Deed::Dup {
            fd: fd_at(args, 0)?,
            new,
            is_cloexec: false,
        }),
        "dup2" | "dup3" => {
            let is_cloexec = is_cloexec(args, 2);
            Some(Deed::Replace {
                fd: fd_at(args, 0)?,
                new,
                is_cloexec,
            })
        }
        "fcntl" | "fcntl64" => fcntl(args, new),
        "ioctl" => ioctl(args),
        "close_range" => {
            let bound = |at| Some(int_at(args, at)?.clamp(0, u32::MAX.into()) as u32);
            let flags = args.get(2)?.raw;
            let bits = leading_int(flags).unwrap_or(0) as u32;
            let unshare = u32::from(contains(flags, b"UNSHARE")) << 1;
            let cloexec = u32::from(contains(flags, b"CLOEXEC")) << 2;
            Some(Deed::CloseRange {
                first: bound(0)?,
                last: bound(1)?,
                flags: bits | unshare | cloexec,
            })
        }
        "fork" => Some(Deed::Clone { flags: 0 }),
        "vfork" => Some(Deed::Clone {
            flags: CLONE_VFORK | CLONE_VM,
        }),
        "clone" | "clone2" | "clone3" => Some(Deed::Clone {
            flags: clone_flags(args.raw),
        }),
        "unshare" => Some(Deed::Unshare {
            flags: flag_bits(args.get(0)?.raw),
        }),
        "execve" | "execveat" => Some(Deed::Exec),
        "sendmsg" | "sendmmsg" => match rights(args.raw) {
            rights if rights.is_empty() => touch(args),
            rights => Some(Deed::Send { rights }),
        },
        "recvmsg" | "recvmmsg" => match rights(args.raw) {
            rights if rights.is_empty() => touch(args),
            rights => {
                let flags = int_at(args, if name == "recvmsg" { 2 } else { 3 }).unwrap_or(0);
                let is_cloexec =
                    contains(args.raw, b"MSG_CMSG_CLOEXEC") || flags & MSG_CMSG_CLOEXEC != 0;
                Some(Deed::Receive { rights, is_cloexec })
            }
        },
        "io_uring_register" if is_files_registration(args.get(1)?.raw) => {
            let files = ints_in_brackets(args.get(2)?.raw)
                .map(|fd| Fd(fd as i32))
                .collect();
            Some(Deed::Register {
                ring: fd_at(args, 0)?,
                files,
            })
        }
        _ => touch(args),
    }
}

const CLONE_VM: u64 = eventpoll::syscall::flags::CLONE_VM;
pub(crate) const CLONE_VFORK: u64 = eventpoll::syscall::flags::CLONE_VFORK;

/// The flags of a clone, finished or not.
pub(crate) fn clone_flags(args: &[u8]) -> u64 {
    match find_after(args, b"flags=") {
        Some(flags) => {
            let end = flags
                .iter()
                .position(|byte| matches!(byte, b',' | b'}' | b' ' | b')'))
                .unwrap_or(flags.len());
            flag_bits(&flags[..end])
        }
        None => flag_bits(args),
    }
}

fn flag_bits(text: &[u8]) -> u64 {
    use eventpoll::syscall::flags;
    let named = [
        (&b"CLONE_VM"[..], flags::CLONE_VM),
        (b"CLONE_FILES", flags::CLONE_FILES),
        (b"CLONE_SIGHAND", flags::CLONE_SIGHAND),
        (b"CLONE_THREAD", flags::CLONE_THREAD),
        (b"CLONE_VFORK", flags::CLONE_VFORK),
        (b"CLONE_PARENT", flags::CLONE_PARENT),
    ];
    let words = || text.split(|byte| *byte == b'|');
    let names = named
        .iter()
        .filter(|(name, _)| words().any(|word| word == *name));
    let numbers = words()
        .filter_map(leading_int)
        .fold(0, |bits, number| bits | number as u64);
    names.fold(numbers, |bits, (_, bit)| bits | bit)
}

pub(crate) fn control(args: Args<'_>) -> Option<Deed<'_>> {
    let op = args.get(1)?.raw;
    let op = match op {
        _ if contains(op, b"_ADD") => CtlOp::Add,
        _ if contains(op, b"_DEL") => CtlOp::Del,
        _ if contains(op, b"_MOD") => CtlOp::Mod,
        _ => match leading_int(op)? {
            1 => CtlOp::Add,
            2 => CtlOp::Del,
            3 => CtlOp::Mod,
            _ => return None,
        },
    };
    let data = control_data(args);
    Some(Deed::Ctl {
        epfd: fd_at(args, 0)?,
        op,
        fd: fd_at(args, 2)?,
        data,
    })
}

/// The word that an `epoll_ctl` gives its registration.
pub(crate) fn control_data(args: Args<'_>) -> Option<u64> {
    event_words(args.get(3)?.raw).next()
}

/// The words of the events in a text, in order.
pub(crate) fn event_words(text: &[u8]) -> impl Iterator<Item = u64> + '_ {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = find_after(rest, b"u64=").or_else(|| find_after(rest, b"data="))?;
        Some(leading_int(rest)? as u64)
    })
}

fn fcntl<'a>(args: Args<'a>, new: Fd) -> Option<Deed<'a>> {
    let (fd, command) = (fd_at(args, 0)?, args.get(1)?.raw);
    match (command, leading_int(command)) {
        (b"F_DUPFD", _) | (_, Some(0)) => Some(Deed::Dup {
            fd,
            new,
            is_cloexec: false,
        }),
        (b"F_DUPFD_CLOEXEC", _) | (_, Some(1030)) => Some(Deed::Dup {
            fd,
            new,
            is_cloexec: true,
        }),
        (b"F_SETFD", _) | (_, Some(2)) => {
            let bits = args.get(2)?.raw;
            let on =
                contains(bits, b"CLOEXEC") || leading_int(bits).is_some_and(|bits| bits & 1 != 0);
            Some(Deed::SetCloexec { fd, on })
        }
        _ if contains(command, b"F_DUPFD_CLOEXEC") => Some(Deed::Dup {
            fd,
            new,
            is_cloexec: true,
        }),
        _ => Some(Deed::Touch { fd }),
    }
}

fn ioctl(args: Args<'_>) -> Option<Deed<'_>> {
    let (fd, request) = (fd_at(args, 0)?, args.get(1)?.raw);
    match (request, leading_int(request)) {
        (b"FIOCLEX", _) | (_, Some(0x5451)) => Some(Deed::SetCloexec { fd, on: true }),
        (b"FIONCLEX", _) | (_, Some(0x5450)) => Some(Deed::SetCloexec { fd, on: false }),
        _ => Some(Deed::Touch { fd }),
    }
}

fn is_files_registration(opcode: &[u8]) -> bool {
    match leading_int(opcode) {
        // What is taken back is replaced by nothing.
        Some(number) => matches!(number, 2 | 3),
        None => opcode.ends_with(b"REGISTER_FILES"),
    }
}

fn is_adoption(args: Args<'_>) -> bool {
    let Some(request) = args.get(1) else {
        return false;
    };
    request.raw == b"EPIOCADOPT" || leading_int(request.raw) == Some(eventpoll::EPIOCADOPT.into())
}

fn pair(args: Args<'_>, at: usize, is_cloexec: bool) -> Option<Deed<'_>> {
    let mut fds = ints_in_brackets(args.get(at)?.raw).map(|fd| Fd(fd as i32));
    Some(Deed::Open {
        fds: [Some(fds.next()?), Some(fds.next()?)],
        made: Made::Other,
        is_cloexec,
    })
}

/// The descriptors of every `SCM_RIGHTS` in a text.
pub(crate) fn rights(args: &[u8]) -> Vec<Fd> {
    let mut found = Vec::new();
    let mut rest = args;
    // `strace -X raw` has no names.
    let next = |rest| {
        find_after(rest, b"SCM_RIGHTS")
            .or_else(|| find_after(rest, b"cmsg_level=0x1, cmsg_type=0x1,"))
    };
    while let Some(after) = next(rest) {
        let Some(data) = find_after(after, b"cmsg_data=") else {
            break;
        };
        found.extend(ints_in_brackets(data).take(253).map(|fd| Fd(fd as i32)));
        rest = data;
    }
    found
}

fn touch(args: Args<'_>) -> Option<Deed<'_>> {
    Some(Deed::Touch {
        fd: fd_at(args, 0)?,
    })
}

/// The number an argument begins with, decorated or not.
pub(crate) fn fd_at(args: Args<'_>, at: usize) -> Option<Fd> {
    Some(Fd(i32::try_from(int_at(args, at)?).ok()?))
}

fn is_cloexec(args: Args<'_>, flags_at: usize) -> bool {
    let Some(flags) = args.get(flags_at) else {
        return false;
    };
    contains(flags.raw, b"CLOEXEC")
        || leading_int(flags.raw).is_some_and(|bits| bits & O_CLOEXEC != 0)
}
