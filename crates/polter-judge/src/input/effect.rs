//! What a call does to descriptors, as a value.

use eventpoll::Fd;

/// What a call did to descriptors, or tried to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect<'a> {
    /// New files, at one fd or two.
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
    /// `dup2`, `dup3`: whatever `new` named is closed.
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
    Ctl(Ctl),
    /// `events` is the text of the array; empty if nothing was reported.
    Wait {
        epfd: Fd,
        events: &'a [u8],
    },
    /// `EPIOCADOPT`: a call that only one of the policies has.
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
    /// Files sent away; from now on the message holds a reference to each.
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
    /// A call on a descriptor that changes none.
    Touch {
        fd: Fd,
    },
}

/// What kind of file a call made, as far as a detector asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    Epoll,
    Signalfd,
    Pidfd(i32),
    Accepted,
    Other,
}

/// The operation of an `epoll_ctl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CtlOp {
    Add,
    Del,
    Mod,
}

/// The arguments of an `epoll_ctl`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ctl {
    pub(crate) epfd: Fd,
    pub(crate) op: CtlOp,
    pub(crate) fd: Fd,
    /// The data of the event, if there is one.
    pub(crate) data: Option<u64>,
}
