//! Processes and signals.

use super::Scene;
use crate::random::kinds::Kind;
use crate::random::shape::Shape;
use eventpoll::syscall::{Kcmp, SigAction, SigSet, flags};
use eventpoll::{Fd, Pid, Syscall};

const THREAD: u64 =
    flags::CLONE_VM | flags::CLONE_FILES | flags::CLONE_SIGHAND | flags::CLONE_THREAD;
const CLONE_FS: u64 = 0x200;

/// `SIGUSR1`, `SIGUSR2`, `SIGTERM`, `SIGCHLD`, `SIGHUP`, `SIGPIPE`, `SIGWINCH`, `SIGKILL`, and two that are queued.
const SIGNALS: [(usize, u32); 10] = [
    (30, 10),
    (20, 12),
    (10, 15),
    (8, 17),
    (5, 1),
    (3, 13),
    (3, 28),
    (4, 9),
    (8, 34),
    (3, 64),
];

impl Scene<'_> {
    pub(super) fn process(&mut self) -> Syscall {
        match self.rng.below(100) {
            0..=33 => self.birth(),
            34..=41 => Syscall::Wait4 {
                pid: match self.rng.chance(60) {
                    true => Pid(-1),
                    false => self.pid(),
                },
                options: self.rng.weigh(&[
                    (12, flags::WNOHANG),
                    (8, 0),
                    (1, 2),
                    (1, 0x4000_0001),
                    (1, 0x8000_0001),
                    (1, 0x10),
                ]),
            },
            42..=49 => self.end(),
            50..=54 => Syscall::Execve,
            55..=61 => Syscall::Kcmp {
                pid1: self.pid(),
                pid2: self.pid(),
                what: self.kcmp(),
            },
            62..=70 => Syscall::PidfdOpen {
                pid: self.pid(),
                flags: self.flags(flags::PIDFD_NONBLOCK, flags::PIDFD_THREAD),
            },
            71..=82 => Syscall::PidfdGetfd {
                pidfd: self.fd(|kind| kind == Kind::Pidfd),
                target: self.small_fd(),
                flags: self.rng.weigh(&[(20, 0), (1, 1)]),
            },
            83..=88 => Syscall::Unshare {
                flags: self.rng.weigh(&[
                    (8, flags::CLONE_FILES),
                    (1, 0),
                    (1, CLONE_FS),
                    (1, flags::CLONE_SIGHAND),
                    (1, flags::CLONE_THREAD),
                    (1, 1),
                ]),
            },
            89..=96 => Syscall::Kill {
                pid: self.pid(),
                signal: self.rng.weigh(&SIGNALS),
            },
            _ => Syscall::Getpid,
        }
    }

    pub(super) fn birth(&mut self) -> Syscall {
        let wants_thread = match self.shape {
            Shape::Threads | Shape::Nested => self.rng.chance(85),
            _ => self.rng.chance(20),
        };
        if wants_thread {
            let own_table = THREAD & !flags::CLONE_FILES;
            return Syscall::Clone {
                flags: self.rng.weigh(&[
                    (20, THREAD),
                    (4, own_table),
                    (2, THREAD | flags::CLONE_PIDFD),
                    (1, flags::CLONE_THREAD),
                    (1, flags::CLONE_SIGHAND),
                ]),
            };
        }
        match self.rng.below(10) {
            0..=5 => Syscall::Fork,
            6 => Syscall::Vfork,
            _ => Syscall::Clone {
                flags: self.rng.weigh(&[
                    (5, 0),
                    (5, flags::CLONE_FILES),
                    (3, flags::CLONE_PIDFD),
                    (2, flags::CLONE_VM),
                    (2, flags::CLONE_VM | flags::CLONE_SIGHAND),
                    (2, flags::CLONE_VM | flags::CLONE_VFORK),
                    (1, flags::CLONE_VM | flags::CLONE_VFORK | flags::CLONE_FILES),
                    (1, flags::CLONE_VFORK | flags::CLONE_PIDFD),
                    (1, flags::CLONE_PARENT),
                ]),
            },
        }
    }

    fn end(&mut self) -> Syscall {
        let status = self.rng.pick(&[0, 1, 255, 256, -1]);
        if self.rng.chance(60) {
            Syscall::ExitGroup { status }
        } else {
            Syscall::Exit { status }
        }
    }

    fn kcmp(&mut self) -> Kcmp {
        match self.rng.below(10) {
            0..=4 => Kcmp::File {
                fd1: self.fd(|kind| kind != Kind::Null),
                fd2: self.fd(|kind| kind != Kind::Null),
            },
            5 => Kcmp::Files,
            6..=8 => Kcmp::EpollTfd {
                fd1: self.fd(|kind| kind != Kind::Null),
                efd: self.epfd(),
                tfd: self.small_fd(),
                toff: self.rng.weigh(&[(8, 0), (2, 1), (1, u32::MAX)]),
            },
            _ => Kcmp::Other(self.rng.pick(&[4, 8, 77, -1])),
        }
    }

    pub(super) fn signal(&mut self) -> Syscall {
        match self.rng.below(100) {
            0..=29 => Syscall::Kill {
                pid: self.pid(),
                signal: self.any_signal(),
            },
            30..=44 => self.tgkill(),
            45..=74 => Syscall::Sigaction {
                signal: self.any_signal(),
                action: self.rng.weigh(&[
                    (2, SigAction::Default),
                    (3, SigAction::Ignore),
                    (5, SigAction::Handler { restart: false }),
                    (4, SigAction::Handler { restart: true }),
                ]),
            },
            75..=91 => Syscall::Sigprocmask {
                how: self.rng.weigh(&[(8, 0), (4, 1), (3, 2), (1, 3), (1, -1)]),
                set: self.signal_set(),
            },
            _ => Syscall::Signalfd4 {
                fd: Fd(-1),
                mask: self.signal_set(),
                flags: flags::O_NONBLOCK,
            },
        }
    }

    fn tgkill(&mut self) -> Syscall {
        let tid = self.pid();
        let kernel = self.model_run.kernel();
        let process = kernel.tid(tid).map(|tid| kernel.process_pid(tid));
        Syscall::Tgkill {
            pid: match process.filter(|_| !self.rng.chance(5)) {
                Some(process) => process,
                None => self.pid(),
            },
            tid,
            signal: self.any_signal(),
        }
    }

    fn any_signal(&mut self) -> u32 {
        match self.rng.below(25) {
            0 => self.rng.pick(&[0, 65, u32::MAX]),
            _ => self.rng.weigh(&SIGNALS),
        }
    }

    /// Some signals, or all, or none.
    pub(super) fn signal_set(&mut self) -> SigSet {
        let (one, other) = (self.rng.weigh(&SIGNALS), self.rng.weigh(&SIGNALS));
        let [one, other] = [one, other].map(|signal| 1 << (signal - 1));
        self.rng
            .weigh(&[(10, one), (8, one | other), (1, 0), (1, u64::MAX)])
    }
}
