//! Processes: made, replaced, ended, signalled, compared.

use eventpoll::syscall::{Kcmp, Out, Return, SigAction, flags};
use eventpoll::{Pid, Syscall};

use super::BUFFER;
use super::writer::Writer;
use crate::names::{CLONE, PIDFD, SIG_HOW, WAIT};
use crate::signals::{signal_name, signal_set};

pub(super) fn spell(syscall: &Syscall, done: Option<&Return>) -> Writer {
    match syscall {
        Syscall::Vfork => Writer::new("vfork"),
        Syscall::Clone { flags } => clone(*flags, done),
        Syscall::Unshare { flags } => Writer::new("unshare").arg(CLONE.flags(*flags)),
        Syscall::Execve => Writer::new("execve")
            .arg("\"/bin/true\"")
            .arg("[\"true\"]")
            .arg("NULL"),
        Syscall::Exit { status } => Writer::new("exit").arg(status),
        Syscall::ExitGroup { status } => Writer::new("exit_group").arg(status),
        Syscall::Kill { pid, signal } => Writer::new("kill").arg(pid).arg(signal_name(*signal)),
        Syscall::Tgkill { pid, tid, signal } => Writer::new("tgkill")
            .arg(pid)
            .arg(tid)
            .arg(signal_name(*signal)),
        Syscall::Sigprocmask { how, set } => {
            let old = match done.map(|done| &done.out) {
                Some(Out::Mask(old)) => signal_set(*old),
                _ => "NULL".to_owned(),
            };
            let writer = Writer::new("rt_sigprocmask").arg(SIG_HOW.one(how.cast_unsigned().into()));
            writer.arg(signal_set(*set)).cut().arg(old).arg(8)
        }
        Syscall::Sigaction { signal, action } => {
            let writer = Writer::new("rt_sigaction")
                .arg(signal_name(*signal))
                .arg(show_action(*action));
            writer.cut().arg("NULL").arg(8)
        }
        Syscall::Wait4 { pid, options } => {
            let status = match done.map(|done| &done.out) {
                Some(Out::Status(status)) => format!("[{}]", show_status(*status)),
                _ => "NULL".to_owned(),
            };
            Writer::new("wait4")
                .arg(pid)
                .cut()
                .arg(status)
                .arg(WAIT.flags((*options).into()))
                .arg("NULL")
        }
        Syscall::Getpid => Writer::new("getpid"),
        Syscall::SetNofile { soft, hard } => {
            let [soft, hard] = [*soft, *hard].map(show_size);
            let limits = format!("{{rlim_cur={soft}, rlim_max={hard}}}");
            Writer::new("prlimit64")
                .arg(0)
                .arg("RLIMIT_NOFILE")
                .arg(limits)
                .arg("NULL")
        }
        Syscall::PidfdOpen { pid, flags } => {
            Writer::new("pidfd_open").arg(pid).arg(pidfd_flags(*flags))
        }
        Syscall::PidfdGetfd {
            pidfd,
            target,
            flags,
        } => {
            let flags = if *flags == 0 {
                "0".to_owned()
            } else {
                format!("{flags:#x}")
            };
            Writer::new("pidfd_getfd").arg(pidfd).arg(target).arg(flags)
        }
        Syscall::Kcmp { pid1, pid2, what } => kcmp(*pid1, *pid2, *what),
        // Every other call belongs to one of the other families.
        _ => Writer::new("fork"),
    }
}

/// Prints `clone`, or `clone3` for flags that `clone` has no room for.
fn clone(bits: u64, done: Option<&Return>) -> Writer {
    const EXIT_SIGNAL: u64 = 0xff;
    let pidfd = match done.map(|done| &done.out) {
        Some(Out::Pidfd(fd)) => Some(*fd),
        _ => None,
    };
    let signal = if bits & flags::CLONE_THREAD == 0 {
        "SIGCHLD"
    } else {
        "0"
    };
    if bits & EXIT_SIGNAL != 0 || bits > u64::from(u32::MAX) {
        let flags = CLONE.flags(bits);
        let args = format!("{{flags={flags}, exit_signal={signal}, stack=NULL, stack_size=0}}");
        let written = pidfd
            .map(|fd| format!(" => {{pidfd=[{fd}]}}"))
            .unwrap_or_default();
        return Writer::new("clone3")
            .arg(args)
            .tail(format_args!("{written}, 88"));
    }
    let shown = match (bits, signal) {
        (0, signal) => signal.to_owned(),
        (bits, "0") => CLONE.flags(bits),
        (bits, signal) => format!("{}|{signal}", CLONE.flags(bits)),
    };
    let writer = Writer::new("clone")
        .arg("child_stack=NULL")
        .arg(format_args!("flags={shown}"));
    match pidfd {
        Some(fd) => writer.tail(format_args!(", parent_tid=[{fd}]")),
        None => writer,
    }
}

fn show_action(action: SigAction) -> String {
    let with = |handler: &str, flags: &str| {
        format!("{{sa_handler={handler}, sa_mask=[], sa_flags={flags}}}")
    };
    match action {
        SigAction::Default => with("SIG_DFL", "0"),
        SigAction::Ignore => with("SIG_IGN", "0"),
        SigAction::Handler { restart: true } => with(&format!("{BUFFER:#x}"), "SA_RESTART"),
        SigAction::Handler { restart: false } => with(&format!("{BUFFER:#x}"), "0"),
    }
}

/// Prints a wait status by the macros of `wait(2)`.
fn show_status(status: i32) -> String {
    let signal = signal_name(status.cast_unsigned() & 0x7f);
    match (status & 0x7f, status) {
        (_, 0xffff) => "{WIFCONTINUED(s)}".to_owned(),
        (0, 0..=0xffff) if status & 0x80 == 0 => {
            format!("{{WIFEXITED(s) && WEXITSTATUS(s) == {}}}", status >> 8)
        }
        (1..=0x7e, 0..=0x7f) => format!("{{WIFSIGNALED(s) && WTERMSIG(s) == {signal}}}"),
        (1..=0x7e, 0x80..=0xff) => {
            format!("{{WIFSIGNALED(s) && WTERMSIG(s) == {signal} && WCOREDUMP(s)}}")
        }
        (0x7f, 0..=0x7fff) if status & 0x80 == 0 => {
            let signal = signal_name(status.cast_unsigned() >> 8);
            format!("{{WIFSTOPPED(s) && WSTOPSIG(s) == {signal}}}")
        }
        _ => format!("{{{status}}}"),
    }
}

/// Prints a limit, whole kilobytes as such.
fn show_size(size: u64) -> String {
    match size {
        u64::MAX => "RLIM64_INFINITY".to_owned(),
        size if size > 1024 && size % 1024 == 0 => format!("{}*1024", size / 1024),
        size => size.to_string(),
    }
}

/// Prints `PIDFD_THREAD` by number, as strace 6.1 does.
fn pidfd_flags(bits: u32) -> String {
    const NONBLOCK: u32 = flags::PIDFD_NONBLOCK;
    match (bits & NONBLOCK, bits & !NONBLOCK) {
        (0, 0) => "0".to_owned(),
        (0, rest) => format!("{rest:#x} /* PIDFD_??? */"),
        (_, 0) => PIDFD.flags(NONBLOCK.into()),
        (_, rest) => format!("{}|{rest:#x}", PIDFD.flags(NONBLOCK.into())),
    }
}

fn kcmp(pid1: Pid, pid2: Pid, what: Kcmp) -> Writer {
    let writer = Writer::new("kcmp").arg(pid1).arg(pid2);
    match what {
        Kcmp::File { fd1, fd2 } => writer.arg("KCMP_FILE").arg(fd1).arg(fd2),
        Kcmp::Files => writer.arg("KCMP_FILES"),
        Kcmp::EpollTfd {
            fd1,
            efd,
            tfd,
            toff,
        } => {
            let slot = format!("{{efd={efd}, tfd={tfd}, toff={toff}}}");
            writer.arg("KCMP_EPOLL_TFD").arg(fd1).arg(slot)
        }
        Kcmp::Other(kind) => writer.arg(format_args!("{kind:#x} /* KCMP_??? */")),
    }
}
