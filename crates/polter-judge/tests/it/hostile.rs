//! Logs that are damaged, huge, or lie. None makes the judge panic, none
//! makes it take more memory than a fixed amount, and what cannot be
//! followed is counted.

use crate::told::judge;
use eventpoll::Policy;
use polter_judge::{Judge, PolicyVerdict, Verdict};
use proptest::prelude::{ProptestConfig, Strategy, any, prop, prop_oneof, proptest};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufReader, Read};

/// What the judge may take for any log, in bytes: of every kind of thing that
/// lives at once it keeps a bounded number, in seven worlds.
const BOUND: u64 = 512 << 20;

/// A log made while it is read, so that the text takes no memory itself.
struct Lines<F> {
    line_fn: F,
    next: u64,
    end: u64,
    text: Vec<u8>,
    at: usize,
}

impl<F: FnMut(u64, &mut String)> Read for Lines<F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.text.len() && self.next < self.end {
            let mut text = String::new();
            (self.line_fn)(self.next, &mut text);
            self.next += 1;
            (self.text, self.at) = (text.into_bytes(), 0);
        }
        let len = (self.text.len() - self.at).min(buffer.len());
        buffer[..len].copy_from_slice(&self.text[self.at..self.at + len]);
        self.at += len;
        Ok(len)
    }
}

/// Judges `count` pieces of text in a process of its own, and checks how much memory it took.
#[track_caller]
fn check_storm(count: u64, line_fn: impl FnMut(u64, &mut String)) -> Verdict {
    let lines = Lines {
        line_fn,
        next: 0,
        end: count,
        text: Vec::new(),
        at: 0,
    };
    let before = resident();
    let mut judge = Judge::new(&Policy::ALL);
    judge
        .read(BufReader::new(lines), |_| {})
        .expect("memory can be read");
    let grown = resident().saturating_sub(before);
    assert!(grown < BOUND, "{} MiB for one log", grown >> 20);
    judge.finish()
}

/// The memory of this process, in bytes; other tests may run beside this one.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages: u64 = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .expect("in pages");
    pages * 4096
}

fn add(pid: u64, epfd: u64, fd: u64) -> String {
    format!(
        "{pid} epoll_ctl({epfd}, EPOLL_CTL_ADD, {fd}, {{events=EPOLLIN, data={{u32={fd}, u64={fd}}}}}) = 0\n"
    )
}

fn fixtures() -> Vec<Vec<u8>> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let mut paths: Vec<_> = fs::read_dir(directory)
        .expect("the fixtures are there")
        .map(|entry| entry.expect("they can be listed").path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| fs::read(path).expect("they can be read"))
        .collect()
}

#[test]
fn empty_log_has_nothing() {
    let verdict = judge(b"");
    assert_eq!((verdict.log.lines, verdict.findings.len()), (0, 0));
    assert!(verdict.policies.iter().all(PolicyVerdict::is_unchanged));
}

#[test]
fn bytes_that_are_no_log_are_warnings() {
    let log: Vec<u8> = (0..100_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let verdict = judge(&log);
    assert!(verdict.log.warning_count > 100 && verdict.log.warnings.len() == 100);
    assert_eq!(verdict.findings.len(), 0);
}

#[test]
fn log_cut_anywhere_is_judged() {
    for log in fixtures() {
        for end in (0..log.len()).step_by(211) {
            judge(&log[..end]);
            judge(&log[end..]);
        }
    }
}

#[test]
fn logs_dealt_into_one_another_are_judged() {
    let logs = fixtures();
    let mut lines: Vec<_> = logs.iter().map(|log| log.split(|b| *b == b'\n')).collect();
    let mut mixed = Vec::new();
    let mut random = 1_u64;
    while !lines.is_empty() {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let at = (random >> 33) as usize % lines.len();
        match lines[at].next() {
            Some(line) => {
                mixed.extend_from_slice(line);
                mixed.push(b'\n');
            }
            None => drop(lines.swap_remove(at)),
        }
    }
    judge(&mixed);
}

#[test]
fn line_of_100_mb_is_passed_over() {
    let chunk = "x".repeat(1 << 20);
    let verdict = check_storm(102, |n, text| match n {
        0 => text.push_str("100 epoll_create1(0) = 3\n100 write(1, \""),
        101 => text.push_str("\", 104857600) = 1\n100 epoll_wait(3, [], 8, 0) = 0\n"),
        _ => text.push_str(&chunk),
    });
    assert_eq!((verdict.log.lines, verdict.log.instances), (3, 1));
    assert_eq!(verdict.log.warning_count, 1);
}

/// Numbers that no kernel gives, and arguments that are none.
#[test]
fn numbers_out_of_range_are_no_descriptors() {
    for fd in [
        "2147483647",
        "2147483648",
        "4294967295",
        "-1",
        "-2147483648",
        "99999999999999999999",
        "0x7f794d475000",
        "0x",
        "",
        "NULL",
    ] {
        let log = format!(
            "100 epoll_create1(0) = 3\n\
             100 dup({fd}) = {fd}\n\
             100 dup(3) = {fd}\n\
             100 dup2(3, {fd}) = {fd}\n\
             100 dup2(3, 4) = {fd}\n\
             100 fcntl(3, F_DUPFD, 0) = {fd}\n\
             100 pidfd_getfd(3, 3, 0) = {fd}\n\
             100 fcntl({fd}, F_DUPFD, 0) = {fd}\n\
             100 fcntl({fd}, F_SETFD, FD_CLOEXEC) = 0\n\
             100 openat(AT_FDCWD, \"x\", O_RDONLY) = {fd}\n\
             100 pipe2([{fd}, {fd}], 0) = 0\n\
             100 epoll_ctl(3, EPOLL_CTL_ADD, {fd}, {{events=EPOLLIN, data={{u32=1, u64=1}}}}) = 0\n\
             100 epoll_ctl({fd}, EPOLL_CTL_MOD, 3, {{events=EPOLLIN, data={{u32=1, u64=1}}}}) = 0\n\
             100 epoll_wait({fd}, [], 8, 0) = {fd}\n\
             100 pidfd_open({fd}, 0) = 7\n\
             100 pidfd_getfd(7, {fd}, 0) = 8\n\
             100 io_uring_register(7, IORING_REGISTER_FILES, [{fd}], 1) = 0\n\
             100 sendmsg(7, {{msg_control=[{{cmsg_type=SCM_RIGHTS, cmsg_data=[{fd}]}}]}}, 0) = 1\n\
             100 recvmsg(7, {{msg_control=[{{cmsg_type=SCM_RIGHTS, cmsg_data=[{fd}]}}]}}, 0) = 1\n\
             100 close_range({fd}, {fd}, 0) = 0\n\
             100 clone(flags=CLONE_VM) = {fd}\n\
             100 clone({fd}) = 200\n\
             {fd} close(3) = 0\n\
             100 close({fd}) = {fd}\n\
             100 execve(\"x\", [], NULL) = 0\n\
             {fd} +++ superseded by execve in pid {fd} +++\n\
             {fd} +++ exited with 0 +++\n"
        );
        check_storm(1, |_, text| text.push_str(&log));
    }
}

#[test]
fn high_numbers_in_many_processes_are_refused_and_counted() {
    let verdict = check_storm(2000, |n, text| {
        writeln!(text, "{} dup2(1, {}) = 1000000", 100 + n, 1_000_000 - n).expect("a string");
    });
    assert!(verdict.log.warning_count > 1900, "{:?}", verdict.log);
}

#[test]
fn storm_of_tasks_that_all_live() {
    let verdict = check_storm(100_000, |n, text| {
        let pid = 100 + n;
        writeln!(
            text,
            "{pid} epoll_create1(0) = 3\n{pid} pipe2([4, 5], 0) = 0"
        )
        .expect("a string");
        text.push_str(&add(pid, 3, 4));
    });
    assert!(verdict.log.tasks >= 16_000, "{:?}", verdict.log.tasks);
    assert!(
        verdict.log.warning_count >= 80_000,
        "{:?}",
        verdict.log.warning_count
    );
}

#[test]
fn storm_of_forks_under_one_number() {
    let verdict = check_storm(100_000, |n, text| {
        if n == 0 {
            text.push_str("100 epoll_create1(0) = 3\n100 pipe2([4, 5], 0) = 0\n");
            text.push_str(&add(100, 3, 4));
        }
        // Its end is shown, told of only by exit, or not at all.
        let end = ["101 +++ exited with 0 +++\n", "101 exit_group(0) = ?\n", ""][n as usize % 3];
        write!(
            text,
            "100 fork() = 101\n101 epoll_wait(3, [], 8, 0) = 0\n101 close(4) = 0\n{end}"
        )
        .expect("a string");
    });
    assert_eq!((verdict.log.tasks, verdict.log.warning_count), (100_001, 0));
}

#[test]
fn storm_of_forks_that_are_never_over() {
    check_storm(100_000, |n, text| {
        writeln!(
            text,
            "{} clone(flags=CLONE_VM|SIGCHLD <unfinished ...>",
            100 + n % 5000
        )
        .expect("a string");
        writeln!(text, "{} epoll_create1(0) = {}", 10_000 + n, 3 + n % 50).expect("a string");
    });
}

#[test]
fn storm_of_instances() {
    let verdict = check_storm(20_000, |n, text| {
        let (epfd, fd) = (10 + 2 * n, 11 + 2 * n);
        writeln!(
            text,
            "100 epoll_create1(0) = {epfd}\n100 eventfd2(0, 0) = {fd}"
        )
        .expect("a string");
        text.push_str(&add(100, epfd, fd));
        writeln!(
            text,
            "100 epoll_wait({epfd}, [{{events=EPOLLIN, data={{u32={fd}, u64={fd}}}}}], 8, 0) = 1"
        )
        .expect("a string");
    });
    assert_eq!(
        (verdict.log.instances, verdict.log.events),
        (20_000, 20_000)
    );
    assert_eq!((verdict.findings.len(), verdict.log.warning_count), (0, 0));
}

#[test]
fn one_listener_in_very_many_instances() {
    let verdict = check_storm(2_000, |n, text| {
        if n == 0 {
            text.push_str("100 socket(AF_INET, SOCK_STREAM, 0) = 3\n");
        }
        writeln!(text, "100 epoll_create1(0) = {}", 10 + n).expect("a string");
        text.push_str(&add(100, 10 + n, 3));
    });
    assert_eq!((verdict.findings.len(), verdict.log.warning_count), (0, 0));
}

#[test]
fn storm_of_instances_one_after_another() {
    let verdict = check_storm(100_000, |n, text| {
        writeln!(text, "100 epoll_create1(0) = 3\n100 pipe2([4, 5], 0) = 0").expect("a string");
        writeln!(
            text,
            "100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {{events=EPOLLIN, data={{u32={n}, u64={n}}}}}) = 0"
        )
        .expect("a string");
        text.push_str("100 epoll_wait(3, [], 8, 0) = 0\n100 close(3) = 0\n100 close(4) = 0\n100 close(5) = 0\n");
    });
    assert_eq!((verdict.findings.len(), verdict.log.warning_count), (0, 0));
}

#[test]
fn storm_of_ghosts_of_one_file() {
    let verdict = check_storm(5_000, |n, text| {
        if n == 0 {
            text.push_str("100 epoll_create1(0) = 3\n100 pipe2([4, 5], 0) = 0\n");
        }
        let fd = 6 + n;
        writeln!(text, "100 dup(4) = {fd}").expect("a string");
        text.push_str(&add(100, 3, fd));
        writeln!(text, "100 close({fd}) = 0").expect("a string");
    });
    let ghosts: u64 = verdict
        .findings
        .iter()
        .map(|ghost| 1 + ghost.repeated)
        .sum();
    assert_eq!(ghosts, 5_000);
}

#[test]
fn storm_of_ghosts_under_one_number() {
    let verdict = check_storm(5_000, |n, text| {
        if n == 0 {
            text.push_str("100 epoll_create1(0) = 3\n");
        }
        let kept = 6 + n;
        writeln!(text, "100 eventfd2(0, 0) = 4\n100 dup(4) = {kept}").expect("a string");
        text.push_str(&add(100, 3, 4));
        text.push_str("100 close(4) = 0\n");
    });
    assert_eq!(verdict.log.warning_count, 0);
}

#[test]
fn storm_of_messages_never_received() {
    let verdict = check_storm(100_000, |n, text| {
        writeln!(text, "100 socketpair(AF_UNIX, SOCK_STREAM, 0, [6, 7]) = 0\n100 openat(AT_FDCWD, \"x\", O_RDONLY) = 4")
            .expect("a string");
        writeln!(
            text,
            "100 sendmsg(6, {{msg_control=[{{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[4]}}]}}, 0) = {n}"
        )
        .expect("a string");
        text.push_str("100 close(4) = 0\n100 close(6) = 0\n100 close(7) = 0\n");
    });
    assert_eq!(verdict.findings.len(), 0);
}

#[test]
fn storm_of_files_in_rings() {
    let files: String = (10..2000).map(|fd| format!("{fd}, ")).collect();
    let verdict = check_storm(1000, |n, text| {
        writeln!(text, "100 io_uring_setup(8, NULL) = {}", 2000 + n).expect("a string");
        writeln!(
            text,
            "100 io_uring_register({}, IORING_REGISTER_FILES, [{files}9], 1991) = 0",
            2000 + n
        )
        .expect("a string");
        writeln!(text, "100 close({}) = 0", 10 + n).expect("a string");
    });
    assert!(
        verdict.log.warning_count > 900,
        "{:?}",
        verdict.log.warning_count
    );
}

/// Every answer is possible for every call, one after another.
#[test]
fn contradictory_results_are_followed_and_counted() {
    let results = [
        "0",
        "-1 EEXIST (File exists)",
        "-1 ENOENT (No such file)",
        "-1 EBADF (Bad)",
        "?",
        "1",
        "5",
    ];
    let verdict = check_storm(50_000, |n, text| {
        let result = |shift: u64| results[(n / shift % results.len() as u64) as usize];
        let (fd, pid) = (3 + n % 7, 100 + n % 3);
        let op = ["ADD", "MOD", "DEL"][n as usize % 3];
        writeln!(text, "{pid} epoll_ctl({}, EPOLL_CTL_{op}, {fd}, {{events=EPOLLIN, data={{u32=1, u64=1}}}}) = {}", 3 + n % 2, result(1))
            .expect("a string");
        writeln!(text, "{pid} close({fd}) = {}", result(2)).expect("a string");
        writeln!(text, "{pid} epoll_create1(0) = {}", 3 + n % 2).expect("a string");
        writeln!(text, "{pid} dup2({fd}, {}) = {}", 3 + n % 5, result(3)).expect("a string");
        writeln!(
            text,
            "{pid} epoll_wait({fd}, [{{events=EPOLLIN, data={{u32=1, u64=1}}}}], 8, 0) = {}",
            result(4)
        )
        .expect("a string");
        writeln!(text, "{pid} fork() = {}", 100 + n % 5).expect("a string");
    });
    assert!(verdict.log.warning_count > 0);
}

#[test]
fn calls_nobody_knows_are_passed_over() {
    let verdict = judge(b"100 frobnicate(3, {a=[1, 2]}) = 7\n100 syscall_0x1ff(0x3, 0x4) = 0\n100 epoll_frob(3) = 9\n");
    assert_eq!(
        (
            verdict.log.calls,
            verdict.log.followed,
            verdict.log.warning_count
        ),
        (3, 0, 0)
    );
}

/// Lines of real logs, and small changes of them.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let logs = fixtures();
    let lines: Vec<Vec<u8>> = logs
        .iter()
        .flat_map(|log| log.split(|b| *b == b'\n'))
        .map(<[u8]>::to_vec)
        .collect();
    let line = prop::sample::select(lines);
    let change = prop_oneof![
        4 => line.clone().prop_map(|line| line),
        1 => (line.clone(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut line, at, byte)| {
            if !line.is_empty() {
                let at = at.index(line.len());
                line[at] = byte;
            }
            line
        }),
        1 => (line.clone(), any::<prop::sample::Index>()).prop_map(|(mut line, at)| {
            line.truncate(at.index(line.len() + 1));
            line
        }),
        1 => (line, 0..12_u32).prop_map(|(line, digit)| {
            // Every number becomes another small one.
            line.iter().map(|byte| if byte.is_ascii_digit() { b'0' + ((u32::from(*byte) + digit) % 10) as u8 } else { *byte }).collect()
        }),
    ];
    prop::collection::vec(change, 0..120).prop_map(|lines| lines.join(&b'\n'))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn shuffled_and_damaged_lines_are_judged(log in damaged()) {
        let verdict = judge(&log);
        assert!(verdict.policies[0].is_unchanged(), "Linux differs from itself");
        assert!(verdict.log.followed <= verdict.log.calls && verdict.log.calls <= verdict.log.lines);
    }
}
