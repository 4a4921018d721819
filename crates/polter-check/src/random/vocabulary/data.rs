//! Bytes, messages with files in them, timers.

use super::{HOSTILE, Scene};
use crate::random::kinds::Kind;
use eventpoll::syscall::{Piece, TimerSpec, flags};
use eventpoll::{Fd, Syscall};

/// A time that does not come while a program runs.
const FAR_NS: u64 = 4_000_000_000_000_000_000;
/// So long an interval is not over while a program runs.
const LONG_NS: u64 = 1_000_000_000_000_000;

/// Too short for any record, a counter, a record of a signalfd, a page, a
/// pipe, more than a pipe, more than a socket.
const LENGTHS: [(usize, u64); 11] = [
    (20, 1),
    (30, 8),
    (10, 128),
    (5, 256),
    (3, 0),
    (3, 7),
    (6, 4096),
    (3, 5000),
    (4, 65_536),
    (3, 70_000),
    (2, 300_000),
];

/// Parts of a counter, counters, more than a page.
const PIECES: [(usize, u64); 6] = [(3, 0), (8, 1), (8, 4), (8, 8), (3, 100), (2, 5000)];

impl Scene<'_> {
    pub(super) fn data(&mut self) -> Syscall {
        match self.rng.below(100) {
            0..=37 => self.write(),
            38..=41 => self.write_pieces(),
            42..=68 => self.read(),
            69..=72 => self.read_pieces(),
            73..=82 => self.send(),
            83..=90 => self.receive(),
            91..=92 => Syscall::Shutdown {
                fd: self.fd(|kind| matches!(kind, Kind::Socket(_))),
                how: self.rng.weigh(&[(3, 0), (4, 1), (3, 2), (1, 3), (1, -1)]),
            },
            93 => Syscall::Lseek {
                fd: self.fd(|_| true),
                offset: self.rng.pick(&[0, 0, 100, -1]),
                whence: self.rng.pick(&[0, 0, 1, 2, 5, -1]),
            },
            94 => Syscall::TimerfdGettime {
                fd: self.fd(|kind| kind == Kind::Timerfd),
            },
            _ => self.set_timer(),
        }
    }

    fn write(&mut self) -> Syscall {
        let fd = self.fd(|kind| matches!(kind, Kind::PipeWriter | Kind::Eventfd | Kind::Socket(_)));
        let first = self.rng.weigh(&[
            (30, 1),
            (4, 0),
            (4, u64::MAX - 1),
            (2, u64::MAX),
            (3, u64::MAX - 2),
            (3, 0x0102_0304_0506_0708),
        ]);
        let len = match self
            .model_run
            .kinds
            .at(self.model_run.kernel(), self.tid, fd)
        {
            Some(Kind::Eventfd) if !self.rng.chance(HOSTILE) => 8,
            _ => self.rng.weigh(&LENGTHS),
        };
        Syscall::Write { fd, len, first }
    }

    fn read(&mut self) -> Syscall {
        let fd = self.fd(|kind| {
            matches!(
                kind,
                Kind::PipeReader | Kind::Eventfd | Kind::Timerfd | Kind::Signalfd | Kind::Socket(_)
            )
        });
        let len = self.rng.weigh(&LENGTHS);
        Syscall::Read { fd, len }
    }

    /// A write in up to three pieces.
    fn write_pieces(&mut self) -> Syscall {
        let fd = self.fd(|kind| matches!(kind, Kind::PipeWriter | Kind::Eventfd | Kind::Socket(_)));
        let pieces = (0..self.rng.below(4)).map(|_| Piece {
            len: self.rng.weigh(&PIECES),
            first: self.rng.pick(&[1, 2, 0x0102_0304_0506_0708]),
        });
        let pieces = pieces.collect();
        Syscall::Writev { fd, pieces }
    }

    /// A read into up to three pieces.
    fn read_pieces(&mut self) -> Syscall {
        let fd = self.fd(|kind| {
            matches!(
                kind,
                Kind::PipeReader | Kind::Eventfd | Kind::Timerfd | Kind::Socket(_)
            )
        });
        let lens = (0..self.rng.below(4)).map(|_| self.rng.weigh(&PIECES));
        let lens = lens.collect();
        Syscall::Readv { fd, lens }
    }

    fn send(&mut self) -> Syscall {
        let fd = self.fd(|kind| matches!(kind, Kind::Socket(_)));
        let count = self.rng.weigh(&[(30, 0), (50, 1), (12, 2), (8, 3)]);
        Syscall::Sendmsg {
            fd,
            len: self.rng.weigh(&LENGTHS),
            rights: (0..count).map(|_| self.right()).collect(),
            flags: self.message_flags(flags::MSG_NOSIGNAL),
        }
    }

    /// A descriptor to be sent.
    fn right(&mut self) -> Fd {
        let wants_socket = self.rng.chance(25);
        self.fd(|kind| match kind {
            Kind::Null => false,
            Kind::Socket(_) => wants_socket,
            _ => true,
        })
    }

    fn receive(&mut self) -> Syscall {
        Syscall::Recvmsg {
            fd: self.fd(|kind| matches!(kind, Kind::Socket(_))),
            len: self.rng.weigh(&LENGTHS),
            room: self.rng.weigh(&[(2, 0), (5, 1), (5, 2), (2, 4)]),
            flags: self.message_flags(flags::MSG_PEEK | flags::MSG_CMSG_CLOEXEC)
                | self.rng.weigh(&[(9, 0), (1, flags::MSG_TRUNC)]),
        }
    }

    fn message_flags(&mut self, other: u32) -> u32 {
        let other = match self.rng.below(3) {
            0 => other & flags::MSG_PEEK,
            1 => other & !flags::MSG_PEEK,
            _ => other,
        };
        self.rng.weigh(&[
            (50, 0),
            (25, flags::MSG_DONTWAIT),
            (15, other),
            (10, other | flags::MSG_DONTWAIT),
        ])
    }

    /// Far away, never, or at once.
    fn set_timer(&mut self) -> Syscall {
        let fd = self.fd(|kind| kind == Kind::Timerfd);
        let spec = |value_ns, interval_ns| TimerSpec {
            interval_ns,
            value_ns,
        };
        let absolute = flags::TFD_TIMER_ABSTIME;
        let (flags, new) = self.rng.weigh(&[
            (10, (0, spec(1, 0))),
            (10, (0, spec(1, LONG_NS))),
            (10, (absolute, spec(1, 0))),
            (6, (0, spec(LONG_NS, 0))),
            (6, (absolute, spec(FAR_NS, LONG_NS))),
            (6, (0, spec(0, 0))),
            (3, (0, spec(0, LONG_NS))),
            (3, (flags::TFD_TIMER_CANCEL_ON_SET, spec(LONG_NS, 0))),
            (
                3,
                (absolute | flags::TFD_TIMER_CANCEL_ON_SET, spec(FAR_NS, 0)),
            ),
            (1, (4, spec(1, 0))),
        ]);
        Syscall::TimerfdSettime { fd, flags, new }
    }
}
