//! A world for tests, and short words for its calls.

use eventpoll::syscall::{Buffer, Out, Return, SigMask, flags};
use eventpoll::{EpollEvent, Errno, Events, Fd, Outcome, Pid, Syscall};
use polter_live::{Confinement, Executor};

/// A world whose first process is 100; everything unexpected panics.
pub(crate) struct World(pub(crate) Executor);

impl World {
    pub(crate) fn new() -> World {
        World(Executor::start(Pid(100)).unwrap())
    }

    pub(crate) fn without_namespace() -> World {
        World(Executor::start_in(Confinement::Subreaper, Pid(100)).unwrap())
    }

    #[track_caller]
    pub(crate) fn outcome(&mut self, pid: i32, call: &Syscall) -> Outcome {
        self.0.call(Pid(pid), call, None).unwrap()
    }

    #[track_caller]
    pub(crate) fn result(&mut self, pid: i32, call: &Syscall) -> Return {
        match self.outcome(pid, call) {
            Outcome::Done(Ok(result)) => result,
            other => panic!("{call:?}: {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn ok(&mut self, pid: i32, call: &Syscall) -> i64 {
        self.result(pid, call).value
    }

    #[track_caller]
    pub(crate) fn fails(&mut self, pid: i32, call: &Syscall, errno: Errno) {
        assert_eq!(
            self.outcome(pid, call),
            Outcome::Done(Err(errno)),
            "{call:?}"
        );
    }

    #[track_caller]
    pub(crate) fn blocks(&mut self, pid: i32, call: &Syscall) {
        assert_eq!(self.outcome(pid, call), Outcome::Blocked, "{call:?}");
    }

    #[track_caller]
    pub(crate) fn goes(&mut self, pid: i32, call: &Syscall) {
        assert_eq!(self.outcome(pid, call), Outcome::Gone, "{call:?}");
    }

    #[track_caller]
    pub(crate) fn makes(&mut self, pid: i32, call: &Syscall, child: i32) -> Outcome {
        self.0.call(Pid(pid), call, Some(Pid(child))).unwrap()
    }

    #[track_caller]
    pub(crate) fn fork(&mut self, pid: i32, child: i32) {
        let made = self.makes(pid, &Syscall::Fork, child);
        assert_eq!(made, Outcome::Done(Ok(Return::value(child.into()))));
    }

    #[track_caller]
    pub(crate) fn thread(&mut self, pid: i32, child: i32) {
        let call = Syscall::Clone { flags: THREAD };
        let made = self.makes(pid, &call, child);
        assert_eq!(made, Outcome::Done(Ok(Return::value(child.into()))));
    }

    /// The data of the events that a wait without blocking reports.
    #[track_caller]
    pub(crate) fn reported(&mut self, pid: i32, epfd: i32) -> Vec<u64> {
        data(&self.result(pid, &wait(epfd, 8, 0)).out)
    }

    #[track_caller]
    pub(crate) fn ended(&mut self) -> Vec<(i32, Outcome)> {
        let ended = self.0.drain_completions().unwrap();
        ended.into_iter().map(|(pid, end)| (pid.0, end)).collect()
    }

    /// The one blocked call that has ended.
    #[track_caller]
    pub(crate) fn end_of(&mut self, pid: i32) -> Outcome {
        let mut ended = self.ended();
        assert_eq!(ended.len(), 1, "{ended:?}");
        let (who, end) = ended.remove(0);
        assert_eq!(who, pid);
        end
    }
}

/// What `pthread_create(3)` asks for, as far as it matters here.
pub(crate) const THREAD: u64 =
    flags::CLONE_VM | flags::CLONE_FILES | flags::CLONE_SIGHAND | flags::CLONE_THREAD;

#[track_caller]
pub(crate) fn data(out: &Out) -> Vec<u64> {
    match out {
        Out::Events(events) => events.iter().map(|event| event.data).collect(),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn done(value: i64) -> Outcome {
    Outcome::Done(Ok(Return::value(value)))
}

pub(crate) fn event(events: Events, data: u64) -> EpollEvent {
    EpollEvent { events, data }
}

pub(crate) fn epoll() -> Syscall {
    Syscall::EpollCreate1 { flags: 0 }
}

pub(crate) fn pipe() -> Syscall {
    Syscall::Pipe2 { flags: 0 }
}

pub(crate) fn eventfd() -> Syscall {
    Syscall::Eventfd2 { count: 0, flags: 0 }
}

/// The registration's data is the number.
pub(crate) fn ctl(op: u32, epfd: i32, fd: i32, events: Events) -> Syscall {
    Syscall::EpollCtl {
        epfd: Fd(epfd),
        op,
        fd: Fd(fd),
        event: Some(event(events, fd as u64)),
    }
}

pub(crate) fn add(epfd: i32, fd: i32, events: Events) -> Syscall {
    ctl(flags::EPOLL_CTL_ADD, epfd, fd, events)
}

pub(crate) fn modify(epfd: i32, fd: i32, events: Events) -> Syscall {
    ctl(flags::EPOLL_CTL_MOD, epfd, fd, events)
}

pub(crate) fn del(epfd: i32, fd: i32) -> Syscall {
    Syscall::EpollCtl {
        epfd: Fd(epfd),
        op: flags::EPOLL_CTL_DEL,
        fd: Fd(fd),
        event: None,
    }
}

pub(crate) fn wait(epfd: i32, maxevents: i32, timeout_ms: i32) -> Syscall {
    wait_at(Buffer::Mapped, epfd, maxevents, timeout_ms)
}

pub(crate) fn wait_at(buffer: Buffer, epfd: i32, maxevents: i32, timeout_ms: i32) -> Syscall {
    Syscall::EpollWait {
        epfd: Fd(epfd),
        buffer,
        maxevents,
        timeout_ms,
    }
}

pub(crate) fn pwait(epfd: i32, timeout_ms: i32, mask: SigMask) -> Syscall {
    Syscall::EpollPwait {
        epfd: Fd(epfd),
        buffer: Buffer::Mapped,
        maxevents: 8,
        timeout_ms,
        mask,
    }
}

pub(crate) fn close(fd: i32) -> Syscall {
    Syscall::Close { fd: Fd(fd) }
}

pub(crate) fn dup(fd: i32) -> Syscall {
    Syscall::Dup { fd: Fd(fd) }
}

pub(crate) fn read(fd: i32, len: u64) -> Syscall {
    Syscall::Read { fd: Fd(fd), len }
}

pub(crate) fn write(fd: i32, len: u64) -> Syscall {
    Syscall::Write {
        fd: Fd(fd),
        len,
        first: 1,
    }
}

pub(crate) fn kill(pid: i32, signal: u32) -> Syscall {
    Syscall::Kill {
        pid: Pid(pid),
        signal,
    }
}

pub(crate) fn exit() -> Syscall {
    Syscall::ExitGroup { status: 0 }
}
