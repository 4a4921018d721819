//! Real calls, as the model's system calls.

use std::fs;

use eventpoll::syscall::{Buffer, Ioctl, Out, SigMask};
use eventpoll::{Outcome, Syscall};
use polter_trace::{Assembler, Call, Decoded, EventKind, Line, decode, encode, escape};

use crate::samples::samples;

#[test]
fn every_known_call_is_read() {
    let mut calls = 0;
    for (name, text) in samples() {
        each_call(&text, |pid, number, call| {
            let _ = pid;
            match decode(call) {
                Ok(decoded) => calls += usize::from(decoded.is_some()),
                // -e raw shows addresses where structures should be.
                Err(_) if name == "e_raw" => {}
                Err(error) => panic!("{name}:{number}: {error}: {}", escape(call.args.raw)),
            }
        });
    }
    assert!(calls > 1500, "{calls}");
}

#[test]
fn every_option_shows_the_same_calls() {
    let plain = epoll_calls("f");
    assert_eq!(plain.len(), 23);
    for name in [
        "y",
        "yy",
        "Y",
        "x",
        "xx",
        "v_s3",
        "raw",
        "verbose",
        "i_n",
        "tt_T",
        "k",
        "stderr_tt",
        "stderr_Y_T",
    ] {
        assert_eq!(epoll_calls(name), plain, "{name}");
    }
}

/// The calls in which the written form shows all that strace showed.
#[test]
fn real_lines_are_written_as_they_were() {
    let names = [
        "epoll_create",
        "epoll_create1",
        "epoll_ctl",
        "epoll_wait",
        "epoll_pwait",
        "epoll_pwait2",
        "pipe2",
        "dup",
        "dup2",
        "dup3",
        "fcntl",
        "close",
        "close_range",
        "eventfd2",
        "timerfd_create",
        "timerfd_settime",
        "timerfd_gettime",
        "signalfd4",
        "kill",
        "tgkill",
        "socketpair",
        "socket",
        "shutdown",
        "poll",
        "lseek",
        "unshare",
        "exit_group",
        "vfork",
        "kcmp",
        "pidfd_open",
        "wait4",
    ];
    let mut different = Vec::new();
    let mut equal = 0;
    let (_, text) = samples().into_iter().find(|(name, _)| name == "f").unwrap();
    each_call(&text, |_, _, call| {
        if !names.contains(&call.name) {
            return;
        }
        let Ok(Some(Decoded {
            syscall,
            outcome: Some(outcome),
        })) = decode(call)
        else {
            panic!("{} {}", call.name, escape(call.args.raw));
        };
        let actual = encode(&syscall, &outcome);
        let expected = format!(
            "{}({}) = {}",
            call.name,
            escape(call.args.raw),
            escape(call.returned.raw)
        );
        if actual == expected {
            equal += 1;
        } else {
            different.push(format!("{expected}\n{actual}"));
        }
    });
    // Addresses, and what the kernel does not look at, are not kept.
    let is_known = |pair: &String| pair.contains("0x") || pair.contains("NULL, NULL, 0)");
    assert!(different.iter().all(is_known), "{}", different.join("\n"));
    assert!(
        equal > 60 && different.len() == 5,
        "{equal}\n{}",
        different.join("\n")
    );
}

#[test]
fn older_spellings_are_read() {
    check(
        "epoll_ctl(3, EPOLL_CTL_ADD, 4, {EPOLLIN, {u32=5, u64=5}}) = 0",
        "epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=5, u64=5}}) = 0",
    );
    check("pipe([3, 4]) = 0", "pipe2([3, 4], 0) = 0");
    check("eventfd(1) = 3", "eventfd2(1, 0) = 3");
    check("accept(3, NULL, NULL) = 4", "accept4(3, NULL, NULL, 0) = 4");
    check(
        "fcntl(3, F_DUPFD_QUERY, 4) = 1",
        "fcntl(3, 0x403 /* F_??? */, 0x4) = 1",
    );
    check(
        "open(\"/dev/null\", O_RDWR) = 3",
        "openat(AT_FDCWD, \"/dev/null\", O_RDWR) = 3",
    );
    check(
        "creat(\"/tmp/x\", 0600) = 3",
        "openat(AT_FDCWD, \"/tmp/file\", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3",
    );
    check(
        "setrlimit(RLIMIT_NOFILE, {rlim_cur=2*1024, rlim_max=4*1024}) = 0",
        "prlimit64(0, RLIMIT_NOFILE, {rlim_cur=2*1024, rlim_max=4*1024}, NULL) = 0",
    );
    check(
        "epoll_create1(0x80000) = 0x3",
        "epoll_create1(EPOLL_CLOEXEC) = 3",
    );
    check(
        "close(0xffffffffffffffff) = -1 EBADF (Bad file descriptor)",
        "close(-1) = -1 EBADF (Bad file descriptor)",
    );
    check(
        "writev(3, [{iov_base=\"ab\", iov_len=2}, {iov_base=\"c\", iov_len=1}], 2) = 3",
        "writev(3, [{iov_base=\"ab\", iov_len=2}, {iov_base=\"c\", iov_len=1}], 2) = 3",
    );
    check(
        "clone(child_stack=NULL, flags=CLONE_FILES|SIGCHLD <unfinished ...>) = ?",
        "clone(child_stack=NULL, flags=CLONE_FILES|SIGCHLD) = ?",
    );
}

#[test]
fn what_strace_shows_of_a_buffer_is_used() {
    let buffer = |text: &str| match decoded(text).syscall {
        Syscall::EpollWait { buffer, .. } | Syscall::EpollPwait { buffer, .. } => buffer,
        other => panic!("{other:?}"),
    };
    assert_eq!(buffer("epoll_wait(3, [], 8, 0) = 0"), Buffer::Mapped);
    assert_eq!(
        buffer("epoll_wait(3, NULL, 8, 0) = -1 EFAULT (Bad address)"),
        Buffer::Faults(0)
    );
    assert_eq!(
        buffer("epoll_wait(3, 0x7ffd01, 8, 0) = -1 EFAULT (Bad address)"),
        Buffer::Faults(0)
    );
    assert_eq!(
        buffer("epoll_wait(3, 0x7ffd01, 8, 0) = -1 EINTR (Interrupted system call)"),
        Buffer::Mapped
    );
    assert_eq!(
        buffer("epoll_wait(3, 0xffff800000000000, 8, 0) = -1 EFAULT (Bad address)"),
        Buffer::KernelSpace
    );
    assert_eq!(
        buffer("epoll_pwait(3, 0x7ffd01, 8, 0, 0x1, 8) = -1 EFAULT (Bad address)"),
        Buffer::Mapped
    );
    let pwait = decoded("epoll_pwait(3, [], 8, 0, [], 16) = -1 EINVAL (Invalid argument)").syscall;
    assert!(matches!(
        pwait,
        Syscall::EpollPwait {
            mask: SigMask::WrongSize,
            ..
        }
    ));
}

#[test]
fn eight_bytes_are_a_counter_unless_the_fd_says_otherwise() {
    let out = |text: &str| match decoded(text).outcome {
        Some(Outcome::Done(Ok(returned))) => returned.out,
        other => panic!("{other:?}"),
    };
    let bytes = r#""\5\0\0\0\0\0\0\0", 8) = 8"#;
    assert_eq!(out(&format!("read(3, {bytes}")), Out::Counter(5));
    assert_eq!(
        out(&format!("read(3<anon_inode:[eventfd]>, {bytes}")),
        Out::Counter(5)
    );
    assert_eq!(out(&format!("read(3<pipe:[1]>, {bytes}")), Out::None);
    let signal =
        r#""\n\0\0\0\0\0\0\0\0\0\0\0q\26\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"..., 128) = 128"#;
    assert_eq!(out(&format!("read(3, {signal}")), Out::Signals(vec![10]));
    assert_eq!(out(&format!("read(3<UNIX:[1->2]>, {signal}")), Out::None);
}

#[test]
fn events_beyond_what_strace_prints_are_left_out() {
    let text = "epoll_wait(3, [{events=EPOLLIN, data={u32=5, u64=5}}, ...], 128, 0) = 40";
    let Some(Outcome::Done(Ok(returned))) = decoded(text).outcome else {
        panic!()
    };
    assert!(matches!(returned.out, Out::Events(events) if events.len() == 1));
    assert_eq!(returned.value, 40);
}

#[test]
fn what_the_model_has_no_word_for_has_no_outcome() {
    for result in [
        "? ERESTARTSYS (To be restarted)",
        "-1 ENOSUCHERROR (x)",
        "-1 (errno 600)",
    ] {
        assert_eq!(
            decoded(&format!("close(3) = {result}")).outcome,
            None,
            "{result}"
        );
    }
    assert_eq!(decoded("exit_group(0) = ?").outcome, Some(Outcome::Gone));
    assert_eq!(
        decoded("dup(3) = 4 (INJECTED)").outcome,
        Some(Outcome::Done(Ok(eventpoll::Fd(4).into())))
    );
}

#[test]
fn other_calls_are_none() {
    for text in [
        "mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 3, 0) = 0x7f0000000000",
        "select(4, [3], NULL, NULL, NULL) = 1",
        "ioctl(1, TCGETS2, {c_iflag=ICRNL}) = 0",
        "fcntl(3, F_NEW_COMMAND, 4) = 0",
        "rt_sigaction(SIGINT, NULL, {sa_handler=SIG_DFL}, 8) = 0",
        "prlimit64(0, RLIMIT_NOFILE, NULL, {rlim_cur=1024, rlim_max=1024}) = 0",
        "prlimit64(0, RLIMIT_STACK, {rlim_cur=1024, rlim_max=1024}, NULL) = 0",
        "read(3,  <unfinished ...>) = ?",
    ] {
        let call = Line::parse(text.as_bytes());
        let polter_trace::Body::Call(call) = call.body else {
            panic!("{text}")
        };
        assert_eq!(decode(&call), Ok(None), "{text}");
    }
    let request = decoded("ioctl(3, _IOC(_IOC_WRITE, 0x8a, 0x1, 0x8), 0x7ffe) = 0").syscall;
    assert!(matches!(
        request,
        Syscall::Ioctl {
            request: Ioctl::Other(0x4008_8a01),
            ..
        }
    ));
}

#[test]
fn wrong_arguments_are_errors_with_a_column() {
    check_error("7 close(x) = 0", "column 9: expected an fd");
    check_error("close() = 0", "column 7: expected another argument");
    check_error(
        "epoll_ctl(3, EPOLL_CTL_ADD) = 0",
        "column 27: expected another argument",
    );
    check_error(
        "epoll_ctl(3, EPOLL_CTL_X, 4, NULL) = 0",
        "column 14: expected a name known here, or a number",
    );
    check_error(
        "epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN}) = 0",
        "column 32: expected a structure with all its fields",
    );
    check_error(
        "epoll_wait(3, 0x7ff, 8, 0) = 1",
        "column 15: expected events, not an address (-e raw?)",
    );
    check_error("pipe2([3], 0) = 0", "column 7: expected two fds");
    check_error("kill(1, SIGNONE) = 0", "column 9: expected a signal");
}

/// Checks what a line is in the model, by its written form.
#[track_caller]
fn check(text: &str, expected: &str) {
    let decoded = decoded(text);
    assert_eq!(
        encode(&decoded.syscall, &decoded.outcome.unwrap()),
        expected,
        "{text}"
    );
}

#[track_caller]
fn check_error(text: &str, expected: &str) {
    let polter_trace::Body::Call(call) = Line::parse(text.as_bytes()).body else {
        panic!("{text}")
    };
    assert_eq!(decode(&call).unwrap_err().to_string(), expected, "{text}");
}

#[track_caller]
fn decoded(text: &str) -> Decoded {
    let polter_trace::Body::Call(call) = Line::parse(text.as_bytes()).body else {
        panic!("{text}")
    };
    decode(&call).unwrap().unwrap_or_else(|| panic!("{text}"))
}

/// The epoll calls of a sample that do not depend on a run's addresses or timing.
fn epoll_calls(name: &str) -> Vec<Decoded> {
    let path = format!(
        "{}/tests/fixtures/{name}.strace",
        env!("CARGO_MANIFEST_DIR")
    );
    let mut calls = Vec::new();
    each_call(&fs::read(path).unwrap(), |_, _, call| {
        if matches!(
            call.name,
            "epoll_create1" | "epoll_ctl" | "epoll_wait" | "close"
        ) {
            calls.extend(decode(call).unwrap());
        }
    });
    calls.truncate(23);
    calls
}

fn each_call(text: &[u8], mut call_fn: impl FnMut(Option<u32>, u64, &Call<'_>)) {
    let mut assembler = Assembler::default();
    for (text, number) in text.split(|&b| b == b'\n').zip(1..) {
        let line = Line::parse(text);
        let Some(event) = assembler.push(number, &line).event else {
            continue;
        };
        if let EventKind::Call(call) | EventKind::Exit { call, .. } = event.kind {
            call_fn(event.pid, number, &call);
        }
    }
}
