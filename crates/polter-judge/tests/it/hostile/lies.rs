//! Whole lines that no kernel answers.

use super::check_storm;
use std::fmt::Write as _;

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
