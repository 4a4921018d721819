//! Files: made, opened, duplicated, closed, read and written.

use eventpoll::syscall::{EpollParams, Fcntl, Ioctl, Out, PathKind, Return, TimerSpec};
use eventpoll::{Fd, Syscall};

use super::epoll::timespec;
use super::writer::Writer;
use super::{BUFFER, DEVICE};
use crate::names::{
    CLOCKS, CLOSE_RANGE, EVENTFD, F_DUPFD_QUERY, FCNTL, FD_FLAGS, IOCTL, OPEN, SIGNALFD, TIMERFD,
    WHENCE, open_flags,
};
use crate::signals::{signal_name, signal_set};
use crate::text::quote;

pub(super) fn spell(syscall: &Syscall, done: Option<&Return>) -> Option<Writer> {
    Some(match syscall {
        Syscall::Dup { fd } => Writer::new("dup").arg(fd),
        Syscall::Dup2 { fd, new_fd } => Writer::new("dup2").arg(fd).arg(new_fd),
        Syscall::Dup3 { fd, new_fd, flags } => Writer::new("dup3")
            .arg(fd)
            .arg(new_fd)
            .arg(OPEN.flags((*flags).into())),
        Syscall::Fcntl { fd, cmd } => fcntl(*fd, *cmd),
        Syscall::Close { fd } => Writer::new("close").arg(fd),
        Syscall::CloseRange { first, last, flags } => Writer::new("close_range")
            .arg(first)
            .arg(last)
            .arg(CLOSE_RANGE.flags((*flags).into())),
        Syscall::Ioctl { fd, request } => ioctl(*fd, *request, done),
        Syscall::Pipe2 { flags } => Writer::new("pipe2")
            .cut()
            .arg(show_pair(done))
            .arg(OPEN.flags((*flags).into())),
        Syscall::Eventfd2 { count, flags } => Writer::new("eventfd2")
            .arg(count)
            .arg(EVENTFD.flags((*flags).into())),
        Syscall::TimerfdCreate { clock, flags } => Writer::new("timerfd_create")
            .arg(CLOCKS.one(clock.cast_unsigned().into()))
            .arg(TIMERFD.flags((*flags).into())),
        Syscall::TimerfdSettime { fd, flags, new } => {
            let writer = Writer::new("timerfd_settime")
                .arg(fd)
                .arg(TIMERFD.flags((*flags).into()));
            writer
                .arg(timer_spec(new))
                .cut()
                .arg(show_timer(done, "NULL"))
        }
        Syscall::TimerfdGettime { fd } => Writer::new("timerfd_gettime")
            .arg(fd)
            .cut()
            .arg(show_timer(done, &format!("{BUFFER:#x}"))),
        Syscall::Signalfd4 { fd, mask, flags } => Writer::new("signalfd4")
            .arg(fd)
            .arg(signal_set(*mask))
            .arg(8)
            .arg(SIGNALFD.flags((*flags).into())),
        _ => return data(syscall, done),
    })
}

/// What is opened, read and written, and rings.
fn data(syscall: &Syscall, done: Option<&Return>) -> Option<Writer> {
    Some(match syscall {
        Syscall::Open { path, flags } => open(*path, *flags),
        Syscall::Read { fd, len } => Writer::new("read")
            .arg(fd)
            .cut()
            .arg(show_read(done))
            .arg(len),
        Syscall::Write { fd, len, first } => Writer::new("write")
            .arg(fd)
            .arg(show_written(*first, *len))
            .arg(len),
        Syscall::Readv { fd, lens } => {
            let shown = if done.is_some() { "\"\"..." } else { "NULL" };
            let pieces = lens.iter().map(|len| show_piece(shown, *len));
            let pieces: Vec<_> = pieces.collect();
            Writer::new("readv")
                .arg(fd)
                .cut()
                .arg(format_args!("[{}]", pieces.join(", ")))
                .arg(lens.len())
        }
        Syscall::Writev { fd, pieces } => {
            let shown = pieces.iter().map(|piece| {
                let bytes = show_written(piece.first, piece.len);
                show_piece(&bytes, piece.len)
            });
            let shown: Vec<_> = shown.collect();
            Writer::new("writev")
                .arg(fd)
                .arg(format_args!("[{}]", shown.join(", ")))
                .arg(pieces.len())
        }
        Syscall::Lseek { fd, offset, whence } => Writer::new("lseek")
            .arg(fd)
            .arg(offset)
            .arg(WHENCE.one(whence.cast_unsigned().into())),
        Syscall::IoUringSetup { entries } => {
            Writer::new("io_uring_setup")
                .arg(entries)
                .cut()
                .arg(match done {
                    Some(_) => "{flags=0, ...}".to_owned(),
                    None => format!("{BUFFER:#x}"),
                })
        }
        Syscall::IoUringRegisterFiles { ring, files } => {
            let fds: Vec<_> = files.iter().map(Fd::to_string).collect();
            let writer = Writer::new("io_uring_register")
                .arg(ring)
                .arg("IORING_REGISTER_FILES");
            writer
                .arg(format_args!("[{}]", fds.join(", ")))
                .arg(files.len())
        }
        Syscall::IoUringUnregisterFiles { ring } => Writer::new("io_uring_register")
            .arg(ring)
            .arg("IORING_UNREGISTER_FILES")
            .arg("NULL")
            .arg(0),
        _ => return None,
    })
}

fn show_piece(bytes: &str, len: u64) -> String {
    format!("{{iov_base={bytes}, iov_len={len}}}")
}

fn fcntl(fd: Fd, cmd: Fcntl) -> Writer {
    let writer = Writer::new("fcntl").arg(fd);
    match cmd {
        Fcntl::DupFd(from) => writer.arg("F_DUPFD").arg(from),
        Fcntl::DupFdCloexec(from) => writer.arg("F_DUPFD_CLOEXEC").arg(from),
        Fcntl::GetFd => writer.arg("F_GETFD"),
        Fcntl::SetFd(flags) => writer.arg("F_SETFD").arg(FD_FLAGS.flags(flags.into())),
        Fcntl::GetFl => writer.arg("F_GETFL"),
        Fcntl::SetFl(flags) => writer.arg("F_SETFL").arg(open_flags(flags)),
        Fcntl::DupFdQuery(other) => {
            let writer = writer.arg(FCNTL.one(F_DUPFD_QUERY));
            writer.arg(hex(other.0.cast_unsigned().into()))
        }
        Fcntl::SetPipeSize(size) => writer.arg("F_SETPIPE_SZ").arg(size),
        Fcntl::GetPipeSize => writer.arg("F_GETPIPE_SZ"),
        Fcntl::GetOwn => writer.arg("F_GETOWN"),
        Fcntl::SetOwn(owner) => writer.arg("F_SETOWN").arg(owner),
        Fcntl::GetSig => writer.arg("F_GETSIG"),
        Fcntl::SetSig(signal) => writer
            .arg("F_SETSIG")
            .arg(signal_name(signal.cast_unsigned())),
        Fcntl::GetLease => writer.arg("F_GETLEASE"),
        Fcntl::Notify(events) => writer.arg("F_NOTIFY").arg(hex(events.into())),
        Fcntl::Other(number) => writer.arg(FCNTL.one(number.cast_unsigned().into())).arg(0),
    }
}

fn ioctl(fd: Fd, request: Ioctl, done: Option<&Return>) -> Writer {
    let writer = Writer::new("ioctl").arg(fd);
    let address = || format!("{BUFFER:#x}");
    let out = done.map(|done| &done.out);
    match request {
        Ioctl::Fionbio(is_on) => writer
            .arg("FIONBIO")
            .arg(format_args!("[{}]", u8::from(is_on))),
        Ioctl::Fioclex => writer.arg("FIOCLEX"),
        Ioctl::Fionclex => writer.arg("FIONCLEX"),
        Ioctl::Fionread => writer.arg("FIONREAD").cut().arg(match out {
            Some(Out::Available(available)) => format!("[{available}]"),
            _ => address(),
        }),
        Ioctl::SetEpollParams(params) => writer.arg("EPIOCSPARAMS").arg(show_params(&params)),
        Ioctl::GetEpollParams => writer.arg("EPIOCGPARAMS").cut().arg(match out {
            Some(Out::Params(params)) => show_params(params),
            _ => address(),
        }),
        Ioctl::EpollAdopt => writer.arg("EPIOCADOPT"),
        Ioctl::ExportBuffer => writer.arg("POLTER_EXPORT_BUFFER"),
        Ioctl::AddFence => writer.arg("POLTER_ADD_FENCE"),
        Ioctl::SignalFence => writer.arg("POLTER_SIGNAL_FENCE"),
        Ioctl::Other(number) => match IOCTL.one(number.into()) {
            name if !name.contains("???") && number < 0x8000 => writer.arg(name).arg(address()),
            _ => writer.arg(show_ioc(number)).arg(address()),
        },
    }
}

/// Prints a request that has no name by its parts. Linux: `_IOC`.
fn show_ioc(number: u32) -> String {
    let direction = match number >> 30 {
        0 => "_IOC_NONE",
        1 => "_IOC_WRITE",
        2 => "_IOC_READ",
        _ => "_IOC_READ|_IOC_WRITE",
    };
    let [kind, index, size] =
        [number >> 8 & 0xff, number & 0xff, number >> 16 & 0x3fff].map(|part| hex(part.into()));
    format!("_IOC({direction}, {kind}, {index}, {size})")
}

fn show_params(params: &EpollParams) -> String {
    format!(
        "{{busy_poll_usecs={}, busy_poll_budget={}, prefer_busy_poll={}, __pad={}}}",
        params.busy_poll_usecs, params.busy_poll_budget, params.prefer_busy_poll, params.pad
    )
}

/// Prints the two descriptors, or the address they could not be written to.
pub(super) fn show_pair(done: Option<&Return>) -> String {
    match done.map(|done| &done.out) {
        Some(Out::Pair([first, second])) => format!("[{first}, {second}]"),
        _ => format!("{BUFFER:#x}"),
    }
}

fn show_timer(done: Option<&Return>, nothing: &str) -> String {
    match done.map(|done| &done.out) {
        Some(Out::Timer(spec)) => timer_spec(spec),
        _ => nothing.to_owned(),
    }
}

fn timer_spec(spec: &TimerSpec) -> String {
    const BILLION: u64 = 1_000_000_000;
    let [interval, value] = [spec.interval_ns, spec.value_ns]
        .map(|total| timespec((total / BILLION).cast_signed(), total % BILLION));
    format!("{{it_interval={interval}, it_value={value}}}")
}

fn open(path: PathKind, flags: u32) -> Writer {
    const O_CREAT: u32 = 0o100;
    const O_TMPFILE: u32 = 0o20_000_000;
    let path = match path {
        PathKind::Regular => "/tmp/file",
        PathKind::Directory => "/tmp/",
        PathKind::Null => "/dev/null",
        PathKind::Zero => "/dev/zero",
        PathKind::Pollable => "/proc/self/mounts",
        PathKind::Device => DEVICE,
    };
    let writer = Writer::new("openat")
        .arg("AT_FDCWD")
        .arg(format_args!("\"{path}\""))
        .arg(open_flags(flags));
    if flags & (O_CREAT | O_TMPFILE) != 0 {
        writer.arg("0666")
    } else {
        writer
    }
}

/// Prints what was read: a counter, signals, or bytes that nobody kept.
fn show_read(done: Option<&Return>) -> String {
    let Some(done) = done else {
        return format!("{BUFFER:#x}");
    };
    match &done.out {
        Out::Counter(counter) => quote(&counter.to_ne_bytes()),
        Out::Signals(signals) => show_signals(signals),
        _ if done.value == 0 => "\"\"".to_owned(),
        _ => "\"\"...".to_owned(),
    }
}

/// Prints `struct signalfd_siginfo`s: of one, the 32 bytes that strace prints; of more,
/// as much as it takes to see the last number.
fn show_signals(signals: &[u32]) -> String {
    const SIZE: usize = 128;
    let mut bytes = vec![0; SIZE * signals.len().saturating_sub(1) + 32];
    for (info, signal) in bytes.chunks_mut(SIZE).zip(signals) {
        info[..4].copy_from_slice(&signal.to_ne_bytes());
    }
    format!("{}...", quote(&bytes))
}

/// Prints what was written, as far as the model knows it.
fn show_written(first: u64, len: u64) -> String {
    let known = usize::try_from(len).map_or(8, |len| len.min(8));
    let dots = if len > 8 { "..." } else { "" };
    format!("{}{dots}", quote(&first.to_ne_bytes()[..known]))
}

fn hex(number: u64) -> String {
    if number == 0 {
        "0".to_owned()
    } else {
        format!("{number:#x}")
    }
}
