//! The model's side.

use crate::World;
use eventpoll::{EpollEvent, Events, Fd, Kernel, Outcome, Pid, Policy, Syscall, Tid};

pub(crate) struct Model {
    kernel: Kernel,
    tid: Tid,
    count: usize,
}

const EPFD: Fd = Fd(0);

impl Model {
    /// A process with an instance and no eventfd yet.
    pub(crate) fn empty() -> Model {
        let mut kernel = Kernel::new(Policy::LAST_FPUT);
        let tid = kernel.spawn(Pid(100));
        let mut model = Model {
            kernel,
            tid,
            count: 0,
        };
        model.call(&Syscall::SetNofile {
            soft: 1 << 20,
            hard: 1 << 20,
        });
        model.call(&Syscall::EpollCreate1 { flags: 0 });
        model
    }

    pub(crate) fn registered(count: usize) -> Model {
        let mut model = Model::empty();
        for at in 0..count {
            model.open();
            model.ctl(1, at);
        }
        model
    }

    pub(crate) fn open(&mut self) {
        self.call(&Syscall::Eventfd2 { count: 0, flags: 0 });
        self.count += 1;
    }

    pub(crate) fn ctl(&mut self, op: u32, at: usize) {
        let fd = fd(at);
        let event = EpollEvent {
            events: Events::IN,
            data: fd.0 as u64,
        };
        self.call(&Syscall::EpollCtl {
            epfd: EPFD,
            op,
            fd,
            event: Some(event),
        });
    }

    fn call(&mut self, call: &Syscall) -> i64 {
        match self.kernel.call(self.tid, call) {
            Outcome::Done(Ok(ret)) => ret.value,
            outcome => panic!("{call:?}: {outcome:?}"),
        }
    }

    fn read(&mut self, at: usize) {
        self.call(&Syscall::Read { fd: fd(at), len: 8 });
    }

    fn write(&mut self, at: usize) {
        self.call(&Syscall::Write {
            fd: fd(at),
            len: 8,
            first: 1,
        });
    }
}

/// Numbers go up from the instance's own.
fn fd(at: usize) -> Fd {
    Fd(at as i32 + 1)
}

impl World for Model {
    fn reach(&self) -> usize {
        self.count
    }

    fn turn(&mut self, at: usize) {
        self.write(at);
        assert_eq!(self.wait(8), 1, "one file is ready");
        self.read(at);
    }

    fn del_add(&mut self, at: usize) {
        self.ctl(2, at);
        self.ctl(1, at);
    }

    fn wait(&mut self, maxevents: usize) -> usize {
        self.call(&Syscall::EpollWait {
            epfd: EPFD,
            buffer: Default::default(),
            maxevents: maxevents as i32,
            timeout_ms: 0,
        }) as usize
    }

    fn set_ready(&mut self, at: usize, is_ready: bool) {
        if is_ready {
            self.write(at);
        } else {
            self.read(at);
        }
    }
}
