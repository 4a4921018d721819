//! What records change in tables and interest lists: for a snapshot that was taken meanwhile.

use crate::kernel::{Body, Call, Head, Record, What, is_close, long};

const EPOLL_CTL_ADD: u64 = 1;
const EPOLL_CTL_DEL: u64 = 2;
const O_CLOEXEC: u64 = 0o2_000_000;
const F_DUPFD: u64 = 0;
const F_DUPFD_CLOEXEC: u64 = 1030;

/// A change of what fds name, of what is registered, or of who is there. Processes are named by their pids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// An fd names a file.
    Opened {
        /// The process.
        pid: u32,
        /// The fd.
        fd: i32,
        /// The fd that it is a copy of, if it is one.
        copy_of: Option<i32>,
        /// Whether the file is an epoll instance.
        is_instance: bool,
        /// Whether an exec closes it.
        is_cloexec: bool,
    },
    /// An fd is closed.
    Closed {
        /// The process.
        pid: u32,
        /// The fd.
        fd: i32,
        /// Whether the file is gone with it, and so are its registrations.
        is_last: bool,
    },
    /// `EPOLL_CTL_ADD` or `EPOLL_CTL_MOD`.
    Registered {
        /// The process.
        pid: u32,
        /// Its fd for the instance.
        epfd: i32,
        /// The fd.
        fd: i32,
        /// The data.
        data: u64,
    },
    /// `EPOLL_CTL_DEL`.
    Removed {
        /// The process.
        pid: u32,
        /// Its fd for the instance.
        epfd: i32,
        /// The fd.
        fd: i32,
    },
    /// A process or a thread is born.
    Born {
        /// The parent.
        parent: u32,
        /// The child's process, which is the parent for a thread.
        pid: u32,
        /// The child.
        tid: u32,
    },
    /// A task is gone, and its process with the last one.
    Gone {
        /// The process.
        pid: u32,
        /// The task.
        tid: u32,
        /// Whether it was the last one.
        is_last: bool,
    },
    /// Fds were closed, and which is not told: an exec, close_range(2).
    Unclear {
        /// The process.
        pid: u32,
    },
}

impl Change {
    /// The changes of a record: two at most.
    pub(crate) fn of(record: &Record<'_>) -> [Option<Change>; 2] {
        let head = &record.head;
        let pid = head.pid;
        let Some(call) = &record.call else {
            return [None; 2];
        };
        match (head.what, &call.body) {
            (What::Closed, _) => [Some(closed(head, head.references <= 1)), None],
            (What::Enter, Body::Closing(registered, _)) => {
                [Some(closed(head, registered.references <= 1)), None]
            }
            (What::Exit, _) if head.result < 0 => [None; 2],
            (What::Exit, Body::Files(files)) => opened(head, call, files.map(|it| it.is_some())),
            (What::Exit, _) if i64::from(head.number) == libc::SYS_epoll_ctl => {
                [controlled(head, call), None]
            }
            (What::Exit, Body::Bytes(_)) if i64::from(head.number) == libc::SYS_recvmsg => {
                let fd = call.arguments[4] as i32;
                let opened = Change::Opened {
                    pid,
                    fd,
                    copy_of: None,
                    is_instance: false,
                    is_cloexec: false,
                };
                [Some(opened).filter(|_| fd >= 0), None]
            }
            (What::Enter, _) if i64::from(head.number) == libc::SYS_close_range => {
                [Some(Change::Unclear { pid }), None]
            }
            (What::Exec, _) => [Some(Change::Unclear { pid }), None],
            (What::Fork, _) => {
                let born = Change::Born {
                    parent: pid,
                    pid: call.arguments[1] as u32,
                    tid: call.arguments[0] as u32,
                };
                [Some(born), None]
            }
            (What::Gone, _) => {
                let gone = Change::Gone {
                    pid,
                    tid: head.tid,
                    is_last: call.arguments[1] == 0,
                };
                [Some(gone), None]
            }
            _ => [None; 2],
        }
    }
}

fn closed(head: &Head, is_last: bool) -> Change {
    Change::Closed {
        pid: head.pid,
        fd: head.fd,
        is_last,
    }
}

fn opened(head: &Head, call: &Call<'_>, are_there: [bool; 2]) -> [Option<Change>; 2] {
    let number = i64::from(head.number);
    let [first, second, third, ..] = call.arguments;
    let is_fcntl = number == libc::SYS_fcntl && [F_DUPFD, F_DUPFD_CLOEXEC].contains(&second);
    let is_copy = number == libc::SYS_dup || is_fcntl || (is_close(head.number) && head.fd >= 0);
    let is_cloexec = match number {
        libc::SYS_epoll_create1 => first & O_CLOEXEC != 0,
        libc::SYS_fcntl => second == F_DUPFD_CLOEXEC,
        libc::SYS_dup3 => third & O_CLOEXEC != 0,
        _ => false,
    };
    let is_instance = match &call.body {
        Body::Files([Some(about), _]) => about.name.ends_with(b"[eventpoll]"),
        _ => false,
    };
    let numbers = match are_there[1] {
        true => [call.arguments[4] as i32, call.arguments[5] as i32],
        false => [head.fd, -1],
    };
    numbers.map(|fd| {
        let opened = Change::Opened {
            pid: head.pid,
            fd,
            copy_of: is_copy.then_some(first as i32),
            is_instance,
            is_cloexec,
        };
        Some(opened).filter(|_| fd >= 0)
    })
}

fn controlled(head: &Head, call: &Call<'_>) -> Option<Change> {
    let [epfd, operation, fd, ..] = call.arguments;
    let (pid, epfd, fd) = (head.pid, epfd as i32, fd as i32);
    if operation == EPOLL_CTL_DEL {
        return Some(Change::Removed { pid, epfd, fd });
    }
    let Body::Bytes(bytes) = call.body else {
        return None;
    };
    let data = long(bytes, bytes.len().checked_sub(8)?)?;
    let is_there = operation >= EPOLL_CTL_ADD;
    is_there.then_some(Change::Registered {
        pid,
        epfd,
        fd,
        data,
    })
}
