//! What breaks in one order of two processes' calls, and what in any.
//!
//! A master opens a socket; two workers watch it, each in an instance of its own, and end at the same time. The first has
//! heard of the second one's registration.

use crate::told::check_policies;

const WORKERS: &str = "\
100 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
100 pipe2([8<pipe:[77]>, 9<pipe:[77]>], 0) = 0
100 fork() = 101
100 fork() = 102
101 epoll_create1(0) = 4
101 epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data={u32=3, u64=3}}) = 0
102 epoll_create1(0) = 4
102 epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data={u32=3, u64=3}}) = 0
102 write(9<pipe:[77]>, \"-\", 1) = 1
101 read(8<pipe:[77]>, \"-\", 1) = 1
";
const REMOVES: &str = "102 epoll_ctl(4, EPOLL_CTL_DEL, 3, NULL) = 0\n";

/// Checks what `close` breaks in a log that begins with [`WORKERS`].
#[track_caller]
fn check(rest: &[&str], expected: &[&str]) {
    check_policies(&format!("{WORKERS}{}", rest.concat()), expected);
}

#[test]
fn a_close_that_was_faster_breaks_by_order() {
    let close = "101 close(3) = 0\n";
    check(
        &[close, REMOVES],
        &[
            "close breaks 1 @ 12, 1 by order",
            "close mends 1 ghosts",
            "close-not-exit breaks 1 @ 12, 1 by order",
            "close-not-exit mends 1 ghosts",
            "owner mends 1 ghosts",
            "owner-adopt mends 1 ghosts",
            "not-inherited mends 1 ghosts",
        ],
    );
}

#[test]
fn a_close_that_was_slower_would_break_in_another_order() {
    check(
        &[
            REMOVES,
            "101 epoll_ctl(4, EPOLL_CTL_DEL, 3, NULL) = 0\n101 close(3) = 0\n",
        ],
        &[
            "close breaks 1 @ 11 in another order",
            "close-not-exit breaks 1 @ 11 in another order",
        ],
    );
}

#[test]
fn an_exit_counts_where_the_policy_counts_it() {
    check(
        &[
            REMOVES,
            "101 exit_group(0) = ?\n101 +++ exited with 0 +++\n",
        ],
        &["close breaks 1 @ 11 in another order"],
    );
}

#[test]
fn a_close_and_a_del_by_one_process_have_one_order() {
    check(
        &[
            REMOVES,
            "102 close(3) = 0\n100 close(3) = 0\n101 epoll_ctl(4, EPOLL_CTL_DEL, 3, NULL) = 0\n",
        ],
        // The master's close is another matter.
        &[
            "close breaks 1 @ 14, 1 by order",
            "close breaks 1 @ 11 in another order",
            "close-not-exit breaks 1 @ 14, 1 by order",
            "close-not-exit breaks 1 @ 11 in another order",
        ],
    );
}

/// Whatever puts the close before the DEL makes the break certain.
#[test]
fn an_order_is_enforced_by() {
    let ways = [
        (
            "an exit that the sender of a signal has waited for",
            "\
101 exit_group(0) = ?
101 +++ exited with 0 +++
100 wait4(-1, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 101
100 kill(102, SIGTERM) = 0
102 --- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=100, si_uid=0} ---
",
        ),
        (
            "a byte in a pipe",
            "\
101 write(9<pipe:[77]>, \"x\", 1) = 1
102 read(8<pipe:[77]>, \"x\", 1) = 1
",
        ),
        (
            "a byte whose write ends after it was read",
            "\
101 write(9<pipe:[77]>, \"x\", 1 <unfinished ...>
102 read(8<pipe:[77]>, \"x\", 1) = 1
101 <... write resumed>) = 1
",
        ),
        (
            "a signal",
            "\
101 kill(102, SIGTERM) = 0
102 --- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=101, si_uid=0} ---
",
        ),
        (
            "the end of a pipe's last writer",
            "\
101 exit_group(0) = ?
101 +++ exited with 0 +++
102 read(8<pipe:[77]>, \"\", 1) = 0
",
        ),
    ];
    for (way, calls) in ways {
        let close = "101 close(3) = 0\n";
        let log = format!("{WORKERS}{close}{calls}{REMOVES}");
        let line = log.lines().count();
        let verdict = crate::told::judge(log.as_bytes());
        let policies = crate::told::policies(&verdict);
        let firm = format!("close breaks 1 @ {line}");
        assert!(policies.contains(&firm), "{way}: {policies:?}\n{log}");
    }
}

/// A signal that was sent before the close says nothing of it.
#[test]
fn an_order_is_not_enforced_by_what_came_before() {
    let ways = [
        "\
101 kill(102, SIGTERM) = 0
101 close(3) = 0
102 --- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=101, si_uid=0} ---
",
        "\
101 write(9<pipe:[77]>, \"x\", 1) = 1
101 close(3) = 0
102 read(8<pipe:[77]>, \"x\", 1) = 1
",
        "\
101 close(3) = 0
101 write(9<pipe:[77]>, \"x\", 1) = 1
102 read(5<pipe:[78]>, \"x\", 1) = 1
",
    ];
    for calls in ways {
        let log = format!("{WORKERS}{calls}{REMOVES}");
        let verdict = crate::told::judge(log.as_bytes());
        let policies = crate::told::policies(&verdict);
        let line = log.lines().count();
        let open = format!("close breaks 1 @ {line}, 1 by order");
        assert!(policies.contains(&open), "{policies:?}\n{log}");
    }
}

/// Events are lost for certain if the registration is gone before its maker is done with it in any order.
#[test]
fn lost_events_are_certain_once_the_child_was_waited_for() {
    let log = "\
100 epoll_create1(EPOLL_CLOEXEC) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 fork() = 101
101 close(4) = 0
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1
";
    let waited = "\
101 exit_group(0) = ?
101 +++ exited with 0 +++
100 wait4(101, NULL, 0, NULL) = 101
";
    let event = "100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1\n";
    let removed = "100 epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = 0\n";
    let rules = ["close", "close-not-exit"];
    let expect = |what: &str| rules.map(|rule| format!("{rule} {what}"));
    for (rest, expected) in [
        (vec![removed], expect("breaks 2 @ 6, 2 by order")),
        (vec![waited, removed], expect("breaks 2 @ 6")),
        (vec![waited, event, removed], expect("breaks 3 @ 6")),
        // It is never done with it.
        (vec![event], expect("breaks 2 @ 6")),
    ] {
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        check_policies(&format!("{log}{}", rest.concat()), &expected);
    }
}

/// The second worker registers, the first closes, and a signal tells the second; but the first knew nothing of the
/// second: it could have closed before.
#[test]
fn an_add_that_was_faster_breaks_by_order() {
    let (before, _) = WORKERS.split_at(WORKERS.find("102 write").unwrap());
    let rest = "\
101 close(3) = 0
101 kill(102, SIGTERM) = 0
102 --- SIGTERM {si_signo=SIGTERM, si_code=SI_USER, si_pid=101, si_uid=0} ---
";
    let verdict = crate::told::judge(format!("{before}{rest}{REMOVES}").as_bytes());
    let policies = crate::told::policies(&verdict);
    let expected = "close breaks 1 @ 12, 1 by order".to_owned();
    assert!(policies.contains(&expected), "{policies:?}");
}

/// A new worker registers what an old one has just closed. Unless it was started after that, it could have been faster.
#[test]
fn an_add_that_was_slower_would_break_in_another_order() {
    let before = "\
100 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
100 fork() = 101
101 epoll_create1(0) = 4
101 epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data={u32=3, u64=3}}) = 0
";
    let starts = "100 fork() = 102\n";
    let closes = "101 epoll_ctl(4, EPOLL_CTL_DEL, 3, NULL) = 0\n101 close(3) = 0\n";
    let ends = "\
101 exit_group(0) = ?
101 +++ exited with 0 +++
100 wait4(-1, NULL, 0, NULL) = 101
";
    let works = "\
102 epoll_create1(0) = 4
102 epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data={u32=3, u64=3}}) = 0
102 epoll_wait(4, [{events=EPOLLIN, data={u32=3, u64=3}}], 8, -1) = 1
102 epoll_ctl(4, EPOLL_CTL_DEL, 3, NULL) = 0
";
    check_policies(
        &format!("{before}{starts}{closes}{works}"),
        &[
            "close breaks 1 @ 10 in another order",
            "close-not-exit breaks 1 @ 10 in another order",
        ],
    );
    check_policies(&format!("{before}{closes}{ends}{starts}{works}"), &[]);
}

/// A registration that is made before the fork is there in any order when the child closes its copy.
#[test]
fn a_child_knows_what_was_registered_before_it_was_forked() {
    let log = "\
100 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
100 epoll_create1(0) = 4
100 epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data={u32=3, u64=3}}) = 0
100 vfork() = 101
101 execve(\"/bin/true\", [], []) = 0
101 close(3) = 0
101 exit_group(0) = ?
101 +++ exited with 0 +++
100 wait4(-1, NULL, 0, NULL) = 101
100 epoll_ctl(4, EPOLL_CTL_DEL, 3, NULL) = 0
";
    check_policies(
        log,
        &["close breaks 1 @ 10", "close-not-exit breaks 1 @ 10"],
    );
}

/// A server closes its copy of a connection after it has forked a child for it, which registers it: what PostgreSQL does.
#[test]
fn a_parents_close_may_come_after_its_childs_add() {
    let log = "\
100 accept(3, NULL, NULL) = 9
100 fork() = 101
100 close(9) = 0
101 epoll_create1(0) = 4
101 epoll_ctl(4, EPOLL_CTL_ADD, 9, {events=EPOLLIN, data={u32=9, u64=9}}) = 0
101 epoll_ctl(4, EPOLL_CTL_MOD, 9, {events=EPOLLOUT, data={u32=9, u64=9}}) = 0
";
    check_policies(
        log,
        &[
            "close breaks 1 @ 6 in another order",
            "close-not-exit breaks 1 @ 6 in another order",
        ],
    );
}
