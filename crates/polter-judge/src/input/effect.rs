//! What a call does to descriptors, as a value.

use eventpoll::Fd;

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
