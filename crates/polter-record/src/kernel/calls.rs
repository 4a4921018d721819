//! Which calls are recorded, what is read of each in the kernel, and how its arguments are written.

/// What is recorded of a call; the numbers are those of `record.bpf.c`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// The argument: 0 it reads, 1 it writes, 2 neither.
    Uses = 1,
    Plain = 2,
    Opens = 3,
    OpensTwo = 4,
    Closes = 5,
    Replaces = 6,
    ClosesRange = 7,
    Controls = 8,
    Waits = 9,
    Sends = 10,
    Receives = 11,
    SendsMany = 12,
    ReceivesMany = 13,
    Fcntl = 14,
    Bytes = 15,
    Leaves = 16,
    Fails = 17,
    HitsNothing = 18,
    /// The first argument's file is described: it has changed what it is called.
    Names = 19,
    /// A new fd of whatever a path leads to: recorded if it can be registered.
    OpensPath = 20,
    /// A use; or it decides what an exec closes, and is recorded whole.
    Ioctl = 21,
}

/// How one argument is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// An fd, with what it names.
    Fd,
    /// An fd whose file the record does not say.
    BareFd,
    /// A directory's fd, or `AT_FDCWD`.
    Directory,
    /// A signed number.
    Int,
    /// An unsigned one: `close_range` up to 4294967295 closes all.
    Unsigned,
    /// Flags or a pointer.
    Hex,
    /// Flags, a socket's family or type, a command: what has names of its own.
    Named(Words),
    /// `epoll_ctl`'s event.
    Event,
    /// `epoll_wait`'s events.
    Events,
    /// The two new fds.
    Pair,
    /// A message with files.
    Message,
    /// `fcntl`'s command.
    Command,
    /// A mask of signals.
    Mask,
    /// Fds behind a pointer.
    Fds,
    /// The child that `waitid` tells of.
    Child,
    /// What was not recorded.
    Left,
}

/// Whose names a value has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    Open,
    /// `pipe2(2)`, `dup3(2)` and others: `O_CLOEXEC` without an access mode.
    Fd,
    EpollCreate,
    Eventfd,
    Timerfd,
    Signalfd,
    Accept,
    Family,
    SocketType,
    Operation,
}

/// One call: its number, what is recorded of it, an argument and a size that the kind asks for, its arguments.
type Row = (i64, Kind, u8, u16, &'static [Spelling]);

const CALLS: &[Row] = {
    use Kind::*;
    use Spelling::*;
    const OPEN: Spelling = Named(Words::Open);
    const FLAGS: Spelling = Named(Words::Fd);
    const FAMILY: Spelling = Named(Words::Family);
    const TYPE: Spelling = Named(Words::SocketType);
    const OPERATION: Spelling = Named(Words::Operation);
    const USE: &[Spelling] = &[Fd, Left];
    &[
        (libc::SYS_read, Uses, 0, 0, USE),
        (libc::SYS_readv, Uses, 0, 0, USE),
        (libc::SYS_pread64, Uses, 0, 0, USE),
        (libc::SYS_preadv, Uses, 0, 0, USE),
        (libc::SYS_preadv2, Uses, 0, 0, USE),
        (libc::SYS_recvfrom, Uses, 0, 0, USE),
        (libc::SYS_write, Uses, 1, 0, USE),
        (libc::SYS_writev, Uses, 1, 0, USE),
        (libc::SYS_pwrite64, Uses, 1, 0, USE),
        (libc::SYS_pwritev, Uses, 1, 0, USE),
        (libc::SYS_pwritev2, Uses, 1, 0, USE),
        (libc::SYS_sendto, Uses, 1, 0, USE),
        (libc::SYS_ioctl, Ioctl, 0, 0, &[Fd, Hex, Left]),
        (libc::SYS_shutdown, Uses, 1, 0, &[Fd, Hex]),
        (libc::SYS_listen, Names, 0, 0, &[Fd, Int]),
        (libc::SYS_bind, Names, 0, 0, &[Fd, Hex, Int]),
        (libc::SYS_connect, Names, 0, 0, &[Fd, Hex, Int]),
        (libc::SYS_timerfd_settime, Uses, 2, 0, USE),
        (libc::SYS_timerfd_gettime, Uses, 2, 0, USE),
        (libc::SYS_inotify_add_watch, Uses, 2, 0, USE),
        (libc::SYS_inotify_rm_watch, Uses, 2, 0, USE),
        (libc::SYS_getsockopt, HitsNothing, 0, 0, USE),
        (libc::SYS_setsockopt, HitsNothing, 0, 0, USE),
        (libc::SYS_getsockname, HitsNothing, 0, 0, USE),
        (libc::SYS_getpeername, HitsNothing, 0, 0, USE),
        (libc::SYS_fstat, HitsNothing, 0, 0, USE),
        (libc::SYS_lseek, HitsNothing, 0, 0, USE),
        (libc::SYS_fsync, HitsNothing, 0, 0, USE),
        (libc::SYS_ftruncate, HitsNothing, 0, 0, USE),
        (libc::SYS_sendfile, Plain, 0, 0, &[Fd, BareFd, Left]),
        (libc::SYS_splice, Plain, 0, 0, &[Fd, Hex, BareFd, Left]),
        (libc::SYS_tee, Plain, 0, 0, &[Fd, BareFd, Left]),
        (
            libc::SYS_copy_file_range,
            Plain,
            0,
            0,
            &[Fd, Hex, BareFd, Left],
        ),
        (libc::SYS_wait4, Plain, 0, 0, &[Int, Hex, Hex, Hex]),
        (libc::SYS_waitid, Bytes, 2, 32, &[Int, Int, Child, Hex]),
        (libc::SYS_kill, Plain, 0, 0, &[Int, Int]),
        (libc::SYS_tkill, Plain, 0, 0, &[Int, Int]),
        (libc::SYS_tgkill, Plain, 0, 0, &[Int, Int, Int]),
        (libc::SYS_unshare, Plain, 0, 0, &[Hex]),
        (libc::SYS_kcmp, Plain, 0, 0, &[Int, Int, Int, Int, Int]),
        (libc::SYS_io_uring_enter, Plain, 0, 0, &[Fd, Int, Int, Hex]),
        (libc::SYS_openat, OpensPath, 0, 0, &[Directory, Hex, OPEN]),
        (libc::SYS_openat2, OpensPath, 0, 0, &[Directory, Hex, Left]),
        (
            libc::SYS_epoll_create1,
            Opens,
            1,
            0,
            &[Named(Words::EpollCreate)],
        ),
        (libc::SYS_socket, Opens, 0, 0, &[FAMILY, TYPE, Int]),
        (libc::SYS_accept, Opens, 0, 0, &[BareFd, Hex, Hex]),
        (
            libc::SYS_accept4,
            Opens,
            0,
            0,
            &[BareFd, Hex, Hex, Named(Words::Accept)],
        ),
        (
            libc::SYS_eventfd2,
            Opens,
            0,
            0,
            &[Int, Named(Words::Eventfd)],
        ),
        (
            libc::SYS_timerfd_create,
            Opens,
            0,
            0,
            &[Int, Named(Words::Timerfd)],
        ),
        (libc::SYS_memfd_create, OpensPath, 0, 0, &[Hex, Hex]),
        (libc::SYS_inotify_init1, Opens, 0, 0, &[FLAGS]),
        (libc::SYS_fanotify_init, Opens, 0, 0, &[Hex, Hex]),
        (libc::SYS_pidfd_open, Opens, 0, 0, &[Int, Hex]),
        (libc::SYS_pidfd_getfd, Opens, 0, 0, &[BareFd, Int, Hex]),
        (libc::SYS_userfaultfd, Opens, 0, 0, &[FLAGS]),
        (
            libc::SYS_perf_event_open,
            Opens,
            0,
            0,
            &[Hex, Int, Int, Int, Hex],
        ),
        (
            libc::SYS_open_by_handle_at,
            OpensPath,
            0,
            0,
            &[BareFd, Hex, OPEN],
        ),
        (libc::SYS_fsopen, OpensPath, 0, 0, &[Hex, Hex]),
        (
            libc::SYS_open_tree,
            OpensPath,
            0,
            0,
            &[Directory, Hex, FLAGS],
        ),
        (libc::SYS_io_uring_setup, Opens, 0, 0, &[Int, Hex]),
        (libc::SYS_dup, Opens, 0, 0, &[BareFd]),
        (
            libc::SYS_signalfd4,
            Bytes,
            1,
            8,
            &[Fd, Mask, Int, Named(Words::Signalfd)],
        ),
        (
            libc::SYS_io_uring_register,
            Bytes,
            2,
            1024,
            &[Fd, Int, Fds, Int],
        ),
        (libc::SYS_fcntl, Fcntl, 0, 0, &[BareFd, Command, Hex]),
        (libc::SYS_pipe2, OpensTwo, 0, 0, &[Pair, FLAGS]),
        (
            libc::SYS_socketpair,
            OpensTwo,
            3,
            0,
            &[FAMILY, TYPE, Int, Pair],
        ),
        (libc::SYS_close, Closes, 0, 0, &[Fd]),
        (libc::SYS_dup3, Replaces, 0, 0, &[BareFd, BareFd, FLAGS]),
        (
            libc::SYS_close_range,
            ClosesRange,
            0,
            0,
            &[Unsigned, Unsigned, Hex],
        ),
        (
            libc::SYS_epoll_ctl,
            Controls,
            0,
            0,
            &[BareFd, OPERATION, Fd, Event],
        ),
        (
            libc::SYS_epoll_pwait,
            Waits,
            0,
            0,
            &[Fd, Events, Int, Int, Hex, Int],
        ),
        (
            libc::SYS_epoll_pwait2,
            Waits,
            0,
            0,
            &[Fd, Events, Int, Hex, Hex, Int],
        ),
        (libc::SYS_sendmsg, Sends, 0, 0, &[Fd, Message, Hex]),
        (
            libc::SYS_sendmmsg,
            SendsMany,
            0,
            0,
            &[Fd, Message, Int, Hex],
        ),
        (libc::SYS_recvmsg, Receives, 0, 0, &[Fd, Message, Hex]),
        (
            libc::SYS_recvmmsg,
            ReceivesMany,
            0,
            0,
            &[Fd, Message, Int, Hex, Hex],
        ),
        (libc::SYS_exit, Leaves, 0, 0, &[Int]),
        (libc::SYS_exit_group, Leaves, 0, 0, &[Int]),
        (libc::SYS_execve, Fails, 0, 0, &[Hex, Hex, Hex]),
        (
            libc::SYS_execveat,
            Fails,
            0,
            0,
            &[Directory, Hex, Hex, Hex, Hex],
        ),
        (libc::SYS_clone, Fails, 0, 0, &[Hex, Hex, Hex, Hex, Hex]),
        (libc::SYS_clone3, Fails, 0, 0, &[Hex, Int]),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_open, OpensPath, 0, 0, &[Hex, OPEN]),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_creat, OpensPath, 0, 0, &[Hex, Hex]),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_epoll_create, Opens, 1, 0, &[Int]),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_eventfd, Opens, 0, 0, &[Int]),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_inotify_init, Opens, 0, 0, &[]),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_signalfd, Bytes, 1, 8, &[Fd, Mask, Int]),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_pipe, OpensTwo, 0, 0, &[Pair]),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_dup2, Replaces, 0, 0, &[BareFd, BareFd]),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_epoll_wait, Waits, 0, 0, &[Fd, Events, Int, Int]),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_fork, Fails, 0, 0, &[]),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_vfork, Fails, 0, 0, &[]),
    ]
};

/// The calls that are recorded: number, and `struct shape` as a word.
pub(super) fn shapes() -> impl Iterator<Item = (u32, u32)> {
    CALLS.iter().map(|(number, kind, argument, size, _)| {
        let bytes = [
            *kind as u8,
            *argument,
            size.to_ne_bytes()[0],
            size.to_ne_bytes()[1],
        ];
        (*number as u32, u32::from_ne_bytes(bytes))
    })
}

/// How a call's arguments are written.
pub(crate) fn spelling_of(number: u16) -> &'static [Spelling] {
    let row = CALLS.iter().find(|(it, ..)| *it == i64::from(number));
    row.map_or(&[], |(.., arguments)| arguments)
}
