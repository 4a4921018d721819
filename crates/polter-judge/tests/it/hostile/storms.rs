//! Very many of one kind of thing, which all live, or follow one another.

use super::{add, check_storm};
use std::fmt::Write as _;

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
