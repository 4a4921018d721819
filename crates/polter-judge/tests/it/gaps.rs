//! What a log does not show, and that a whole one is called whole.

use crate::told::judge;

const PIPE: &str = "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
";

/// Scenarios whose logs do not explain themselves.
const WITH_GAPS: [&str; 4] = [
    // The judge does not know that a call under way holds its file.
    "a-call-under-way-holds-the-file.strace: registrations",
    "a-poller-keeps-an-instance-open.strace: registrations",
    // A thread's exec without the line on which strace says that it has the leader's pid now.
    "a-thread-that-becomes-the-leader-does-not-end.strace: forks",
    "a-thread-that-becomes-the-leader-does-not-end.strace: past",
];

#[test]
fn the_excerpts_of_real_logs_have_none() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let mut count = 0;
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(
            gaps(&std::fs::read(&path).unwrap()),
            [""; 0],
            "{}",
            path.display()
        );
        count += 1;
    }
    assert_eq!(count, 15);
}

#[test]
fn the_scenarios_have_none() {
    let mut count = 0;
    let mut with_gaps = Vec::new();
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scenarios");
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_none_or(|extension| extension != "strace")
        {
            continue;
        }
        let log = std::fs::read(&path).unwrap();
        if judge(&log).log.instances > 0 {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            with_gaps.extend(gaps(&log).into_iter().map(|gap| format!("{name}: {gap}")));
            count += 1;
        }
    }
    with_gaps.sort();
    assert_eq!(with_gaps, WITH_GAPS);
    assert!(count > 100, "{count}");
}

#[test]
fn a_script_that_makes_all_it_uses_has_none() {
    check(PIPE, &[]);
    let ghost = "100 fork() = 101\n100 close(4) = 0\n\
                 100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1\n";
    check(&format!("{PIPE}{ghost}"), &[]);
}

#[test]
fn a_program_without_epoll_has_none_if_its_log_is_whole() {
    let exec = "100 execve(\"/bin/cat\", [\"cat\"], 0x7ffe /* 9 vars */) = 0\n";
    let body = "100 openat(AT_FDCWD, \"/x\", O_RDONLY) = 3\n100 close(3) = 0\n";
    check(&format!("{exec}{body}100 exit_group(0) = ?\n"), &[]);
    check(&format!("{exec}100 exit_group(0) = ?\n"), &[]);
    check(
        &format!("{exec}100 brk(NULL) = 0x55\n100 write(1, \"x\", 1) = 1\n"),
        &[],
    );
    check(body, &["epoll"]);
}

#[test]
fn a_log_of_the_network_alone_shows_no_epoll() {
    let log = "\
100 socket(AF_INET, SOCK_STREAM, IPPROTO_TCP) = 3
100 connect(3, {sa_family=AF_INET}, 16) = 0
100 sendto(3, \"x\", 1, 0, NULL, 0) = 1
";
    check(log, &["epoll"]);
    check(
        &format!("100 execve(\"/x\", [\"x\"], 0x7ffe) = 0\n{log}"),
        &["epoll"],
    );
}

#[test]
fn calls_of_epoll_alone_do_not_show_opens_and_closes() {
    let log = "\
100 epoll_create1(0) = 3
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = -1 EBADF (Bad file descriptor)
101 +++ killed by SIGKILL +++
";
    check(log, &["forks", "opens", "closes"]);
}

#[test]
fn a_number_given_out_twice_was_closed() {
    let log = "\
100 eventfd2(0, 0) = 4
100 eventfd2(0, 0) = 4
100 eventfd2(0, 0) = 4
";
    check(&format!("{PIPE}{log}"), &["closes"]);
}

#[test]
fn an_instance_in_use_is_older_than_the_log() {
    let log = "\
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1
100 read(4, \"x\", 8) = 1
";
    check(log, &["past"]);
    check("100 epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = 0\n", &["past"]);
}

#[test]
fn a_task_that_nobody_made_is_not_known() {
    check(&format!("{PIPE}101 close(4) = 0\n"), &["forks"]);
    check(&format!("{PIPE}100 fork() = 101\n101 close(4) = 0\n"), &[]);
    check(
        &format!("{PIPE}100 fork( <unfinished ...>\n101 close(4) = 0\n"),
        &[],
    );
    check(&format!("{PIPE}101 +++ exited with 0 +++\n"), &["forks"]);
}

#[test]
fn a_log_without_numbers_does_not_show_the_children() {
    let nameless = PIPE.replace("100 ", "");
    check(&nameless, &[]);
    check(
        &format!("{nameless}clone(child_stack=NULL, flags=SIGCHLD) = 101\n"),
        &["children"],
    );
}

#[test]
fn what_a_ring_does_is_not_shown() {
    let ring =
        "100 io_uring_setup(4, {flags=0}) = 9\n100 io_uring_enter(9, 1, 0, 0, NULL, 8) = 1\n";
    check(&format!("{PIPE}{ring}"), &[]);
    let event = "100 epoll_wait(3, [{events=EPOLLIN, data={u32=7, u64=7}}], 8, 0) = 1\n";
    check(&format!("{PIPE}{ring}{event}"), &["ring"]);
    check(&format!("{PIPE}{event}"), &["registrations"]);
}

#[test]
fn an_event_may_overtake_the_return_of_its_registration() {
    let log = "\
100 epoll_create1(0) = 3
100 eventfd2(1, 0) = 4
100 clone(flags=CLONE_VM|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 101
101 epoll_wait(3,  <unfinished ...>
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}} <unfinished ...>
101 <... epoll_wait resumed>[{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1
100 <... epoll_ctl resumed>) = 0
";
    check(log, &[]);
}

#[test]
fn failures_alone_are_not_a_log() {
    let log = "\
100 read(3, 0x7ffe, 8) = -1 EAGAIN (Resource temporarily unavailable)
100 epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = -1 EBADF (Bad file descriptor)
100 read(3, 0x7ffe, 8) = -1 EAGAIN (Resource temporarily unavailable)
";
    check(log, &["epoll", "successes"]);
}

#[test]
fn with_a_gap_no_policy_is_said_to_change_nothing() {
    let verdict = judge(b"100 epoll_wait(3, [], 8, 0) = 0\n");
    let words: Vec<String> = (verdict.policies.iter())
        .map(|policy| format!("{:?}", policy.verdict))
        .collect();
    assert_eq!(words, ["NotKnown"; 7]);
}

#[track_caller]
fn check(log: &str, expected: &[&str]) {
    assert_eq!(gaps(log.as_bytes()), expected, "{log}");
}

fn gaps(log: &[u8]) -> Vec<String> {
    let gaps = judge(log).gaps;
    gaps.iter()
        .map(|gap| format!("{:?}", gap.kind).to_lowercase())
        .collect()
}
