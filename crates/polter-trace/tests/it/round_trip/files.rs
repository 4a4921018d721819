//! Calls that make, use and close files.

use super::values::{Case, bits, event, fd, plain, signal_set, timer};
use eventpoll::Syscall;
use eventpoll::syscall::{EpollParams, Fcntl, Ioctl, Out, PathKind};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn fcntl() -> impl Strategy<Value = Fcntl> {
    prop_oneof![
        any::<i32>().prop_map(Fcntl::DupFd),
        any::<i32>().prop_map(Fcntl::DupFdCloexec),
        Just(Fcntl::GetFd),
        bits().prop_map(Fcntl::SetFd),
        Just(Fcntl::GetFl),
        bits().prop_map(Fcntl::SetFl),
        fd().prop_map(Fcntl::DupFdQuery),
        any::<u32>().prop_map(Fcntl::SetPipeSize),
        Just(Fcntl::GetPipeSize),
        Just(Fcntl::GetOwn),
        any::<i32>().prop_map(Fcntl::SetOwn),
        Just(Fcntl::GetSig),
        (0..70).prop_map(Fcntl::SetSig),
        Just(Fcntl::GetLease),
        bits().prop_map(Fcntl::Notify),
        prop_oneof![any::<i32>(), 0..1100]
            .prop_filter("has a name of its own", |cmd| !matches!(
                cmd,
                0..=4 | 8..=11 | 1025..=1027 | 1030..=1032
            ))
            .prop_map(Fcntl::Other),
    ]
}

fn params() -> impl Strategy<Value = EpollParams> {
    any::<(u32, u16, u8, u8)>().prop_map(
        |(busy_poll_usecs, busy_poll_budget, prefer_busy_poll, pad)| EpollParams {
            busy_poll_usecs,
            busy_poll_budget,
            prefer_busy_poll,
            pad,
        },
    )
}

fn ioctl() -> impl Strategy<Value = (Ioctl, Out)> {
    let named: Vec<u32> = vec![
        0x541b,
        0x5421,
        0x5450,
        0x5451,
        0x8008_8a02,
        0x8a03,
        0x7001,
        0x7002,
        0x7003,
    ];
    let other = prop_oneof![any::<u32>(), 0x5400..0x5460_u32];
    prop_oneof![
        any::<bool>().prop_map(|is_on| (Ioctl::Fionbio(is_on), Out::None)),
        Just((Ioctl::Fioclex, Out::None)),
        Just((Ioctl::Fionclex, Out::None)),
        any::<u32>().prop_map(|bytes| (Ioctl::Fionread, Out::Available(bytes))),
        params().prop_map(|params| (Ioctl::SetEpollParams(params), Out::None)),
        params().prop_map(|params| (Ioctl::GetEpollParams, Out::Params(params))),
        Just((Ioctl::EpollAdopt, Out::None)),
        Just((Ioctl::ExportBuffer, Out::None)),
        Just((Ioctl::AddFence, Out::None)),
        Just((Ioctl::SignalFence, Out::None)),
        other
            .prop_filter("has a name of its own", move |number| !named
                .contains(number))
            .prop_map(|number| (Ioctl::Other(number), Out::None)),
    ]
}

pub(super) fn files() -> impl Strategy<Value = Case> {
    prop_oneof![3 => descriptors(), 2 => contents()]
}

/// Creates, copies, marks and closes fds, and registers them.
fn descriptors() -> impl Strategy<Value = Case> {
    prop_oneof![
        plain(any::<i32>().prop_map(|size| Syscall::EpollCreate { size })),
        plain(bits().prop_map(|flags| Syscall::EpollCreate1 { flags })),
        plain(
            (
                fd(),
                prop_oneof![1..4_u32, any::<u32>()],
                fd(),
                option::of(event())
            )
                .prop_map(|(epfd, op, fd, event)| Syscall::EpollCtl {
                    epfd,
                    op,
                    fd,
                    event
                })
        ),
        plain(fd().prop_map(|fd| Syscall::Dup { fd })),
        plain((fd(), fd()).prop_map(|(fd, new_fd)| Syscall::Dup2 { fd, new_fd })),
        plain(
            (fd(), fd(), bits()).prop_map(|(fd, new_fd, flags)| Syscall::Dup3 {
                fd,
                new_fd,
                flags
            })
        ),
        plain((fd(), fcntl()).prop_map(|(fd, cmd)| Syscall::Fcntl { fd, cmd })),
        plain(fd().prop_map(|fd| Syscall::Close { fd })),
        plain(
            (any::<u32>(), any::<u32>(), bits())
                .prop_map(|(first, last, flags)| Syscall::CloseRange { first, last, flags })
        ),
        (fd(), ioctl()).prop_map(|(fd, (request, out))| (Syscall::Ioctl { fd, request }, 0, out)),
        (bits(), fd(), fd()).prop_map(|(flags, a, b)| (
            Syscall::Pipe2 { flags },
            0,
            Out::Pair([a, b])
        )),
        plain((any::<u32>(), bits()).prop_map(|(count, flags)| Syscall::Eventfd2 { count, flags })),
    ]
}

/// Opens files, and reads, writes and sets what they hold.
fn contents() -> impl Strategy<Value = Case> {
    let path = prop_oneof![
        Just(PathKind::Regular),
        Just(PathKind::Directory),
        Just(PathKind::Pollable),
        Just(PathKind::Device)
    ];
    // O_DIRECTORY and O_TMPFILE say what is opened: they go with their own kinds only.
    let open = (path, bits()).prop_map(|(path, flags)| Syscall::Open {
        path,
        flags: flags & !0o20_200_000,
    });
    let write =
        (fd(), any::<u64>(), prop_oneof![0..20_u64, any::<u64>()]).prop_map(|(fd, first, len)| {
            let known = if len < 8 {
                (1 << (8 * len)) - 1
            } else {
                u64::MAX
            };
            Syscall::Write {
                fd,
                len,
                first: first & u64::from_le(known),
            }
        });
    prop_oneof![
        plain(
            (any::<i32>(), bits())
                .prop_map(|(clock, flags)| Syscall::TimerfdCreate { clock, flags })
        ),
        (fd(), bits(), timer(), option::of(timer())).prop_map(|(fd, flags, new, old)| {
            (
                Syscall::TimerfdSettime { fd, flags, new },
                0,
                old.map_or(Out::None, Out::Timer),
            )
        }),
        (fd(), timer()).prop_map(|(fd, now)| (Syscall::TimerfdGettime { fd }, 0, Out::Timer(now))),
        plain(
            (fd(), signal_set(), bits()).prop_map(|(fd, mask, flags)| Syscall::Signalfd4 {
                fd,
                mask,
                flags
            })
        ),
        plain(open),
        (fd(), any::<u64>(), 0..i64::MAX).prop_map(|(fd, len, value)| (
            Syscall::Read { fd, len },
            value,
            Out::None
        )),
        (fd(), any::<u64>(), any::<u64>()).prop_map(|(fd, len, n)| (
            Syscall::Read { fd, len },
            8,
            Out::Counter(n)
        )),
        (fd(), any::<u64>(), vec(1..65_u32, 1..5)).prop_map(|(fd, len, signals)| {
            (
                Syscall::Read { fd, len },
                128 * signals.len() as i64,
                Out::Signals(signals),
            )
        }),
        plain(write),
        plain(
            (fd(), any::<i64>(), any::<i32>()).prop_map(|(fd, offset, whence)| Syscall::Lseek {
                fd,
                offset,
                whence
            })
        ),
        plain(any::<u32>().prop_map(|entries| Syscall::IoUringSetup { entries })),
        plain(
            (fd(), vec(fd(), 0..4))
                .prop_map(|(ring, files)| Syscall::IoUringRegisterFiles { ring, files })
        ),
        plain(fd().prop_map(|ring| Syscall::IoUringUnregisterFiles { ring })),
    ]
}
