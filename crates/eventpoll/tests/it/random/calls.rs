//! Every system call of the model, by what it is about.

use super::values::{
    buffer, event, events, fd, flags, len, mask, maxevents, nanoseconds, path, pid, signal,
    timeout_ms, timespec,
};
use eventpoll::syscall::{EpollParams, Fcntl, Ioctl, Kcmp, SigAction, TimerSpec};
use eventpoll::{Events, Fd, Pid, PollFd, Syscall};
use proptest::prelude::*;

fn fcntl() -> impl Strategy<Value = Fcntl> {
    prop_oneof![
        (-1..30).prop_map(Fcntl::DupFd),
        any::<i32>().prop_map(Fcntl::DupFd),
        (-1..30).prop_map(Fcntl::DupFdCloexec),
        Just(Fcntl::GetFd),
        any::<u32>().prop_map(Fcntl::SetFd),
        Just(Fcntl::GetFl),
        flags().prop_map(Fcntl::SetFl),
        fd().prop_map(Fcntl::DupFdQuery),
        prop_oneof![Just(4096), Just(0), any::<u32>()].prop_map(Fcntl::SetPipeSize),
        Just(Fcntl::GetPipeSize),
        any::<i32>().prop_map(Fcntl::Other),
    ]
}

fn ioctl() -> impl Strategy<Value = Ioctl> {
    prop_oneof![
        any::<bool>().prop_map(Ioctl::Fionbio),
        Just(Ioctl::Fioclex),
        Just(Ioctl::Fionclex),
        Just(Ioctl::Fionread),
        any::<u8>().prop_map(|pad| Ioctl::SetEpollParams(EpollParams {
            pad,
            ..EpollParams::default()
        })),
        Just(Ioctl::GetEpollParams),
        Just(Ioctl::EpollAdopt),
        Just(Ioctl::EpollAdopt),
        Just(Ioctl::ExportBuffer),
        Just(Ioctl::ExportBuffer),
        Just(Ioctl::AddFence),
        Just(Ioctl::SignalFence),
        any::<u32>().prop_map(Ioctl::Other),
    ]
}

fn clone_flags() -> impl Strategy<Value = u64> {
    use eventpoll::syscall::flags::*;
    const THREAD: u64 = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
    prop_oneof![
        8 => prop::sample::select(vec![
            0,
            CLONE_FILES,
            THREAD | CLONE_FILES,
            THREAD,
            THREAD | CLONE_FILES | CLONE_PIDFD,
            CLONE_PIDFD,
            CLONE_VM | CLONE_SIGHAND,
            CLONE_VM | CLONE_VFORK,
            CLONE_VM | CLONE_VFORK | CLONE_PIDFD,
            CLONE_VM | CLONE_VFORK | CLONE_FILES,
            CLONE_PARENT,
        ]),
        1 => any::<u64>(),
    ]
}

/// Everything epoll does.
pub(super) fn epoll_call() -> impl Strategy<Value = Syscall> {
    let ctl = |op: BoxedStrategy<u32>| {
        (fd(), op, fd(), event()).prop_map(|(epfd, op, fd, event)| Syscall::EpollCtl {
            epfd,
            op,
            fd,
            event,
        })
    };
    prop_oneof![
        1 => any::<i32>().prop_map(|size| Syscall::EpollCreate { size }),
        6 => flags().prop_map(|flags| Syscall::EpollCreate1 { flags }),
        24 => ctl(Just(1).boxed()),
        8 => ctl(prop_oneof![Just(2), Just(3), any::<u32>()].boxed()),
        8 => (fd(), buffer(), maxevents(), timeout_ms()).prop_map(
            |(epfd, buffer, maxevents, timeout_ms)| Syscall::EpollWait {
                epfd, buffer, maxevents, timeout_ms,
            }
        ),
        2 => (fd(), buffer(), maxevents(), timeout_ms(), mask()).prop_map(
            |(epfd, buffer, maxevents, timeout_ms, mask)| Syscall::EpollPwait {
                epfd, buffer, maxevents, timeout_ms, mask,
            }
        ),
        2 => (fd(), buffer(), maxevents(), timespec(), mask()).prop_map(
            |(epfd, buffer, maxevents, timeout, mask)| Syscall::EpollPwait2 {
                epfd, buffer, maxevents, timeout, mask,
            }
        ),
        2 => (poll_fds(), timeout_ms()).prop_map(|(fds, timeout_ms)| Syscall::Poll {
            fds,
            timeout_ms
        }),
        1 => (poll_fds(), timespec(), mask()).prop_map(|(fds, timeout, mask)| Syscall::Ppoll {
            fds,
            timeout,
            mask
        }),
    ]
}

fn poll_fds() -> impl Strategy<Value = Vec<PollFd>> {
    let entry = (fd(), events()).prop_map(|(fd, events)| PollFd {
        fd,
        events,
        revents: Events::empty(),
    });
    prop::collection::vec(entry, 0..4)
}

/// Making and unmaking descriptors.
pub(super) fn descriptor_call() -> impl Strategy<Value = Syscall> {
    prop_oneof![
        6 => fd().prop_map(|fd| Syscall::Dup { fd }),
        4 => (fd(), fd()).prop_map(|(fd, new_fd)| Syscall::Dup2 { fd, new_fd }),
        1 => (fd(), fd(), flags()).prop_map(|(fd, new_fd, flags)| Syscall::Dup3 { fd, new_fd, flags }),
        4 => (fd(), fcntl()).prop_map(|(fd, cmd)| Syscall::Fcntl { fd, cmd }),
        10 => fd().prop_map(|fd| Syscall::Close { fd }),
        2 => (0..14_u32, prop_oneof![0..14_u32, Just(u32::MAX)], 0..9_u32)
            .prop_map(|(first, last, flags)| Syscall::CloseRange { first, last, flags }),
        6 => (fd(), ioctl()).prop_map(|(fd, request)| Syscall::Ioctl { fd, request }),
        3 => flags().prop_map(|flags| Syscall::Pipe2 { flags }),
        3 => (prop_oneof![Just(0), Just(1), any::<u32>()], flags())
            .prop_map(|(count, flags)| Syscall::Eventfd2 { count, flags }),
        2 => (prop_oneof![Just(1), any::<i32>()], flags())
            .prop_map(|(clock, flags)| Syscall::TimerfdCreate { clock, flags }),
        4 => (fd(), 0..4_u32, nanoseconds(), nanoseconds()).prop_map(|(fd, flags, interval_ns, value_ns)| {
            Syscall::TimerfdSettime { fd, flags, new: TimerSpec { interval_ns, value_ns } }
        }),
        1 => fd().prop_map(|fd| Syscall::TimerfdGettime { fd }),
        3 => (prop_oneof![Just(Fd(-1)), fd()], any::<u64>(), flags())
            .prop_map(|(fd, mask, flags)| Syscall::Signalfd4 { fd, mask, flags }),
        1 => (0..3, 0..6_u32, 0..2)
            .prop_map(|(domain, kind, protocol)| Syscall::Socket { domain, kind, protocol }),
        4 => (prop_oneof![9 => Just(1), 1 => any::<i32>()], prop::sample::select(vec![1, 2, 5, 0o4001, 7]), Just(0))
            .prop_map(|(domain, kind, protocol)| Syscall::Socketpair { domain, kind, protocol }),
        1 => (fd(), flags()).prop_map(|(fd, flags)| Syscall::Accept4 { fd, flags }),
        2 => (path(), flags()).prop_map(|(path, flags)| Syscall::Open { path, flags }),
        1 => prop::sample::select(vec![0, 4, 10, 1024, 8192, u64::MAX]).prop_map(|soft| Syscall::SetNofile { soft, hard: 1 << 20 }),
        2 => (0..3_u32).prop_map(|entries| Syscall::IoUringSetup { entries }),
        3 => (fd(), prop::collection::vec(fd(), 0..4))
            .prop_map(|(ring, files)| Syscall::IoUringRegisterFiles { ring, files }),
        1 => fd().prop_map(|ring| Syscall::IoUringUnregisterFiles { ring }),
        2 => (pid(), flags()).prop_map(|(pid, flags)| Syscall::PidfdOpen { pid, flags }),
        1 => pid().prop_map(|pid| Syscall::PidfdOpen { pid, flags: 0o200 }),
        2 => (fd(), fd()).prop_map(|(pidfd, target)| Syscall::PidfdGetfd { pidfd, target, flags: 0 }),
    ]
}

/// Moving data, and files with it.
pub(super) fn data_call() -> impl Strategy<Value = Syscall> {
    prop_oneof![
        4 => (fd(), len()).prop_map(|(fd, len)| Syscall::Read { fd, len }),
        4 => (fd(), len(), prop_oneof![Just(1), Just(u64::MAX - 1), any::<u64>()])
            .prop_map(|(fd, len, first)| Syscall::Write { fd, len, first }),
        4 => (fd(), len(), prop::collection::vec(fd(), 0..3), prop_oneof![Just(0), Just(0x40), any::<u32>()])
            .prop_map(|(fd, len, rights, flags)| Syscall::Sendmsg { fd, len, rights, flags }),
        3 => (fd(), len(), 0..3_u32, prop::sample::select(vec![0, 2, 0x40, 0x42, 0x4000_0000]))
            .prop_map(|(fd, len, room, flags)| Syscall::Recvmsg { fd, len, room, flags }),
        1 => (fd(), -1..4).prop_map(|(fd, how)| Syscall::Shutdown { fd, how }),
        1 => fd().prop_map(|fd| Syscall::Lseek { fd, offset: 0, whence: 0 }),
    ]
}

/// Beginning and ending processes, and signals.
pub(super) fn process_call() -> impl Strategy<Value = Syscall> {
    let kcmp = prop_oneof![
        (fd(), fd()).prop_map(|(fd1, fd2)| Kcmp::File { fd1, fd2 }),
        Just(Kcmp::Files),
        (fd(), fd(), fd(), 0..3_u32).prop_map(|(fd1, efd, tfd, toff)| Kcmp::EpollTfd {
            fd1,
            efd,
            tfd,
            toff
        }),
        any::<i32>().prop_map(Kcmp::Other),
    ];
    let action = prop_oneof![
        Just(SigAction::Default),
        Just(SigAction::Ignore),
        any::<bool>().prop_map(|restart| SigAction::Handler { restart }),
    ];
    prop_oneof![
        6 => Just(Syscall::Fork),
        2 => Just(Syscall::Vfork),
        6 => clone_flags().prop_map(|flags| Syscall::Clone { flags }),
        2 => prop_oneof![Just(0x400), any::<u64>()].prop_map(|flags| Syscall::Unshare { flags }),
        2 => Just(Syscall::Execve),
        2 => any::<i32>().prop_map(|status| Syscall::Exit { status }),
        2 => any::<i32>().prop_map(|status| Syscall::ExitGroup { status }),
        4 => (pid(), signal()).prop_map(|(pid, signal)| Syscall::Kill { pid, signal }),
        2 => (pid(), pid(), signal()).prop_map(|(pid, tid, signal)| Syscall::Tgkill { pid, tid, signal }),
        2 => (-1..4, any::<u64>()).prop_map(|(how, set)| Syscall::Sigprocmask { how, set }),
        4 => (signal(), action).prop_map(|(signal, action)| Syscall::Sigaction { signal, action }),
        3 => (prop_oneof![Just(Pid(-1)), pid()], prop_oneof![Just(1), Just(0), any::<u32>()])
            .prop_map(|(pid, options)| Syscall::Wait4 { pid, options }),
        1 => Just(Syscall::Getpid),
        1 => (pid(), pid(), kcmp).prop_map(|(pid1, pid2, what)| Syscall::Kcmp { pid1, pid2, what }),
    ]
}
