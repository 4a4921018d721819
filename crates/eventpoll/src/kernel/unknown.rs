//! What the model does not claim to know: a call whose answer would be made up.
//!
//! A world that follows a log needs no such answers, for the log has them; one
//! that is compared with a running kernel must not give them. Asked before the
//! call, and by nobody on the way of one.

use crate::abi::{Fcntl, Ioctl, Piece, flags};
use crate::fs::{Access, FileKind, Opaque};
use crate::store::{EpollId, FileId, Tid};
use crate::task::{SIGCHLD, SIGSTOP, bit};
use crate::{Fd, Kernel, Pid, Syscall};

/// Instances in instances, at the most. Linux: `EP_MAX_NESTS`.
const NESTS: u32 = 5;

const SOCKET: &str = "what a socket made by socket(2) answers is not modelled";
const READINESS: &str =
    "the readiness of a file made by socket(2) or found by its path is not modelled";
const CONTENTS: &str = "the contents and the size of files found by a path are not modelled";
const REQUEST: &str = "this request is not modelled";
const COMMAND: &str = "this command is not modelled";
const STOPPED: &str = "a process that a signal stops is not modelled";
const NAMESPACES: &str = "namespaces and tracing are not modelled";
const GROUP: &str = "signals to more than one process are not modelled";

impl Kernel {
    /// Why the answer to a call would be made up, if it would.
    pub fn unknown(&self, caller: Tid, call: &Syscall) -> Option<&'static str> {
        let process = &self.processes[self.tasks.get(caller)?.process];
        if process.is_stopped {
            return Some(STOPPED);
        }
        if self.has_collected || self.has_garbage() {
            return Some(
                "sockets that only their own queues hold are collected some time after any process of the machine has closed one",
            );
        }
        match call {
            Syscall::Read { fd, len } => self.unknown_read(caller, *fd, &[*len]),
            Syscall::Readv { fd, lens } => self.unknown_read(caller, *fd, lens),
            Syscall::Write { fd, .. } => self.unknown_data(caller, *fd, Access::Write),
            Syscall::Writev { fd, pieces } => self.unknown_writev(caller, *fd, pieces),
            Syscall::Sendmsg { fd, flags, .. } | Syscall::Recvmsg { fd, flags, .. } => {
                self.unknown_message(caller, *fd, *flags)
            }
            Syscall::Accept4 { fd, .. } | Syscall::Shutdown { fd, .. } => {
                self.is_opaque_socket(caller, *fd).then_some(SOCKET)
            }
            Syscall::Lseek { fd, offset, whence } => match self.kind(caller, *fd)? {
                // A file of /proc is read up to there.
                FileKind::Opaque(Opaque::Pollable) if *whence == 0 && *offset > 0 => Some(CONTENTS),
                FileKind::Opaque(Opaque::NotPollable | Opaque::Directory | Opaque::Pollable) => {
                    (1..=4).contains(whence).then_some(CONTENTS)
                }
                _ => None,
            },
            Syscall::Fcntl { fd, cmd } => self.unknown_fcntl(caller, *fd, *cmd),
            Syscall::Ioctl { fd, request } => self.unknown_ioctl(caller, *fd, *request),
            Syscall::EpollWait { epfd, .. }
            | Syscall::EpollPwait { epfd, .. }
            | Syscall::EpollPwait2 { epfd, .. } => self.unknown_readiness(caller, *epfd),
            Syscall::Poll { fds, .. } | Syscall::Ppoll { fds, .. } => {
                (fds.iter()).find_map(|entry| self.unknown_readiness(caller, entry.fd))
            }
            Syscall::Socket {
                domain,
                kind,
                protocol,
            } => unknown_socket(*domain, *kind, *protocol),
            Syscall::Socketpair { domain, .. } => {
                let is_known = !(2..46).contains(domain) || [2, 10, 16].contains(domain);
                (!is_known).then_some("this family of sockets is there or not")
            }
            Syscall::TimerfdSettime { flags, new, .. } => {
                let is_date = flags & flags::TFD_TIMER_ABSTIME != 0;
                let is_open = (LONG_PAST_NS..FAR_FUTURE_NS).contains(&new.value_ns);
                (is_date && is_open).then_some(
                    "when a date between the machine's start and the year 2065 comes is up to its clock",
                )
            }
            Syscall::Clone { flags } | Syscall::Unshare { flags } => {
                let is_refused = flags & FS != 0 && flags & (NEW_NAMESPACE | NEW_USER) != 0;
                let is_clone = matches!(call, Syscall::Clone { .. });
                let is_known = flags & ODD_FLAGS == 0 || is_clone && is_refused;
                (!is_known).then_some(NAMESPACES)
            }
            Syscall::Kill { pid, signal } => match pid.0 {
                ..1 => Some(GROUP),
                _ => self.unknown_signal(*pid, *signal),
            },
            Syscall::Tgkill { tid, signal, .. } => self.unknown_signal(*tid, *signal),
            Syscall::Wait4 { options, .. } => {
                let mut children = self.processes.iter();
                let is_stopped = children.any(|(_, process)| process.is_stopped);
                (is_stopped && options & (WUNTRACED | WCONTINUED) != 0).then_some(STOPPED)
            }
            _ => None,
        }
    }

    fn unknown_writev(&self, caller: Tid, fd: Fd, pieces: &[Piece]) -> Option<&'static str> {
        let is_several = pieces
            .split_first()
            .is_some_and(|(first, rest)| first.len == 8 && rest.iter().any(|piece| piece.len > 0));
        let is_eventfd = matches!(self.kind(caller, fd)?, FileKind::Eventfd(_));
        if is_eventfd && is_several {
            return Some("several counters in one writev(2) are not modelled");
        }
        self.unknown_data(caller, fd, Access::Write)
    }

    fn kind(&self, caller: Tid, fd: Fd) -> Option<&FileKind> {
        let file = self.file_at(caller, fd).ok()?;
        Some(&self.files[file].kind)
    }

    fn is_opaque_socket(&self, caller: Tid, fd: Fd) -> bool {
        let kind = self.kind(caller, fd);
        matches!(kind, Some(FileKind::Opaque(Opaque::Socket)))
    }

    fn unknown_read(&self, caller: Tid, fd: Fd, lens: &[u64]) -> Option<&'static str> {
        match self.kind(caller, fd)? {
            FileKind::Timerfd(_) | FileKind::Signalfd { .. } if lens.len() > 1 => {
                Some("a readv(2) of a timerfd or a signalfd in pieces is not modelled")
            }
            _ => self.unknown_data(caller, fd, Access::Read),
        }
    }

    /// Bytes of a file that has contents of its own, if it is open for them.
    fn unknown_data(&self, caller: Tid, fd: Fd, access: Access) -> Option<&'static str> {
        let file = &self.files[self.file_at(caller, fd).ok()?];
        match file.kind {
            _ if !file.is_open_for(access) => None,
            FileKind::Opaque(Opaque::Socket) => Some(SOCKET),
            FileKind::Opaque(Opaque::Pollable | Opaque::NotPollable) => Some(CONTENTS),
            _ => None,
        }
    }

    fn unknown_message(&self, caller: Tid, fd: Fd, flags: u32) -> Option<&'static str> {
        match self.kind(caller, fd)? {
            FileKind::Opaque(Opaque::Socket) => Some(SOCKET),
            FileKind::Socket(_) if flags & !KNOWN_MESSAGE_FLAGS != 0 => Some(
                "of a message's flags MSG_PEEK, MSG_DONTWAIT, MSG_NOSIGNAL, MSG_EOR, MSG_MORE, MSG_TRUNC and MSG_CMSG_CLOEXEC are modelled, and no others",
            ),
            _ => None,
        }
    }

    fn unknown_fcntl(&self, caller: Tid, fd: Fd, cmd: Fcntl) -> Option<&'static str> {
        let kind = self.kind(caller, fd)?;
        match cmd {
            Fcntl::SetOwn(0) | Fcntl::SetSig(0) | Fcntl::Notify(0) => None,
            Fcntl::SetOwn(_) | Fcntl::SetSig(_) | Fcntl::Notify(_) => {
                Some("who is told of input, and how, is not modelled")
            }
            Fcntl::Other(cmd) => {
                let is_one =
                    matches!(cmd, 5..=7 | 12..=17 | 36..=38 | 1024 | 1028..=1029 | 1033..=1040);
                is_one.then_some(COMMAND)
            }
            Fcntl::SetFl(bits) if bits & flags::O_DIRECT != 0 => {
                let is_on_disk = matches!(
                    kind,
                    FileKind::Opaque(Opaque::NotPollable | Opaque::Directory | Opaque::Pollable)
                );
                is_on_disk.then_some("what a file system does with O_DIRECT is not modelled")
            }
            _ => None,
        }
    }

    fn unknown_ioctl(&self, caller: Tid, fd: Fd, request: Ioctl) -> Option<&'static str> {
        let is_plain = matches!(
            request,
            Ioctl::Fionbio(_) | Ioctl::Fioclex | Ioctl::Fionclex
        );
        match self.kind(caller, fd)? {
            _ if is_plain => None,
            FileKind::Opaque(Opaque::Socket) => Some(SOCKET),
            FileKind::Opaque(Opaque::Pollable) => Some(REQUEST),
            FileKind::Opaque(Opaque::NotPollable) if request == Ioctl::Fionread => Some(CONTENTS),
            FileKind::Pidfd { .. } if matches!(request, Ioctl::Other(n) if n >> 8 & 0xff == 0xff) => {
                Some(REQUEST)
            }
            FileKind::Socket(_) if matches!(request, Ioctl::Other(0x8900..=0x89ff)) => {
                (request != Ioctl::Other(0x8905)).then_some(REQUEST)
            }
            _ => match request {
                // Of file systems, and asked of whatever file. Linux: `do_vfs_ioctl`.
                Ioctl::Other(n) if [0x58, 0x66, 0x94, 0x15].contains(&(n >> 8 & 0xff)) => {
                    Some(REQUEST)
                }
                _ => None,
            },
        }
    }

    fn unknown_readiness(&self, caller: Tid, fd: Fd) -> Option<&'static str> {
        let file = self.file_at(caller, fd).ok()?;
        self.is_readiness_unknown(file, NESTS).then_some(READINESS)
    }

    fn is_readiness_unknown(&self, file: FileId, depth: u32) -> bool {
        match self.files[file].kind {
            FileKind::Opaque(Opaque::Socket | Opaque::Pollable) => true,
            FileKind::Epoll(epoll) if depth > 0 => self.watches_unknown(epoll, depth - 1),
            _ => false,
        }
    }

    fn watches_unknown(&self, epoll: EpollId, depth: u32) -> bool {
        let mut watched = self.registrations(epoll);
        watched.any(|registration| self.is_readiness_unknown(registration.file, depth))
    }

    fn unknown_signal(&self, pid: Pid, signal: u32) -> Option<&'static str> {
        let numbered = self.pids.get(&pid)?;
        let process = &self.processes[numbered.process];
        match signal {
            18 if process.is_stopped => Some(STOPPED),
            SIGSTOP | 20..=22 if self.hears_of_stops(process.parent) => Some(STOPPED),
            _ => None,
        }
    }

    /// A parent that blocks or handles `SIGCHLD` is told when a child stops.
    fn hears_of_stops(&self, parent: Option<crate::store::ProcessId>) -> bool {
        let Some(parent) = parent.and_then(|parent| self.processes.get(parent)) else {
            return false;
        };
        let blocks = |tid: &Tid| self.tasks[*tid].mask & bit(SIGCHLD) != 0;
        parent.threads.iter().any(blocks) || self.sighands[parent.sighand].handles(SIGCHLD)
    }
}

/// A date that is past on every machine that runs.
const LONG_PAST_NS: u64 = 1_000_000_001;
/// A date, by whichever clock, that no machine has come to: in 2065.
const FAR_FUTURE_NS: u64 = 3_000_000_000_000_000_000;

const KNOWN_MESSAGE_FLAGS: u32 = flags::MSG_PEEK
    | flags::MSG_DONTWAIT
    | flags::MSG_NOSIGNAL
    | flags::MSG_CMSG_CLOEXEC
    | flags::MSG_TRUNC
    | 0x8080;
const WUNTRACED: u32 = 2;
const WCONTINUED: u32 = 8;
/// `CLONE_FS`.
const FS: u64 = 0x200;
/// `CLONE_NEWNS`.
const NEW_NAMESPACE: u64 = 0x2_0000;
/// `CLONE_NEWUSER`.
const NEW_USER: u64 = 0x1000_0000;
/// `CLONE_NEW…` and `CLONE_PTRACE`.
const ODD_FLAGS: u64 = 0x7e02_2080;

/// Families that every machine has, in their plain kinds, and what no machine has.
fn unknown_socket(domain: i32, kind: u32, protocol: i32) -> Option<&'static str> {
    let kind = kind & flags::SOCK_TYPE_MASK;
    let is_plain = kind == flags::SOCK_STREAM || kind == flags::SOCK_DGRAM;
    let is_known = match domain {
        1 => true,
        2 | 10 => is_plain && protocol == 0,
        16 => (kind == flags::SOCK_RAW || kind == flags::SOCK_DGRAM) && protocol == 0,
        other => !(1..46).contains(&other) || kind >= 11,
    };
    (!is_known).then_some("whether this machine has such sockets is not known")
}
