//! A kernel with one process, and calls short enough to read.

use eventpoll::syscall::{Fcntl, Kcmp};
use eventpoll::{EpollEvent, Errno, Events, Fd, Kernel, Out, Outcome, Pid, Policy, Syscall, Tid};

pub(crate) const ET: Events = Events::ET;
pub(crate) const IN: Events = Events::IN;
pub(crate) const OUT: Events = Events::OUT;
pub(crate) const HUP: Events = Events::HUP;

/// A world whose first process is `first`; descriptors begin at 0.
pub(crate) struct World {
    pub(crate) kernel: Kernel,
    pub(crate) first: Tid,
}

impl World {
    pub(crate) fn new() -> World {
        World::under(Policy::LAST_FPUT)
    }

    pub(crate) fn under(policy: Policy) -> World {
        let mut kernel = Kernel::new(policy);
        let first = kernel.spawn(Pid(100));
        World { kernel, first }
    }

    /// A call that ends at once; the model must be whole behind it.
    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "calls are written where they are made"
    )]
    pub(crate) fn call_by(&mut self, tid: Tid, call: Syscall) -> Result<(i64, Out), Errno> {
        let outcome = self.kernel.call(tid, &call);
        self.kernel.check_invariants().unwrap();
        match outcome {
            Outcome::Done(result) => result.map(|ret| (ret.value, ret.out)),
            Outcome::Gone => Ok((0, Out::None)),
            Outcome::Blocked => panic!("{call:?} waits"),
        }
    }

    #[track_caller]
    pub(crate) fn call(&mut self, call: Syscall) -> Result<i64, Errno> {
        self.call_by(self.first, call).map(|(value, _)| value)
    }

    /// A call that waits.
    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "calls are written where they are made"
    )]
    pub(crate) fn blocks(&mut self, tid: Tid, call: Syscall) {
        assert_eq!(self.kernel.call(tid, &call), Outcome::Blocked, "{call:?}");
        self.kernel.check_invariants().unwrap();
    }

    /// The waits that have ended since the last time: who, and how many events.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> Vec<(Tid, Result<i64, Errno>)> {
        let ended = self.kernel.drain_completions().into_iter();
        ended
            .map(|(tid, outcome)| match outcome {
                Outcome::Done(result) => (tid, result.map(|ret| ret.value)),
                outcome => panic!("{tid:?} ended with {outcome:?}"),
            })
            .collect()
    }

    #[track_caller]
    pub(crate) fn epoll(&mut self) -> i32 {
        self.call(Syscall::EpollCreate1 { flags: 0 }).unwrap() as i32
    }

    #[track_caller]
    pub(crate) fn eventfd(&mut self, count: u32) -> i32 {
        self.call(Syscall::Eventfd2 { count, flags: 0 }).unwrap() as i32
    }

    #[track_caller]
    pub(crate) fn pair(&mut self, call: Syscall) -> [i32; 2] {
        match self.call_by(self.first, call) {
            Ok((_, Out::Pair([a, b]))) => [a.0, b.0],
            other => panic!("no pair: {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn pipe(&mut self) -> [i32; 2] {
        self.pair(Syscall::Pipe2 { flags: 0o4000 })
    }

    #[track_caller]
    pub(crate) fn socketpair(&mut self) -> [i32; 2] {
        self.pair(Syscall::Socketpair {
            domain: 1,
            kind: 1,
            protocol: 0,
        })
    }

    pub(crate) fn ctl_by(
        &mut self,
        tid: Tid,
        epfd: i32,
        op: u32,
        fd: i32,
        events: Events,
    ) -> Result<(), Errno> {
        let event = Some(EpollEvent {
            events,
            data: fd as u64,
        });
        let call = Syscall::EpollCtl {
            epfd: Fd(epfd),
            op,
            fd: Fd(fd),
            event,
        };
        self.call_by(tid, call).map(|_| ())
    }

    pub(crate) fn add(&mut self, epfd: i32, fd: i32, events: Events) -> Result<(), Errno> {
        self.ctl_by(self.first, epfd, 1, fd, events)
    }

    pub(crate) fn del(&mut self, epfd: i32, fd: i32) -> Result<(), Errno> {
        self.ctl_by(self.first, epfd, 2, fd, IN)
    }

    pub(crate) fn modify(&mut self, epfd: i32, fd: i32, events: Events) -> Result<(), Errno> {
        self.ctl_by(self.first, epfd, 3, fd, events)
    }

    /// What a wait without patience reports: the numbers registered, and their events.
    #[track_caller]
    pub(crate) fn wait_by(&mut self, tid: Tid, epfd: i32, maxevents: i32) -> Vec<(i32, Events)> {
        let wait = wait(epfd, maxevents, 0);
        match self.call_by(tid, wait) {
            Ok((_, Out::Events(events))) => events
                .iter()
                .map(|event| (event.data as i32, event.events))
                .collect(),
            other => panic!("no events: {other:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn wait(&mut self, epfd: i32) -> Vec<(i32, Events)> {
        self.wait_by(self.first, epfd, 16)
    }

    /// The numbers alone.
    #[track_caller]
    pub(crate) fn reported(&mut self, epfd: i32) -> Vec<i32> {
        self.wait(epfd).into_iter().map(|(fd, _)| fd).collect()
    }

    pub(crate) fn write(&mut self, fd: i32, len: u64) -> Result<i64, Errno> {
        self.call(Syscall::Write {
            fd: Fd(fd),
            len,
            first: 1,
        })
    }

    pub(crate) fn read(&mut self, fd: i32, len: u64) -> Result<i64, Errno> {
        self.call(Syscall::Read { fd: Fd(fd), len })
    }

    #[track_caller]
    pub(crate) fn close(&mut self, fd: i32) {
        self.call(Syscall::Close { fd: Fd(fd) }).unwrap();
    }

    #[track_caller]
    pub(crate) fn dup(&mut self, fd: i32) -> i32 {
        self.call(Syscall::Dup { fd: Fd(fd) }).unwrap() as i32
    }

    #[track_caller]
    pub(crate) fn fork(&mut self) -> Tid {
        self.clone(0)
    }

    #[track_caller]
    pub(crate) fn clone(&mut self, flags: u64) -> Tid {
        let pid = self.call(Syscall::Clone { flags }).unwrap() as i32;
        self.kernel.tid(Pid(pid)).expect("the new task lives")
    }

    /// A thread that shares everything.
    #[track_caller]
    pub(crate) fn thread(&mut self) -> Tid {
        self.clone(0x10f00)
    }

    #[track_caller]
    pub(crate) fn exit(&mut self, tid: Tid) {
        self.call_by(tid, Syscall::ExitGroup { status: 0 }).unwrap();
    }

    pub(crate) fn fcntl(&mut self, fd: i32, cmd: Fcntl) -> Result<i64, Errno> {
        self.call(Syscall::Fcntl { fd: Fd(fd), cmd })
    }

    pub(crate) fn kcmp(&mut self, what: Kcmp) -> Result<i64, Errno> {
        let (pid1, pid2) = (Pid(100), Pid(100));
        self.call(Syscall::Kcmp { pid1, pid2, what })
    }

    /// Sends `fd` over a socket, without the sender's number.
    #[track_caller]
    pub(crate) fn send_fd(&mut self, socket: i32, fd: i32) {
        let rights = vec![Fd(fd)];
        self.call(Syscall::Sendmsg {
            fd: Fd(socket),
            len: 1,
            rights,
            flags: 0,
        })
        .unwrap();
    }

    /// Takes one message and the descriptor in it, if one came.
    #[track_caller]
    pub(crate) fn receive_fd(&mut self, tid: Tid, socket: i32, room: u32) -> Option<i32> {
        let receive = Syscall::Recvmsg {
            fd: Fd(socket),
            len: 1,
            room,
            flags: 0,
        };
        match self.call_by(tid, receive) {
            Ok((1, Out::Rights(fds))) => fds.first().map(|fd| fd.0),
            other => panic!("no message: {other:?}"),
        }
    }

    pub(crate) fn registrations(&self) -> usize {
        self.kernel.census()[1]
    }
}

pub(crate) fn wait(epfd: i32, maxevents: i32, timeout_ms: i32) -> Syscall {
    Syscall::EpollWait {
        epfd: Fd(epfd),
        buffer: Default::default(),
        maxevents,
        timeout_ms,
    }
}
