//! New files, and their numbers: copied, closed, marked.

use super::{CROWD, Scene};
use crate::random::kinds::Kind;
use eventpoll::syscall::{EpollParams, Fcntl, Ioctl, PathKind, flags};
use eventpoll::{Fd, Syscall};

impl Scene<'_> {
    /// A new file.
    pub(super) fn make(&mut self) -> Syscall {
        if self.rng.chance(self.shape.instances()) {
            return self.make_instance();
        }
        match self.rng.below(100) {
            0..=34 => Syscall::Pipe2 {
                flags: self.rng.weigh(&[
                    (40, 0),
                    (30, flags::O_NONBLOCK),
                    (10, flags::O_CLOEXEC),
                    (5, flags::O_DIRECT),
                    (5, flags::O_DIRECT | flags::O_NONBLOCK),
                    (1, 1),
                    (1, flags::O_APPEND),
                ]),
            },
            35..=56 => Syscall::Eventfd2 {
                count: self.rng.weigh(&[(10, 0), (10, 1), (3, 3), (1, u32::MAX)]),
                flags: self.flags(flags::O_NONBLOCK, flags::EFD_SEMAPHORE),
            },
            57..=76 => self.make_sockets(),
            77..=83 => Syscall::TimerfdCreate {
                clock: self
                    .rng
                    .weigh(&[(20, 1), (5, 0), (2, 7), (1, 8), (1, 9), (1, 2), (1, -1)]),
                flags: self.flags(flags::O_NONBLOCK, flags::O_CLOEXEC),
            },
            84..=89 => Syscall::Signalfd4 {
                fd: Fd(-1),
                mask: self.signal_set(),
                flags: self.flags(flags::O_NONBLOCK, flags::O_CLOEXEC),
            },
            90..=91 => Syscall::Open {
                path: self.rng.weigh(&[
                    (6, PathKind::Regular),
                    (3, PathKind::Directory),
                    (2, PathKind::Null),
                    (1, PathKind::Pollable),
                ]),
                flags: self
                    .rng
                    .weigh(&[(4, 0), (2, flags::O_PATH), (1, flags::O_CLOEXEC)]),
            },
            92..=96 => Syscall::PidfdOpen {
                pid: self.pid(),
                flags: self.flags(flags::PIDFD_NONBLOCK, flags::PIDFD_THREAD),
            },
            97 => self.ring(),
            _ => Syscall::Socket {
                domain: self.rng.pick(&[0, 46, -1, 1]),
                kind: self.rng.pick(&[0, 1, 2, 11, 15, 0x100]),
                protocol: 0,
            },
        }
    }

    fn make_instance(&mut self) -> Syscall {
        match self.rng.below(20) {
            0 => Syscall::EpollCreate {
                size: self.rng.pick(&[1, 1, 1, 0, -1]),
            },
            _ => Syscall::EpollCreate1 {
                flags: self
                    .rng
                    .weigh(&[(20, 0), (6, flags::O_CLOEXEC), (1, flags::O_NONBLOCK)]),
            },
        }
    }

    fn make_sockets(&mut self) -> Syscall {
        let kind = self.rng.weigh(&[
            (30, flags::SOCK_STREAM),
            (20, flags::SOCK_DGRAM),
            (20, flags::SOCK_SEQPACKET),
            (2, flags::SOCK_RAW),
            (1, 4),
            (1, 11),
        ]);
        Syscall::Socketpair {
            domain: self.rng.weigh(&[(60, 1), (1, 46), (1, 0)]),
            kind: kind | self.flags(flags::O_NONBLOCK, flags::O_CLOEXEC),
            protocol: self.rng.weigh(&[(60, 0), (1, 1), (1, 7)]),
        }
    }

    /// io_uring, as a holder of files. Seldom: its end takes the kernel long.
    fn ring(&mut self) -> Syscall {
        let ring = self.fd(|kind| kind == Kind::Ring);
        match self.rng.below(6) {
            0 => Syscall::IoUringSetup {
                entries: self.rng.weigh(&[(8, 1), (1, 0), (1, 32_769)]),
            },
            1 => Syscall::IoUringUnregisterFiles { ring },
            _ => Syscall::IoUringRegisterFiles {
                ring,
                files: (0..self.rng.below(4))
                    .map(|_| self.fd(|kind| kind != Kind::Null))
                    .collect(),
            },
        }
    }

    /// What is done to numbers.
    pub(super) fn descriptors(&mut self) -> Syscall {
        let fd = self.fd(|kind| kind != Kind::Null);
        match self.rng.below(100) {
            0..=37 => Syscall::Close { fd },
            38..=55 => Syscall::Dup { fd },
            56..=63 => Syscall::Dup2 {
                fd,
                new_fd: self.new_fd(),
            },
            64..=68 => Syscall::Dup3 {
                fd,
                new_fd: self.new_fd(),
                flags: self.flags(flags::O_CLOEXEC, 0),
            },
            69..=84 => Syscall::Fcntl {
                fd,
                cmd: self.fcntl(),
            },
            85..=92 => Syscall::Ioctl {
                fd,
                request: self.ioctl(),
            },
            93..=95 => self.close_range(),
            96 => Syscall::Signalfd4 {
                fd: self.fd(|kind| kind == Kind::Signalfd),
                mask: self.signal_set(),
                flags: 0,
            },
            97 => Syscall::SetNofile {
                soft: self
                    .rng
                    .weigh(&[(6, 64), (4, 1024), (3, 12), (2, 8), (1, 3), (1, 0)]),
                hard: 1024,
            },
            98 => self.ring(),
            _ => Syscall::Accept4 {
                fd: self.fd(|kind| matches!(kind, Kind::Socket(_))),
                flags: self.flags(flags::O_NONBLOCK, flags::O_CLOEXEC),
            },
        }
    }

    /// A number to put a file at: an open one, a free one, one out of range.
    fn new_fd(&mut self) -> Fd {
        match self.rng.below(10) {
            0..=3 => self.any_fd(),
            4..=8 => self.small_fd(),
            _ => self.hostile_fd(),
        }
    }

    fn fcntl(&mut self) -> Fcntl {
        match self.rng.below(20) {
            0..=3 => Fcntl::DupFd(self.rng.pick(&[0, 3, 5, 9, -1, 1024, i32::MAX])),
            4..=5 => Fcntl::DupFdCloexec(self.rng.pick(&[0, 3, 5, 9, -1, 1024])),
            6..=7 => Fcntl::GetFd,
            8..=9 => Fcntl::SetFd(self.rng.pick(&[0, 1, 1, 2, 3])),
            10..=11 => Fcntl::GetFl,
            12..=14 => Fcntl::SetFl(self.rng.weigh(&[
                (4, 0),
                (6, flags::O_NONBLOCK),
                (1, flags::O_APPEND),
                (1, flags::O_DIRECT),
                (1, flags::O_ASYNC),
                (1, u32::MAX),
            ])),
            15 => Fcntl::DupFdQuery(self.fd(|kind| kind != Kind::Null)),
            16..=17 => Fcntl::SetPipeSize(self.rng.pick(&[
                0,
                1,
                4096,
                4097,
                8192,
                65_536,
                131_072,
                1 << 20,
                (1 << 31) + 1,
            ])),
            18 => Fcntl::GetPipeSize,
            _ => self.rng.pick(&[
                Fcntl::Other(9999),
                Fcntl::Other(-1),
                Fcntl::GetOwn,
                Fcntl::SetOwn(0),
                Fcntl::GetSig,
                Fcntl::SetSig(0),
                Fcntl::GetLease,
                Fcntl::Notify(0),
            ]),
        }
    }

    fn ioctl(&mut self) -> Ioctl {
        match self.rng.below(12) {
            0..=2 => Ioctl::Fionbio(self.rng.chance(50)),
            3 => Ioctl::Fioclex,
            4 => Ioctl::Fionclex,
            5..=7 => Ioctl::Fionread,
            8 => Ioctl::SetEpollParams(EpollParams {
                busy_poll_usecs: self.rng.pick(&[0, 0, 1 << 31]),
                busy_poll_budget: self.rng.pick(&[0, 8, 64]),
                prefer_busy_poll: self.rng.pick(&[0, 1, 2]),
                pad: self.rng.pick(&[0, 0, 0, 1]),
            }),
            9 => Ioctl::GetEpollParams,
            10 => Ioctl::EpollAdopt,
            // FIGETBSZ, FIOASYNC, FIOQSIZE, SIOCOUTQ, and what nobody has.
            _ => Ioctl::Other(self.rng.pick(&[0x1234_5678, 0, 2, 0x5452, 0x5460, 0x5411])),
        }
    }

    fn close_range(&mut self) -> Syscall {
        let first = 3 + self.rng.below(CROWD) as u32;
        Syscall::CloseRange {
            first: self.rng.weigh(&[(8, first), (1, 3)]),
            last: self.rng.pick(&[first, first + 1, first + 2, u32::MAX, 2]),
            flags: self.rng.weigh(&[
                (10, 0),
                (5, flags::CLOSE_RANGE_UNSHARE),
                (5, flags::CLOSE_RANGE_CLOEXEC),
                (2, flags::CLOSE_RANGE_UNSHARE | flags::CLOSE_RANGE_CLOEXEC),
                (1, 1),
                (1, 8),
            ]),
        }
    }
}
