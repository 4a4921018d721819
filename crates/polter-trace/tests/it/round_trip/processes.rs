//! Calls on processes, signals and limits.

use super::values::{Case, bits, fd, pid, plain, signal_set};
use eventpoll::Syscall;
use eventpoll::syscall::{Kcmp, Out, SigAction, flags};
use proptest::option;
use proptest::prelude::*;

fn status() -> impl Strategy<Value = i32> {
    prop_oneof![
        (0..256).prop_map(|code| code << 8),
        (1..127, any::<bool>())
            .prop_map(|(signal, is_dumped)| signal | if is_dumped { 0x80 } else { 0 }),
        (0..128).prop_map(|signal| signal << 8 | 0x7f),
        Just(0xffff),
        any::<i32>(),
    ]
}

fn clone_flags() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        any::<u64>(),
        any::<u32>().prop_map(u64::from),
        Just(flags::CLONE_FILES),
        Just(flags::CLONE_VM | flags::CLONE_THREAD)
    ]
}

pub(super) fn processes() -> impl Strategy<Value = Case> {
    let action = prop_oneof![
        Just(SigAction::Default),
        Just(SigAction::Ignore),
        any::<bool>().prop_map(|restart| SigAction::Handler { restart })
    ];
    let kcmp = prop_oneof![
        (fd(), fd()).prop_map(|(fd1, fd2)| Kcmp::File { fd1, fd2 }),
        Just(Kcmp::Files),
        prop_oneof![8.., i32::MIN..0].prop_map(Kcmp::Other),
        (fd(), fd(), fd(), any::<u32>()).prop_map(|(fd1, efd, tfd, toff)| Kcmp::EpollTfd {
            fd1,
            efd,
            tfd,
            toff
        }),
    ];
    prop_oneof![
        plain(Just(Syscall::Fork)),
        plain(Just(Syscall::Vfork)),
        plain(clone_flags().prop_map(|flags| Syscall::Clone { flags })),
        (clone_flags(), fd()).prop_map(|(flags, pidfd)| {
            (
                Syscall::Clone {
                    flags: flags | flags::CLONE_PIDFD,
                },
                7,
                Out::Pidfd(pidfd),
            )
        }),
        plain(clone_flags().prop_map(|flags| Syscall::Unshare { flags })),
        plain(Just(Syscall::Execve)),
        plain(any::<i32>().prop_map(|status| Syscall::Exit { status })),
        plain(any::<i32>().prop_map(|status| Syscall::ExitGroup { status })),
        plain((pid(), bits()).prop_map(|(pid, signal)| Syscall::Kill { pid, signal })),
        plain(
            (pid(), pid(), 0..70_u32).prop_map(|(pid, tid, signal)| Syscall::Tgkill {
                pid,
                tid,
                signal
            })
        ),
        (any::<i32>(), signal_set(), option::of(signal_set())).prop_map(|(how, set, old)| {
            (
                Syscall::Sigprocmask { how, set },
                0,
                old.map_or(Out::None, Out::Mask),
            )
        }),
        plain(
            (0..70_u32, action).prop_map(|(signal, action)| Syscall::Sigaction { signal, action })
        ),
        (pid(), bits(), status()).prop_map(|(pid, options, status)| {
            (Syscall::Wait4 { pid, options }, 7, Out::Status(status))
        }),
        plain(Just(Syscall::Getpid)),
        plain(
            prop_oneof![
                any::<u64>(),
                Just(u64::MAX),
                (1..99_u64).prop_map(|k| k * 1024)
            ]
            .prop_map(|soft| Syscall::SetNofile { soft, hard: soft })
        ),
        plain((pid(), bits()).prop_map(|(pid, flags)| Syscall::PidfdOpen { pid, flags })),
        plain(
            (fd(), fd(), bits()).prop_map(|(pidfd, target, flags)| Syscall::PidfdGetfd {
                pidfd,
                target,
                flags
            })
        ),
        plain(
            (pid(), pid(), kcmp).prop_map(|(pid1, pid2, what)| Syscall::Kcmp { pid1, pid2, what })
        ),
    ]
}
