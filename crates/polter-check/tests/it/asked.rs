//! The kernel is asked the call that is written: a text that differs in one place is put
//! to it as another call, or refused.

use eventpoll::Syscall;
use polter_live::{Asked, asked};
use polter_trace::{Body, Inexact, Line, decode_exact};
use std::collections::{BTreeMap, BTreeSet};

/// Texts of calls, by what they are read as; one that is not here does not compile.
macro_rules! samples {
    ($($call:ident: $($text:literal),+;)+) => {
        const SAMPLES: &[(&str, &str)] = &[$($((stringify!($call), $text),)+)+];

        fn name(call: &Syscall) -> &'static str {
            match call {
                $(Syscall::$call { .. } => stringify!($call),)+
            }
        }
    };
}

samples! {
    EpollCreate: "epoll_create(1) = 3";
    EpollCreate1: "epoll_create1(EPOLL_CLOEXEC) = 3";
    EpollCtl: "epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=5, u64=5}}) = 0",
        "epoll_ctl(3, EPOLL_CTL_MOD, 4, {events=EPOLLIN, data={u64=5}}) = 0",
        "epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = 0";
    EpollWait: "epoll_wait(3, [], 8, 0) = 0";
    EpollPwait: "epoll_pwait(3, [], 8, 0, [USR1], 8) = 0", "epoll_pwait(3, [], 8, 0, NULL, 8) = 0";
    EpollPwait2: "epoll_pwait2(3, [], 8, {tv_sec=1, tv_nsec=2}, [USR1], 8) = 0",
        "epoll_pwait2(3, [], 8, NULL, NULL, 8) = 0";
    Poll: "poll([{fd=3, events=POLLIN}], 1, 0) = 0 (Timeout)";
    Ppoll: "ppoll([{fd=3, events=POLLIN}], 1, {tv_sec=1, tv_nsec=2}, [USR1], 8) = 0 (Timeout)",
        "ppoll([{fd=3, events=POLLIN}], 1, NULL, NULL, 8) = 0 (Timeout)";
    Dup: "dup(3) = 4";
    Dup2: "dup2(3, 4) = 4";
    Dup3: "dup3(3, 4, O_CLOEXEC) = 4";
    Fcntl: "fcntl(3, F_DUPFD, 5) = 5", "fcntl(3, F_DUPFD_CLOEXEC, 5) = 5", "fcntl(3, F_GETFD) = 0",
        "fcntl(3, F_SETFD, FD_CLOEXEC) = 0", "fcntl(3, F_GETFL) = 0",
        "fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0", "fcntl(3, F_DUPFD_QUERY, 4) = 1",
        "fcntl(3, F_SETPIPE_SZ, 4096) = 4096", "fcntl(3, F_GETPIPE_SZ) = 65536",
        "fcntl(3, F_GETOWN) = 0", "fcntl(3, F_SETOWN, 0) = 0", "fcntl(3, F_GETSIG) = 0",
        "fcntl(3, F_SETSIG, 0) = 0", "fcntl(3, F_GETLEASE) = 2", "fcntl(3, F_NOTIFY, 0) = 0",
        "fcntl(3, 0x270f /* F_??? */, 0) = -1 EINVAL (Invalid argument)";
    Close: "close(3) = 0";
    CloseRange: "close_range(3, 5, CLOSE_RANGE_CLOEXEC) = 0";
    Ioctl: "ioctl(3, FIONBIO, [1]) = 0", "ioctl(3, FIOCLEX) = 0", "ioctl(3, FIONCLEX) = 0",
        "ioctl(3, FIONREAD, [5]) = 0", "ioctl(3, EPIOCGPARAMS, 0x7ffc00000000) = 0",
        "ioctl(3, EPIOCSPARAMS, {busy_poll_usecs=1, busy_poll_budget=2, prefer_busy_poll=1, __pad=0}) = 0",
        "ioctl(3, EPIOCADOPT) = -1 EINVAL (Invalid argument)",
        "ioctl(3, TCGETS, 0x7ffc00000000) = -1 ENOTTY (Inappropriate ioctl for device)";
    Pipe2: "pipe2([3, 4], O_CLOEXEC) = 0";
    Eventfd2: "eventfd2(5, EFD_SEMAPHORE) = 3";
    TimerfdCreate: "timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK) = 3";
    TimerfdSettime: "timerfd_settime(3, TFD_TIMER_ABSTIME, {it_interval={tv_sec=1, tv_nsec=2}, it_value={tv_sec=3, tv_nsec=4}}, NULL) = 0";
    TimerfdGettime: "timerfd_gettime(3, {it_interval={tv_sec=1, tv_nsec=2}, it_value={tv_sec=3, tv_nsec=4}}) = 0";
    Signalfd4: "signalfd4(-1, [USR1], 8, SFD_NONBLOCK) = 3";
    Socket: "socket(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0) = 3";
    Socketpair: "socketpair(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, [3, 4]) = 0";
    Accept4: "accept4(3, NULL, NULL, SOCK_CLOEXEC) = 4";
    Shutdown: "shutdown(3, SHUT_WR) = 0";
    Open: "openat(AT_FDCWD, \"/tmp/file\", O_RDWR|O_CLOEXEC) = 3",
        "openat(AT_FDCWD, \"/dev/null\", O_RDWR) = 3", "openat(AT_FDCWD, \"/dev/zero\", O_RDWR) = 3",
        "openat(AT_FDCWD, \"/tmp\", O_RDONLY|O_DIRECTORY) = 3",
        "openat(AT_FDCWD, \"/proc/self/mounts\", O_RDONLY|O_PATH) = 3";
    Read: "read(3, \"abc\", 64) = 3";
    Write: "write(3, \"abc\", 3) = 3", "write(3, \"\\1\\0\\0\\0\\0\\0\\0\\0\", 8) = 8";
    Readv: "readv(3, [{iov_base=\"ab\", iov_len=2}, {iov_base=\"c\", iov_len=3}], 2) = 3";
    Writev: "writev(3, [{iov_base=\"ab\", iov_len=2}, {iov_base=\"cde\", iov_len=3}], 2) = 5";
    Sendmsg: "sendmsg(3, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"x\", iov_len=1}], msg_iovlen=1, msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[4]}], msg_controllen=20, msg_flags=0}, MSG_NOSIGNAL) = 1",
        "sendto(3, \"x\", 1, MSG_DONTWAIT, NULL, 0) = 1";
    Recvmsg: "recvmsg(3, {msg_name=NULL, msg_namelen=0, msg_iov=[{iov_base=\"x\", iov_len=1}], msg_iovlen=1, msg_controllen=24 => 0, msg_flags=0}, MSG_PEEK) = 1",
        "recvfrom(3, \"x\", 64, MSG_DONTWAIT, NULL, NULL) = 1";
    Lseek: "lseek(3, 5, SEEK_SET) = 0";
    Fork: "fork() = 101";
    Vfork: "vfork() = 101";
    Clone: "clone(child_stack=NULL, flags=CLONE_FILES|SIGCHLD) = 101",
        "clone(child_stack=NULL, flags=CLONE_VM|CLONE_SIGHAND|CLONE_THREAD) = 101",
        "clone3({flags=CLONE_PIDFD, exit_signal=SIGCHLD, stack=NULL, stack_size=0}, 88) = 101";
    Unshare: "unshare(CLONE_FILES) = 0";
    Execve: "execve(\"/bin/true\", [\"true\"], NULL) = 0";
    Exit: "exit(3) = ?";
    ExitGroup: "exit_group(3) = ?";
    Kill: "kill(101, SIGUSR1) = 0";
    Tgkill: "tgkill(100, 101, SIGUSR1) = 0";
    Sigprocmask: "rt_sigprocmask(SIG_BLOCK, [USR1], NULL, 8) = 0";
    Sigaction: "rt_sigaction(SIGUSR1, {sa_handler=0x401000, sa_mask=[], sa_flags=SA_RESTORER|SA_RESTART, sa_restorer=0x402000}, NULL, 8) = 0",
        "rt_sigaction(SIGUSR1, {sa_handler=SIG_IGN, sa_mask=[], sa_flags=0}, NULL, 8) = 0";
    Wait4: "wait4(-1, NULL, WNOHANG, NULL) = 0";
    Getpid: "getpid() = 100";
    SetNofile: "prlimit64(0, RLIMIT_NOFILE, {rlim_cur=20, rlim_max=30}, NULL) = 0";
    PidfdOpen: "pidfd_open(101, PIDFD_NONBLOCK) = 3";
    PidfdGetfd: "pidfd_getfd(3, 4, 0) = 5";
    Kcmp: "kcmp(100, 101, KCMP_FILE, 3, 4) = 0",
        "kcmp(100, 101, KCMP_EPOLL_TFD, 3, {efd=4, tfd=5, toff=6}) = 0",
        "kcmp(100, 101, KCMP_FILES) = 0";
    IoUringSetup: "io_uring_setup(4, {flags=0}) = 3";
    IoUringRegisterFiles: "io_uring_register(3, IORING_REGISTER_FILES, [4, -1], 2) = 0";
    IoUringUnregisterFiles: "io_uring_register(3, IORING_UNREGISTER_FILES, NULL, 0) = 0";
}

/// What no kernel's answer depends on, and why.
const NOT_LOOKED_AT: &[(&str, &str)] = &[
    (
        "clone: argument 1, child_stack",
        "where a program has its stacks",
    ),
    ("epoll_ctl: argument 4", "EPOLL_CTL_DEL looks at no event"),
    (
        "execve: argument 1",
        "the program that takes over is always the same",
    ),
    (
        "execve: argument 2",
        "the program that takes over is always the same",
    ),
    (
        "execve: argument 3",
        "the program that takes over is always the same",
    ),
    ("ioctl: argument 3", "the kernel writes there"),
    ("pipe2: argument 1", "the kernel writes there"),
    ("prlimit64: argument 4", "the kernel writes there"),
    ("read: argument 2", "the kernel writes there"),
    ("readv: argument 2, iov_base", "the kernel writes there"),
    ("recvfrom: argument 2", "the kernel writes there"),
    ("recvmsg: argument 2, iov_base", "the kernel writes there"),
    (
        "recvmsg: argument 2, msg_controllen",
        "the kernel writes there: what stands behind =>",
    ),
    ("recvmsg: argument 2, msg_flags", "the kernel writes there"),
    (
        "rt_sigaction: argument 2, sa_handler",
        "where a program has its handlers",
    ),
    (
        "rt_sigaction: argument 2, sa_restorer",
        "where a program has its handlers",
    ),
    ("rt_sigaction: argument 3", "the kernel writes there"),
    ("rt_sigprocmask: argument 3", "the kernel writes there"),
    ("sendmsg: argument 2, iov_base", "the bytes of a message"),
    (
        "sendmsg: argument 2, msg_flags",
        "the kernel sets them itself",
    ),
    ("sendto: argument 2", "the bytes of a message"),
    ("socketpair: argument 4", "the kernel writes there"),
    (
        "timerfd_gettime: argument 2, tv_nsec",
        "the kernel writes there",
    ),
    (
        "timerfd_gettime: argument 2, tv_sec",
        "the kernel writes there",
    ),
    ("timerfd_settime: argument 4", "the kernel writes there"),
    ("wait4: argument 2", "the kernel writes there"),
];

#[test]
fn every_call_has_a_text_that_is_read_as_it() {
    for (expected, text) in SAMPLES {
        let call = read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(name(&call), *expected, "{text}");
        asked(&call).unwrap_or_else(|error| panic!("{text}: {error}"));
    }
}

#[test]
fn another_text_is_another_question_or_none() {
    let mut alike = BTreeMap::<String, BTreeSet<String>>::new();
    for (_, text) in SAMPLES {
        let original = ask(text).expect("a sample can be asked");
        for (place, other) in changed(text) {
            if ask(&other).as_ref() == Some(&original) {
                let name = text.split('(').next().unwrap_or_default();
                alike.entry(name.to_owned()).or_default().insert(place);
            }
        }
    }
    let found: Vec<String> = alike
        .iter()
        .flat_map(|(name, places)| places.iter().map(move |place| format!("{name}: {place}")))
        .collect();
    let known: Vec<String> = NOT_LOOKED_AT
        .iter()
        .map(|(place, _)| (*place).to_owned())
        .collect();
    assert_eq!(found, known);
}

#[test]
fn an_argument_too_many_is_refused() {
    for (_, text) in SAMPLES {
        let (before, result) = text.rsplit_once(") = ").expect("a sample has a result");
        let comma = if before.ends_with('(') { "" } else { ", " };
        let longer = format!("{before}{comma}7, 7, 7) = {result}");
        let is_free = text.starts_with("execve(") || text.starts_with("clone(");
        assert!(is_free || read(&longer).is_err(), "{longer}");
    }
}

#[test]
fn a_field_too_many_is_refused() {
    for (_, text) in SAMPLES {
        let Some((before, after)) = text.split_once('{') else {
            continue;
        };
        let longer = format!("{before}{{other=7, {after}");
        // What the kernel wrote nobody asks about.
        let is_written =
            text.starts_with("timerfd_gettime(") || text.starts_with("io_uring_setup(");
        assert!(is_written || read(&longer).is_err(), "{longer}");
    }
}

/// What the kernel is asked, if it can be as it is written.
fn ask(text: &str) -> Option<Asked> {
    asked(&read(text).ok()?).ok()
}

fn read(text: &str) -> Result<Syscall, Inexact> {
    let line = Line::parse(text.as_bytes());
    let Body::Call(call) = line.body else {
        panic!("no call: {text}");
    };
    decode_exact(&call).map(|decoded| decoded.syscall)
}

/// The text with one number, name or string changed, each with its place: the name of the
/// field it stands in, or which argument it is.
fn changed(text: &str) -> Vec<(String, String)> {
    let open = text.find('(').expect("a call has arguments") + 1;
    let close = text.rfind(") = ").expect("a call has a result");
    let bytes = text.as_bytes();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    let (mut all, mut at, mut argument, mut depth) = (Vec::new(), open, 1, 0);
    let mut field = String::new();
    while at < close {
        let start = at;
        match bytes[at] {
            b'"' => {
                at += 1;
                while bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
                let place = place(argument, &field);
                let longer = &text[start + 1..at - 1];
                all.push((
                    place,
                    format!("{}\"z{longer}\"{}", &text[..start], &text[at..]),
                ));
            }
            byte if is_word(byte) => {
                while at < close && is_word(bytes[at]) {
                    at += 1;
                }
                let word = &text[start..at];
                if bytes[at] == b'=' {
                    field = word.to_owned();
                    at += 1;
                    continue;
                }
                let other = match word.parse::<i64>() {
                    Ok(number) => (number + 1).to_string(),
                    Err(_) if word == "NULL" => "0x7ffc00001000".to_owned(),
                    Err(_) if word == "USR1" => "USR2".to_owned(),
                    Err(_) if word.starts_with("0x") => format!("{word}f"),
                    Err(_) => "77".to_owned(),
                };
                let place = place(argument, &field);
                all.push((place, format!("{}{other}{}", &text[..start], &text[at..])));
            }
            byte => {
                match byte {
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    b',' if depth == 0 => {
                        argument += 1;
                        field.clear();
                    }
                    b'/' => at = start + text[start..].find("*/").unwrap_or(0) + 1,
                    _ => {}
                }
                at += 1;
            }
        }
    }
    all
}

fn place(argument: usize, field: &str) -> String {
    if field.is_empty() {
        format!("argument {argument}")
    } else {
        format!("argument {argument}, {field}")
    }
}
