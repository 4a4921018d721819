//! Calls that wait: given time to end, or held to waiting still.

use eventpoll::{Policy, Version};
use polter_check::{Model, Script, run};

const PIPE: &str = "100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 clone(child_stack=0x7f0000000000, flags=CLONE_VM|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 101
";

#[test]
fn a_call_on_one_line_is_given_time_to_end() {
    check(
        "100 epoll_create1(0) = 3\n100 epoll_wait(3, [], 8, 20) = 0\n",
        None,
    );
}

#[test]
fn time_passes_until_the_right_call_has_ended() {
    let script = "100 epoll_create1(0) = 3
100 timerfd_create(CLOCK_MONOTONIC, 0) = 4
100 timerfd_settime(4, 0, {it_interval={tv_sec=0, tv_nsec=1000}, it_value={tv_sec=0, tv_nsec=1000}}, NULL) = 0
100 fork() = 101
101 epoll_wait(3,  <unfinished ...>
100 epoll_wait(3, [], 8, 50) = 0
101 <... epoll_wait resumed>[], 8, 20) = 0
";
    check(script, None);
}

#[test]
fn what_is_written_as_unfinished_waits_to_the_end() {
    let stays = "101 epoll_wait(3, 0x7ffc00000000, 8, -1 <unfinished ...>\n";
    check(&format!("{PIPE}{stays}"), None);
    let woken = format!("{PIPE}{stays}100 write(5, \"x\", 1) = 1\n");
    check(&woken, Some(5));
}

#[test]
fn what_is_unfinished_needs_its_arguments() {
    let script = format!("{PIPE}101 epoll_wait(3,  <unfinished ...>\n");
    let error = Script::parse(script.as_bytes()).expect_err("nobody knows how long it waits");
    assert_eq!(error.line, 5);
}

/// Runs a script on the model; expects a difference at a line, or none.
#[track_caller]
fn check(script: &str, expected: Option<u64>) {
    let script = Script::parse(script.as_bytes()).expect("it is a script");
    let mut model = Model::new(Policy::LAST_FPUT, Version::default(), script.first());
    let difference = run(&script, Policy::LAST_FPUT, &mut model).expect("a model cannot fail");
    assert_eq!(difference.map(|difference| difference.line), expected);
}
