//! Reads the text of a call into an [`Effect`].
//!
//! Only as much is read as the judge needs: fds and a few flags. A call that is not listed here is at most an
//! [`Effect::Touch`].

use super::effect::{Effect, Made};
use super::epoll_args::{ctl_args, is_adoption};
use super::flags::{CLONE_VFORK, CLONE_VM, clone_flags, flag_bits, is_cloexec};
use super::text::{contains, fd_at, int_at, ints_in_brackets, leading_int, rights};
use eventpoll::Fd;
use polter_trace::{Args, Returned};

const MSG_CMSG_CLOEXEC: i64 = 0x4000_0000;

/// Reads a call that has ended.
///
/// A failed call changes nothing, and counts as a touch. The exceptions are the calls on instances and `close`: their
/// errors are evidence.
pub(crate) fn effect_of<'a>(
    name: &str,
    args: Args<'a>,
    returned: &Returned<'_>,
) -> Option<Effect<'a>> {
    let value = returned.number()?;
    match name {
        "epoll_wait" | "epoll_pwait" | "epoll_pwait2" => {
            let epfd = fd_at(args, 0)?;
            let events = if value > 0 {
                args.get(1).map_or(&b""[..], |arg| arg.raw)
            } else {
                b""
            };
            return Some(Effect::Wait { epfd, events });
        }
        "epoll_ctl" => return ctl_args(args).map(Effect::Ctl),
        "close" => {
            return Some(Effect::Close {
                fd: fd_at(args, 0)?,
            });
        }
        "ioctl" if is_adoption(args) => {
            return Some(Effect::Adopt {
                epfd: fd_at(args, 0)?,
            });
        }
        _ if value < 0 => return touch(args),
        _ => {}
    }
    let new = Fd(i32::try_from(value).unwrap_or(-1));
    match opened_as(name, args) {
        Some((made, cloexec)) => Some(Effect::Open {
            fds: [Some(new), None],
            made,
            is_cloexec: cloexec.is_set(args),
        }),
        None => changed_as(name, args, new),
    }
}

/// Where a call that opens a file says if an exec closes it.
enum Cloexec {
    /// In the flags at this argument.
    At(usize),
    Never,
    Always,
}

impl Cloexec {
    fn is_set(&self, args: Args<'_>) -> bool {
        match self {
            Cloexec::At(at) => is_cloexec(args, *at),
            Cloexec::Never => false,
            Cloexec::Always => true,
        }
    }
}

/// The calls that give one new file at one new fd.
fn opened_as(name: &str, args: Args<'_>) -> Option<(Made, Cloexec)> {
    use Cloexec::{Always, At, Never};
    let opened = match name {
        "open" => (Made::Other, At(1)),
        "openat" | "openat2" => (Made::Other, At(2)),
        "epoll_create" => (Made::Epoll, Never),
        "epoll_create1" => (Made::Epoll, At(0)),
        "socket" | "eventfd2" | "memfd_create" | "fsopen" | "open_tree" => (Made::Other, At(1)),
        "timerfd_create" | "perf_event_open" | "open_by_handle_at" => (Made::Other, At(1)),
        "accept" => (Made::Accepted, Never),
        "accept4" => (Made::Accepted, At(3)),
        "creat" | "eventfd" | "inotify_init" | "userfaultfd" | "inotify_init1"
        | "fanotify_init" | "fsmount" => (Made::Other, At(0)),
        "io_uring_setup" => (Made::Other, Always),
        // With an fd it changes the mask of the signalfd that is there.
        "signalfd" | "signalfd4" if fd_at(args, 0) == Some(Fd(-1)) => (Made::Signalfd, At(3)),
        "pidfd_open" => (Made::Pidfd(int_at(args, 0)? as i32), Always),
        _ => return None,
    };
    Some(opened)
}

/// The other calls that change descriptors or processes.
fn changed_as<'a>(name: &str, args: Args<'a>, new: Fd) -> Option<Effect<'a>> {
    match name {
        "pidfd_getfd" => Some(Effect::GetFd {
            pidfd: fd_at(args, 0)?,
            target: fd_at(args, 1)?,
            new,
        }),
        "pipe" => pair(args, 0, false),
        "pipe2" => pair(args, 0, is_cloexec(args, 1)),
        "socketpair" => pair(args, 3, is_cloexec(args, 1)),
        "dup" => Some(Effect::Dup {
            fd: fd_at(args, 0)?,
            new,
            is_cloexec: false,
        }),
        "dup2" | "dup3" => Some(Effect::Replace {
            fd: fd_at(args, 0)?,
            new,
            is_cloexec: is_cloexec(args, 2),
        }),
        "fcntl" | "fcntl64" => fcntl(args, new),
        "ioctl" => ioctl(args),
        "close_range" => close_range(args),
        "fork" => Some(Effect::Clone { flags: 0 }),
        "vfork" => Some(Effect::Clone {
            flags: CLONE_VFORK | CLONE_VM,
        }),
        "clone" | "clone2" | "clone3" => Some(Effect::Clone {
            flags: clone_flags(args.raw),
        }),
        "unshare" => Some(Effect::Unshare {
            flags: flag_bits(args.get(0)?.raw),
        }),
        "execve" | "execveat" => Some(Effect::Exec),
        "sendmsg" | "sendmmsg" => match rights(args.raw) {
            rights if rights.is_empty() => touch(args),
            rights => Some(Effect::Send { rights }),
        },
        "recvmsg" => receive(args, 2),
        "recvmmsg" => receive(args, 3),
        "io_uring_register" if is_files_registration(args.get(1)?.raw) => {
            let files = ints_in_brackets(args.get(2)?.raw);
            Some(Effect::Register {
                ring: fd_at(args, 0)?,
                files: files.map(|fd| Fd(fd as i32)).collect(),
            })
        }
        _ => touch(args),
    }
}

fn close_range(args: Args<'_>) -> Option<Effect<'_>> {
    let bound = |at| Some(int_at(args, at)?.clamp(0, u32::MAX.into()) as u32);
    let flags = args.get(2)?.raw;
    let bits = leading_int(flags).unwrap_or(0) as u32;
    let unshare = u32::from(contains(flags, b"UNSHARE")) << 1;
    let cloexec = u32::from(contains(flags, b"CLOEXEC")) << 2;
    Some(Effect::CloseRange {
        first: bound(0)?,
        last: bound(1)?,
        flags: bits | unshare | cloexec,
    })
}

fn receive(args: Args<'_>, flags_at: usize) -> Option<Effect<'_>> {
    let rights = rights(args.raw);
    if rights.is_empty() {
        return touch(args);
    }
    let flags = int_at(args, flags_at).unwrap_or(0);
    let is_cloexec = contains(args.raw, b"MSG_CMSG_CLOEXEC") || flags & MSG_CMSG_CLOEXEC != 0;
    Some(Effect::Receive { rights, is_cloexec })
}

fn fcntl<'a>(args: Args<'a>, new: Fd) -> Option<Effect<'a>> {
    let (fd, command) = (fd_at(args, 0)?, args.get(1)?.raw);
    match (command, leading_int(command)) {
        (b"F_DUPFD", _) | (_, Some(0)) => Some(Effect::Dup {
            fd,
            new,
            is_cloexec: false,
        }),
        (b"F_DUPFD_CLOEXEC", _) | (_, Some(1030)) => Some(Effect::Dup {
            fd,
            new,
            is_cloexec: true,
        }),
        (b"F_SETFD", _) | (_, Some(2)) => {
            let bits = args.get(2)?.raw;
            let on =
                contains(bits, b"CLOEXEC") || leading_int(bits).is_some_and(|bits| bits & 1 != 0);
            Some(Effect::SetCloexec { fd, on })
        }
        _ if contains(command, b"F_DUPFD_CLOEXEC") => Some(Effect::Dup {
            fd,
            new,
            is_cloexec: true,
        }),
        _ => Some(Effect::Touch { fd }),
    }
}

fn ioctl(args: Args<'_>) -> Option<Effect<'_>> {
    let (fd, request) = (fd_at(args, 0)?, args.get(1)?.raw);
    match (request, leading_int(request)) {
        (b"FIOCLEX", _) | (_, Some(0x5451)) => Some(Effect::SetCloexec { fd, on: true }),
        (b"FIONCLEX", _) | (_, Some(0x5450)) => Some(Effect::SetCloexec { fd, on: false }),
        _ => Some(Effect::Touch { fd }),
    }
}

/// True for the opcodes that give a ring fixed files or take them away.
fn is_files_registration(opcode: &[u8]) -> bool {
    match leading_int(opcode) {
        // 2 registers files, 3 takes them back: then the list of files is empty.
        Some(number) => matches!(number, 2 | 3),
        None => opcode.ends_with(b"REGISTER_FILES"),
    }
}

/// Two new files at the fds of the array at an argument.
fn pair(args: Args<'_>, at: usize, is_cloexec: bool) -> Option<Effect<'_>> {
    let mut fds = ints_in_brackets(args.get(at)?.raw).map(|fd| Fd(fd as i32));
    Some(Effect::Open {
        fds: [Some(fds.next()?), Some(fds.next()?)],
        made: Made::Other,
        is_cloexec,
    })
}

/// The call's first argument as an fd that is used and not changed.
fn touch(args: Args<'_>) -> Option<Effect<'_>> {
    Some(Effect::Touch {
        fd: fd_at(args, 0)?,
    })
}
