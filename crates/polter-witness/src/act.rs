//! One call of a program, small enough to keep millions.

use eventpoll::syscall::{Buffer, Ioctl, flags};
use eventpoll::{EpollEvent, Events, Fd, Syscall};

/// What a program may do: a call with everything fixed but its descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// `epoll_create1(0)`.
    Instance,
    /// `epoll_create1(EPOLL_CLOEXEC)`.
    InstanceCloexec,
    /// `eventfd2(1, EFD_NONBLOCK)`: a file that is readable at once.
    Eventfd,
    /// `eventfd2(1, EFD_NONBLOCK|EFD_CLOEXEC)`.
    EventfdCloexec,
    /// `pipe2(O_NONBLOCK)`.
    Pipe,
    /// `socketpair(AF_UNIX, SOCK_DGRAM|SOCK_NONBLOCK, 0)`.
    Socketpair,
    /// `EPOLL_CTL_ADD`, for `EPOLLIN`; the word is the number.
    Add,
    /// The same with `EPOLLET`.
    AddEdge,
    /// The same with `EPOLLONESHOT`.
    AddOneshot,
    /// `EPOLL_CTL_MOD`, to `EPOLLIN`.
    Mod,
    /// `EPOLL_CTL_DEL`.
    Del,
    /// `epoll_wait`, for up to eight events, without waiting.
    Wait,
    /// `ioctl(EPIOCADOPT)`.
    Adopt,
    /// `dup`.
    Dup,
    /// `dup2`, over a number that is open or has been.
    Dup2,
    /// `close`.
    Close,
    /// `write` of one byte, or of eight to what may be an eventfd.
    Write,
    /// `read`.
    Read,
    /// `sendmsg` of a descriptor over a socket.
    Send,
    /// `recvmsg` with room for one descriptor.
    Receive,
    /// `fork`.
    Fork,
    /// `clone(CLONE_FILES)`: a process that shares the descriptor table.
    Share,
    /// `unshare(CLONE_FILES)`.
    Unshare,
    /// `execve`.
    Exec,
    /// `exit_group`.
    Exit,
}

/// One call: who, what, and with which descriptors.
///
/// `who` counts the live processes in the order of their birth, so that it means the same
/// in every program that leads to the same state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Act {
    /// The caller's place among the live processes, the eldest first.
    pub who: u8,
    /// The call that is made.
    pub verb: Verb,
    /// The fd that the call takes first; 0 if it takes none.
    pub a: u8,
    /// The fd that it takes second; 0 if it takes one or none.
    pub b: u8,
}

impl Verb {
    /// Every verb, creating ones first and leaving ones last.
    pub const ALL: [Verb; 25] = [
        Verb::Instance,
        Verb::InstanceCloexec,
        Verb::Eventfd,
        Verb::EventfdCloexec,
        Verb::Pipe,
        Verb::Socketpair,
        Verb::Add,
        Verb::AddEdge,
        Verb::AddOneshot,
        Verb::Mod,
        Verb::Del,
        Verb::Wait,
        Verb::Adopt,
        Verb::Dup,
        Verb::Dup2,
        Verb::Close,
        Verb::Write,
        Verb::Read,
        Verb::Send,
        Verb::Receive,
        Verb::Fork,
        Verb::Share,
        Verb::Unshare,
        Verb::Exec,
        Verb::Exit,
    ];

    /// The verb's name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Verb::Instance => "epoll",
            Verb::InstanceCloexec => "epoll-cloexec",
            Verb::Eventfd => "eventfd",
            Verb::EventfdCloexec => "eventfd-cloexec",
            Verb::Pipe => "pipe",
            Verb::Socketpair => "socketpair",
            Verb::Add => "add",
            Verb::AddEdge => "add-et",
            Verb::AddOneshot => "add-oneshot",
            Verb::Mod => "mod",
            Verb::Del => "del",
            Verb::Wait => "wait",
            Verb::Adopt => "adopt",
            Verb::Dup => "dup",
            Verb::Dup2 => "dup2",
            Verb::Close => "close",
            Verb::Write => "write",
            Verb::Read => "read",
            Verb::Send => "send",
            Verb::Receive => "receive",
            Verb::Fork => "fork",
            Verb::Share => "share",
            Verb::Unshare => "unshare",
            Verb::Exec => "exec",
            Verb::Exit => "exit",
        }
    }

    /// The verb of this name.
    pub fn named(name: &str) -> Option<Verb> {
        Verb::ALL.into_iter().find(|verb| verb.name() == name)
    }

    /// True for the calls on an instance.
    pub(crate) fn is_on_instance(self) -> bool {
        self.is_control() || matches!(self, Verb::Wait | Verb::Adopt)
    }

    /// True for `epoll_ctl`.
    pub(crate) fn is_control(self) -> bool {
        matches!(
            self,
            Verb::Add | Verb::AddEdge | Verb::AddOneshot | Verb::Mod | Verb::Del
        )
    }

    /// True for what makes a descriptor's file.
    pub(crate) fn is_creating(self) -> bool {
        matches!(
            self,
            Verb::Instance
                | Verb::InstanceCloexec
                | Verb::Eventfd
                | Verb::EventfdCloexec
                | Verb::Pipe
                | Verb::Socketpair
        )
    }

    /// True for what makes a process.
    pub(crate) fn is_birth(self) -> bool {
        matches!(self, Verb::Fork | Verb::Share)
    }
}

impl Act {
    /// A call without descriptors.
    pub(crate) fn plain(who: u8, verb: Verb) -> Act {
        Act {
            who,
            verb,
            a: 0,
            b: 0,
        }
    }

    /// The call as the model takes it.
    pub(crate) fn syscall(self) -> Syscall {
        let (a, b) = (Fd(self.a.into()), Fd(self.b.into()));
        match self.verb {
            Verb::Instance => Syscall::EpollCreate1 { flags: 0 },
            Verb::InstanceCloexec => Syscall::EpollCreate1 {
                flags: flags::O_CLOEXEC,
            },
            Verb::Eventfd => eventfd(flags::O_NONBLOCK),
            Verb::EventfdCloexec => eventfd(flags::O_NONBLOCK | flags::O_CLOEXEC),
            Verb::Pipe => Syscall::Pipe2 {
                flags: flags::O_NONBLOCK,
            },
            Verb::Socketpair => Syscall::Socketpair {
                domain: flags::AF_UNIX,
                kind: flags::SOCK_DGRAM | flags::O_NONBLOCK,
                protocol: 0,
            },
            Verb::Add => control(flags::EPOLL_CTL_ADD, a, b, Events::IN),
            Verb::AddEdge => control(flags::EPOLL_CTL_ADD, a, b, Events::IN | Events::ET),
            Verb::AddOneshot => control(flags::EPOLL_CTL_ADD, a, b, Events::IN | Events::ONESHOT),
            Verb::Mod => control(flags::EPOLL_CTL_MOD, a, b, Events::IN),
            Verb::Del => Syscall::EpollCtl {
                epfd: a,
                op: flags::EPOLL_CTL_DEL,
                fd: b,
                event: None,
            },
            Verb::Wait => Syscall::EpollWait {
                epfd: a,
                buffer: Buffer::Mapped,
                maxevents: 8,
                timeout_ms: 0,
            },
            Verb::Adopt => Syscall::Ioctl {
                fd: a,
                request: Ioctl::EpollAdopt,
            },
            Verb::Dup => Syscall::Dup { fd: a },
            Verb::Dup2 => Syscall::Dup2 { fd: a, new_fd: b },
            Verb::Close => Syscall::Close { fd: a },
            Verb::Write => Syscall::Write {
                fd: a,
                len: 8,
                first: 1,
            },
            Verb::Read => Syscall::Read { fd: a, len: 8 },
            Verb::Send => Syscall::Sendmsg {
                fd: a,
                len: 1,
                rights: vec![b],
                flags: 0,
            },
            Verb::Receive => Syscall::Recvmsg {
                fd: a,
                len: 1,
                room: 1,
                flags: 0,
            },
            Verb::Fork => Syscall::Fork,
            Verb::Share => Syscall::Clone {
                flags: flags::CLONE_FILES,
            },
            Verb::Unshare => Syscall::Unshare {
                flags: flags::CLONE_FILES,
            },
            Verb::Exec => Syscall::Execve,
            Verb::Exit => Syscall::ExitGroup { status: 0 },
        }
    }
}

fn eventfd(flags: u32) -> Syscall {
    Syscall::Eventfd2 { count: 1, flags }
}

fn control(op: u32, epfd: Fd, fd: Fd, events: Events) -> Syscall {
    let data = fd.0 as u64;
    let event = Some(EpollEvent { events, data });
    Syscall::EpollCtl {
        epfd,
        op,
        fd,
        event,
    }
}
