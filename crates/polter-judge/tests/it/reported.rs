//! Small logs after public reports of what went wrong, each with what is truly in it, and healthy ones that look alike.

use crate::told::{self, findings, judge, policies, warnings};
use polter_judge::{Class, KeptBy, Verdict};
use std::fmt::Write as _;

/// Checks what is found in `tests/small`, and that every line can be followed.
#[track_caller]
fn check(name: &str, expected: &[&str]) -> Verdict {
    let path = format!("{}/tests/small/{name}.strace", env!("CARGO_MANIFEST_DIR"));
    let log = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let verdict = judge(&log);
    assert_eq!(findings(&verdict), expected, "{name}");
    assert_eq!(warnings(&verdict), [""; 0], "{name}");
    verdict
}

/// No clone is in the log, and 4 is reported after its close all the same.
#[test]
fn a_ghost_whose_holder_the_log_does_not_show() {
    let verdict = check(
        "holder-not-shown",
        &["unseen-ghost 100:4 @ 3 4 6 7, 2 events"],
    );
    let changes = policies(&verdict);
    assert_eq!(changes.len(), 5, "{changes:?}");
    assert_eq!(changes[0], "close mends 1 ghosts, 2 events");
}

/// Not even the ADD is in the log.
#[test]
fn a_ghost_older_than_the_log() {
    let verdict = check(
        "attached-to-a-ghost",
        &["unseen-ghost 100:8 @ 1 2 4, 3 events"],
    );
    assert!(verdict.findings[0].fix.contains("polter scan 100"));
}

/// What could be a ghost and need not be: the wait began before the close, or another file has the fd's data.
#[test]
fn an_event_that_a_closed_number_need_not_have_sent() {
    let log = "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 clone(child_stack=0x7f, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM) = 101
101 epoll_wait(3,  <unfinished ...>
100 close(4) = 0
101 <... epoll_wait resumed>[{events=EPOLLIN, data={u32=4, u64=4}}], 8, 1000) = 1
";
    told::check(log, &["note close-races-wait 100:4 @ 3 6 7"]);
    // An older instance's registrations may have any data.
    let log = "\
100 epoll_wait(3, [{events=EPOLLIN, data={u32=0, u64=0}}], 8, 0) = 1
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=0, u64=0}}) = 0
100 close(4) = 0
100 epoll_wait(3, [{events=EPOLLIN, data={u32=0, u64=0}}], 8, 0) = 1
";
    told::check(log, &[]);
}

#[test]
fn a_stale_event_of_a_number_that_is_another_file_by_now() {
    check("stale-event-reused", &["stale-batch 3565:6 @ 10 13"]);
    check(
        "stale-event-registered-anew",
        &["stale-batch 100:6 @ 10 13"],
    );
}

/// A connection is read as soon as it is accepted, whether or not there is something.
#[test]
fn a_connection_that_is_read_too_early_is_no_stale_event() {
    let log = "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 pipe2([6, 7], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data={u32=6, u64=6}}) = 0
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}, {events=EPOLLIN, data={u32=6, u64=6}}], 8, 0) = 2
100 read(4, \"x\", 1) = 1
100 close(6) = 0
100 accept4(9, NULL, NULL, 0) = 6
100 epoll_ctl(3, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data={u32=6, u64=6}}) = 0
100 read(6, 0x7ffc, 1) = -1 EAGAIN (Resource temporarily unavailable)
";
    told::check(log, &[]);
    // What is removed before it is closed is known to be gone.
    let removed = log
        .replace("100 close(6)", "100 epoll_ctl(3, EPOLL_CTL_DEL, 6, NULL) = 0\n100 close(6)")
        .replace("100 epoll_ctl(3, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data={u32=6, u64=6}}) = 0\n100 read(6, 0x7ffc", "100 read(6, 0x7ffc");
    told::check(&removed, &[]);
}

#[test]
fn an_event_whose_number_another_thread_closes() {
    check("closed-by-another-thread", &["stale-batch 100:4 @ 7 8"]);
}

/// A worker that reads and closes what the waiting thread was told of does the work of that event.
#[test]
fn a_worker_thread_that_handles_the_event_and_closes() {
    let log = "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLONESHOT, data={u32=4, u64=4}}) = 0
100 clone(child_stack=0x7f, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM) = 101
101 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1
100 read(4, \"\", 1) = 0
100 close(4) = 0
101 read(4, 0x7f, 8) = -1 EBADF (Bad file descriptor)
";
    told::check(log, &[]);
}

#[test]
fn an_instance_that_is_another_file_by_now() {
    let verdict = check(
        "dead-instance-reused",
        &["dead-epoll-fd 100:3 @ 2 3 4, 2 more"],
    );
    let finding = &verdict.findings[0];
    assert!(!finding.summary.contains("had it been"), "{finding:?}");
    assert_eq!(finding.instance.line, Some(1));
}

/// A program that closes every fd before it execs closes nothing by mistake; one that closes twice does.
#[test]
fn a_sweep_of_closes_is_no_double_close() {
    check("close-sweep", &[]);
    let log = "\
100 epoll_create1(0) = 3
100 close(3) = 0
100 close(3) = -1 EBADF (Bad file descriptor)
100 close(9) = -1 EBADF (Bad file descriptor)
";
    told::check(log, &["dead-epoll-fd 100:3 @ 2 3"]);
}

#[test]
fn a_number_that_is_reused_often_is_told_once() {
    let path = "number-reused-often";
    let verdict = check_classes(path, Class::NumberReuse, 1);
    assert!(warnings(&verdict).is_empty());
}

#[track_caller]
fn check_classes(name: &str, class: Class, count: usize) -> Verdict {
    let path = format!("{}/tests/small/{name}.strace", env!("CARGO_MANIFEST_DIR"));
    let verdict = judge(&std::fs::read(path).expect("it is in the repository"));
    let found = verdict.findings.iter().filter(|found| found.class == class);
    assert_eq!(found.count(), count, "{:#?}", findings(&verdict));
    verdict
}

/// Line 10 receives what is sent from line 9 on.
#[test]
fn a_message_that_is_received_before_its_send_returns() {
    check(
        "received-before-sent",
        &["fork-ghost 100:6 @ 5 12 14, 2 events"],
    );
    // The child closed its copy, and has another one since.
    let before = check("received-before-the-send-returns", &[]);
    let after = check("received-after-the-send", &[]);
    assert_eq!(
        policies(&before),
        policies(&after)
            .iter()
            .map(|it| it.replace("@ 12", "@ 13").replace("@ 10", "@ 11"))
            .collect::<Vec<_>>()
    );
    assert!(!policies(&before).is_empty());
}

/// The thread keeps what its process closes.
#[test]
fn a_thread_with_a_table_of_its_own_keeps_the_file() {
    let log = "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 clone(child_stack=0x7f, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM) = 101
101 unshare(CLONE_FILES) = 0
100 close(4) = 0
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1
";
    let verdict = judge(log.as_bytes());
    let found = findings(&verdict);
    assert_eq!(found, ["fork-ghost 100:4 @ 3 6 7, 1 events"]);
    assert_eq!(
        verdict.findings[0].holders,
        [KeptBy::Thread { tid: 101, fd: 4 }]
    );
}

#[test]
fn two_removals_that_overlap() {
    check("overlapping-removals", &[]);
}

/// 102 is 100's child and 103 is 101's, which the log says only after they have spoken.
#[test]
fn two_forks_at_once() {
    let verdict = check("two-forks-at-once", &[]);
    assert_eq!(verdict.log.tasks, 4);
}

/// What the parent notices, and how it ends.
#[test]
fn a_removal_by_a_child_and_what_comes_of_it() {
    let log = "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 fork() = 101
101 epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = 0
100 epoll_ctl(3, EPOLL_CTL_MOD, 4, {events=EPOLLOUT, data={u32=4, u64=4}}) = -1 ENOENT (No such file or directory)
100 +++ killed by SIGABRT (core dumped) +++
";
    told::check(log, &["child-removes 100:4 @ 3 5 6 7"]);
}

/// The child never gets anything, so that its wait never returns.
#[test]
fn a_child_that_waits_for_ever_with_the_parents_signalfd() {
    let log = "\
100 epoll_create1(0) = 3
100 signalfd4(-1, [USR1], 8, SFD_CLOEXEC) = 4
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 fork() = 101
101 epoll_wait(3,  <unfinished ...>
100 kill(101, SIGUSR1) = 0
";
    told::check(log, &["deaf-signalfd 101:4 @ 3 5"]);
}

#[test]
fn a_child_that_changes_the_mask_for_both() {
    let log = "\
100 epoll_create1(0) = 3
100 signalfd4(-1, [USR1], 8, SFD_CLOEXEC) = 4
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 fork() = 101
101 signalfd4(4, [USR2], 8, 0) = 4
";
    told::check(log, &["deaf-signalfd 100:4 @ 3 5"]);
    let own = log.replace("101 signalfd4(4", "100 signalfd4(4");
    told::check(&own, &[]);
}

/// The data has the fd below a generation: libev tells the two files apart.
#[test]
fn a_generation_beside_the_number_makes_a_race_harmless() {
    let log = |data: &str| {
        format!(
            "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {{events=EPOLLIN, data={{u32=4, u64={data}}}}}) = 0
100 clone(child_stack=0x7f, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM) = 101
101 epoll_wait(3,  <unfinished ...>
100 close(4) = 0
100 eventfd2(0, 0) = 4
101 <... epoll_wait resumed>[], 8, 1000) = 0
"
        )
    };
    told::check(&log("4"), &["close-races-wait 100:4 @ 3 6 7"]);
    told::check(
        &log("0x100000004"),
        &["note close-races-wait 100:4 @ 3 6 7"],
    );
}

/// `rounds` waits that report what `event` says, with `between` after each.
fn looping(begin: &str, event: &str, between: &str, rounds: usize) -> String {
    let mut log = begin.to_owned();
    for _ in 0..rounds {
        writeln!(log, "100 epoll_wait(3, [{event}], 8, -1) = 1\n{between}")
            .expect("a string takes everything");
    }
    log
}

const WATCHED: &str = "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=0, data={u32=4, u64=4}}) = 0
";
const HUNG_UP: &str = "{events=EPOLLHUP, data={u32=4, u64=4}}";

#[test]
fn an_event_that_nobody_heeds() {
    for between in ["", "100 write(1, \"again\", 5) = 5"] {
        let log = looping(WATCHED, HUNG_UP, between, 300);
        let verdict = judge(log.as_bytes());
        let found = findings(&verdict);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("unheeded-event 100:4 @ 3 "),
            "{found:?}"
        );
        assert!(found[0].ends_with(", 300 events"), "{found:?}");
    }
    // It ends, and is told with its end.
    let log = looping(WATCHED, HUNG_UP, "", 120) + "100 close(4) = 0\n";
    let found = findings(&judge(log.as_bytes()));
    assert!(found[0].contains("120 events"), "{found:?}");
}

#[test]
fn an_event_that_is_heeded_or_new_each_time() {
    for between in [
        "100 read(4, \"x\", 1) = 1",
        "100 read(4, 0x7ffc, 1) = -1 EAGAIN (Resource temporarily unavailable)",
        "100 epoll_ctl(3, EPOLL_CTL_MOD, 4, {events=0, data={u32=4, u64=4}}) = 0",
        "101 recvfrom(4, \"x\", 1, 0, NULL, NULL) = 1",
        "100 splice(5, NULL, 4, NULL, 1, 0) = 1",
    ] {
        let begin = format!("{WATCHED}100 fork() = 101\n");
        told::check(&looping(&begin, HUNG_UP, between, 300), &[]);
    }
    // An edge, a ring, a mapping: nothing says that it is not taken.
    let edge = WATCHED.replace("events=0", "events=EPOLLIN|EPOLLET");
    told::check(&looping(&edge, HUNG_UP, "", 300), &[]);
    let edge = WATCHED.replace("events=0", "events=0x80000001");
    told::check(&looping(&edge, HUNG_UP, "", 300), &[]);
    let ring = format!("{WATCHED}100 io_uring_setup(8, {{flags=0}}) = 6\n");
    told::check(&looping(&ring, HUNG_UP, "", 300), &[]);
    let mapped =
        format!("{WATCHED}100 mmap(NULL, 4096, PROT_READ, MAP_SHARED, 4, 0) = 0x7f12000\n");
    told::check(&looping(&mapped, HUNG_UP, "", 300), &[]);
    // Ninety-nine times are not yet for ever.
    told::check(&looping(WATCHED, HUNG_UP, "", 99), &[]);
}

/// As `strace -p` shows it: neither the instance nor the registration is in the log.
#[test]
fn an_event_that_nobody_heeds_and_the_log_does_not_explain() {
    for event in [
        HUNG_UP,
        "{events=EPOLLHUP, data={u32=2841639936, u64=140229347643392}}",
    ] {
        for between in [
            "",
            "100 write(1, \"again\", 5) = 5",
            "100 clock_gettime(CLOCK_MONOTONIC, {tv_sec=1, tv_nsec=2}) = 0",
        ] {
            let verdict = judge(looping("", event, between, 300).as_bytes());
            let found = findings(&verdict);
            assert_eq!(found.len(), 1, "{between}: {found:?}");
            assert!(found[0].starts_with("unheeded-event 100:"), "{found:?}");
        }
        // What answers it cannot be known, nor what made it ready.
        for between in ["100 read(9, \"x\", 1) = 1", "101 write(7, \"x\", 1) = 1"] {
            told::check(&looping("", event, between, 300), &[]);
        }
    }
}
