//! `epoll_ctl(2)`, the waits, `poll(2)`.

use super::{HOSTILE, Scene};
use crate::random::kinds::Kind;
use eventpoll::syscall::{Buffer, SigMask, UserTimespec, flags};
use eventpoll::{EpollEvent, EpollId, Events, Fd, PollFd, Syscall};

impl Scene<'_> {
    /// `epoll_ctl(2)`: mostly additions; what is changed or removed is mostly there.
    pub(super) fn control(&mut self) -> Syscall {
        let op = self.rng.weigh(&[
            (58, flags::EPOLL_CTL_ADD),
            (18, flags::EPOLL_CTL_DEL),
            (23, flags::EPOLL_CTL_MOD),
            (1, 0),
            (1, 77),
        ]);
        let epfd = self.epfd();
        let fd = match op {
            flags::EPOLL_CTL_ADD => self.target(),
            _ => self.registered(epfd),
        };
        let event = EpollEvent {
            events: self.events(),
            data: self.word(fd),
        };
        let event = (!self.rng.chance(HOSTILE / 2)).then_some(event);
        Syscall::EpollCtl {
            epfd,
            op,
            fd,
            event,
        }
    }

    /// What could be watched.
    fn target(&mut self) -> Fd {
        let wants_instance = self.rng.chance(self.shape.instances());
        self.fd(|kind| match kind {
            Kind::Epoll => wants_instance,
            Kind::Null | Kind::Opened | Kind::Path => false,
            _ => true,
        })
    }

    /// A number that is registered in the instance, if there is one.
    fn registered(&mut self, epfd: Fd) -> Fd {
        let numbers: Vec<Fd> = match self.instance(epfd) {
            Some(epoll) => (self.model_run.kernel().registrations(epoll))
                .map(|registration| registration.fd)
                .collect(),
            None => Vec::new(),
        };
        if numbers.is_empty() || self.rng.chance(2 * HOSTILE) {
            self.target()
        } else {
            self.rng.pick(&numbers)
        }
    }

    fn instance(&self, epfd: Fd) -> Option<EpollId> {
        let kernel = self.model_run.kernel();
        kernel.epoll_of(kernel.fd(self.tid, epfd)?)
    }

    fn events(&mut self) -> Events {
        let state = self.rng.weigh(&[
            (40, Events::IN),
            (12, Events::OUT),
            (20, Events::IN | Events::OUT),
            (5, Events::IN | Events::RDHUP),
            (3, Events::PRI),
            (3, Events::RDNORM | Events::WRNORM),
            (3, Events::RDBAND | Events::WRBAND),
            (3, Events::ERR),
            (3, Events::HUP),
            (4, Events::empty()),
            (2, Events::NVAL | Events::MSG),
            (2, Events::from_bits_retain(0x0fff_ffff)),
            (2, Events::from_bits_retain(0x0100_8000)),
        ]);
        let steering = self.rng.weigh(&[
            (45, Events::empty()),
            (22, Events::ET),
            (11, Events::ONESHOT),
            (4, Events::ET | Events::ONESHOT),
            (12, Events::EXCLUSIVE),
            (5, Events::EXCLUSIVE | Events::ET),
            (2, Events::WAKEUP),
            (1, Events::EXCLUSIVE | Events::ONESHOT),
        ]);
        state | steering
    }

    /// The caller's word: the number, mostly, as programs have it.
    fn word(&mut self, fd: Fd) -> u64 {
        let number = u64::from(fd.0 as u32);
        self.rng
            .weigh(&[(8, number), (1, u64::MAX), (1, number << 32 | 7)])
    }

    /// A wait for events, of one of the three forms.
    pub(super) fn wait(&mut self) -> Syscall {
        let epfd = self.epfd();
        let buffer = self.buffer();
        let maxevents = self.rng.weigh(&[
            (30, 1),
            (20, 2),
            (10, 3),
            (40, 8),
            (1, 0),
            (1, -1),
            (1, i32::MAX / 12),
            (1, i32::MAX / 12 + 1),
            (1, i32::MAX),
        ]);
        let timeout_ms = self.timeout_ms();
        match self.rng.below(10) {
            0 => Syscall::EpollPwait {
                epfd,
                buffer,
                maxevents,
                timeout_ms,
                mask: self.mask(),
            },
            1 => Syscall::EpollPwait2 {
                epfd,
                buffer,
                maxevents,
                timeout: self.timespec(),
                mask: self.mask(),
            },
            _ => Syscall::EpollWait {
                epfd,
                buffer,
                maxevents,
                timeout_ms,
            },
        }
    }

    fn buffer(&mut self) -> Buffer {
        self.rng.weigh(&[
            (90, Buffer::Mapped),
            (3, Buffer::Faults(0)),
            (3, Buffer::Faults(1)),
            (2, Buffer::Faults(2)),
            (1, Buffer::KernelSpace),
        ])
    }

    fn timeout_ms(&mut self) -> i32 {
        let endless = self.rng.pick(&[-1, -1, -1, -7, i32::MIN]);
        if self.rng.chance(self.shape.blocking()) {
            endless
        } else {
            0
        }
    }

    fn timespec(&mut self) -> UserTimespec {
        let time = |sec, nsec| UserTimespec::Time { sec, nsec };
        let odd = self.rng.pick(&[
            UserTimespec::Faults,
            time(-1, 0),
            time(0, -1),
            time(0, 1_000_000_000),
            time(i64::MAX, i64::MAX),
        ]);
        let blocking = self.shape.blocking();
        (self.rng).weigh(&[
            (blocking, UserTimespec::Null),
            (100 - blocking, time(0, 0)),
            (8, odd),
        ])
    }

    fn mask(&mut self) -> SigMask {
        let set = self.signal_set();
        self.rng.weigh(&[
            (5, SigMask::Null),
            (10, SigMask::Set(set)),
            (1, SigMask::WrongSize),
            (1, SigMask::Faults),
        ])
    }

    /// `poll(2)` and `ppoll(2)`.
    pub(super) fn poll(&mut self) -> Syscall {
        let count = self.rng.weigh(&[(2, 0), (40, 1), (30, 2), (20, 3), (8, 5)]);
        let fds = (0..count)
            .map(|_| PollFd {
                fd: self.fd(|kind| kind != Kind::Null),
                events: self.poll_mask(),
                revents: Events::empty(),
            })
            .collect();
        if self.rng.chance(25) {
            return Syscall::Ppoll {
                fds,
                timeout: self.timespec(),
                mask: self.mask(),
            };
        }
        Syscall::Poll {
            fds,
            timeout_ms: self.timeout_ms(),
        }
    }

    fn poll_mask(&mut self) -> Events {
        self.rng.weigh(&[
            (50, Events::IN),
            (15, Events::OUT),
            (20, Events::IN | Events::OUT),
            (5, Events::empty()),
            (5, Events::RDHUP | Events::PRI),
            (5, Events::from_bits_retain(0xffff)),
        ])
    }
}
