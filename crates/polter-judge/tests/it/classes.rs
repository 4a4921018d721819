//! Each class of fault in a few lines.

use crate::told::{check, check_policies};

/// P1's registration lives on in its child's copy.
#[test]
fn fork_ghost() {
    let log = "\
100 epoll_create1(EPOLL_CLOEXEC) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 fork() = 101
101 close(3) = 0
100 close(4) = 0
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1
100 epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = -1 EBADF (Bad file descriptor)
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1
101 exit_group(0) = ?
101 +++ exited with 0 +++
100 epoll_wait(3, [], 8, 0) = 0
";
    check(log, &["fork-ghost 100:4 @ 3 4 6 7 8, 2 events, ended 10"]);
}

/// The child has the instance *and* the fd: P1 can neither read nor remove it all the same.
#[test]
fn fork_ghost_that_the_child_can_still_name() {
    let log = "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 fork() = 101
100 close(4) = 0
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1
";
    check(log, &["fork-ghost 100:4 @ 3 4 5 6, 1 events"]);
}

#[test]
fn dup_ghost_by_each_way_to_duplicate() {
    for dup in [
        "dup(4) = 6",
        "dup2(4, 6) = 6",
        "dup3(4, 6, O_CLOEXEC) = 6",
        "fcntl(4, F_DUPFD, 6) = 6",
    ] {
        let log = format!(
            "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 {dup}
100 epoll_ctl(3, EPOLL_CTL_ADD, 6, {{events=EPOLLIN, data={{u32=6, u64=6}}}}) = 0
100 close(6) = 0
100 epoll_wait(3, [{{events=EPOLLIN, data={{u32=6, u64=6}}}}], 8, 0) = 1
"
        );
        check(&log, &["dup-ghost 100:6 @ 4 5 6, 1 events"]);
    }
}

#[test]
fn dup_ghost_by_each_way_to_close() {
    for close in [
        "close(6) = 0",
        "dup2(5, 6) = 6",
        "dup3(5, 6, 0) = 6",
        "close_range(6, 4294967295, 0) = 0",
        "close_range(6, 6, CLOSE_RANGE_UNSHARE) = 0",
    ] {
        let log = format!(
            "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 dup(4) = 6
100 epoll_ctl(3, EPOLL_CTL_ADD, 6, {{events=EPOLLIN, data={{u32=6, u64=6}}}}) = 0
100 {close}
100 epoll_wait(3, [{{events=EPOLLIN, data={{u32=6, u64=6}}}}], 8, 0) = 1
"
        );
        check(&log, &["dup-ghost 100:6 @ 4 5 6, 1 events"]);
    }
}

/// A program's exec closes the fd, a child keeps the file, and the new program has the instance.
#[test]
fn fork_ghost_by_exec() {
    for cloexec in [
        "fcntl(4, F_SETFD, FD_CLOEXEC) = 0",
        "fcntl(4, F_SETFD, 0x1) = 0",
        "ioctl(4, FIOCLEX) = 0",
    ] {
        let log = format!(
            "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 {cloexec}
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {{events=EPOLLIN, data={{u32=4, u64=4}}}}) = 0
100 fork() = 101
100 execve(\"/bin/x\", [\"x\"], NULL) = 0
100 epoll_wait(3, [{{events=EPOLLIN, data={{u32=4, u64=4}}}}], 8, 0) = 1
"
        );
        check(&log, &["fork-ghost 100:4 @ 4 5 6 7, 1 events"]);
    }
}

/// The listener came from the parent, who keeps it.
#[test]
fn handed_over_ghost() {
    let log = "\
100 socket(AF_INET, SOCK_STREAM, IPPROTO_IP) = 3
100 fork() = 101
101 epoll_create1(0) = 4
101 epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data={u32=3, u64=3}}) = 0
101 close(3) = 0
101 epoll_wait(4, [{events=EPOLLIN, data={u32=3, u64=3}}], 8, -1) = 1
";
    check(log, &["handed-over-ghost 101:3 @ 2 4 5 6, 1 events"]);
}

#[test]
fn in_flight_ghost_until_it_is_received_and_closed() {
    let log = "\
100 epoll_create1(0) = 3
100 socketpair(AF_UNIX, SOCK_STREAM, 0, [4, 5]) = 0
100 eventfd2(0, 0) = 6
100 epoll_ctl(3, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data={u32=6, u64=6}}) = 0
100 sendmsg(4, {msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[6]}], msg_controllen=24, msg_flags=0}, 0) = 1
100 close(6) = 0
100 epoll_wait(3, [{events=EPOLLIN, data={u32=6, u64=6}}], 8, 0) = 1
100 recvmsg(5, {msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[7]}], msg_controllen=24, msg_flags=0}, 0) = 1
100 epoll_wait(3, [{events=EPOLLIN, data={u32=6, u64=6}}], 8, 0) = 1
100 close(7) = 0
100 epoll_wait(3, [], 8, 0) = 0
";
    check(log, &["in-flight-ghost 100:6 @ 4 6 7, 2 events, ended 10"]);
}

/// A ring's fixed files are references too; they go when others are registered, or with the ring.
#[test]
fn in_flight_ghost_in_a_ring() {
    for end in [
        "io_uring_register(6, IORING_UNREGISTER_FILES, NULL, 0) = 0",
        "io_uring_register(6, IORING_REGISTER_FILES, [5], 1) = 0",
        "close(6) = 0",
        "dup2(5, 6) = 6",
        "close_range(6, 6, 0) = 0",
    ] {
        let log = format!(
            "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {{events=EPOLLIN, data={{u32=4, u64=4}}}}) = 0
100 io_uring_setup(8, {{flags=0}}) = 6
100 io_uring_register(6, IORING_REGISTER_FILES, [4, -1], 2) = 0
100 close(4) = 0
100 epoll_wait(3, [{{events=EPOLLIN, data={{u32=4, u64=4}}}}], 8, 0) = 1
100 {end}
"
        );
        check(&log, &["in-flight-ghost 100:4 @ 3 6 7, 1 events, ended 8"]);
    }
}

/// 4 comes back as another file while its ghost is there.
#[test]
fn number_reuse() {
    let log = "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 dup(4) = 6
100 close(4) = 0
100 eventfd2(0, 0) = 4
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1
";
    check(
        log,
        &[
            "number-reuse 100:4 @ 3 5 7",
            "dup-ghost 100:4 @ 3 5 7 8, 1 events",
        ],
    );
}

#[test]
fn errno_after_reuse() {
    for op in ["MOD", "DEL"] {
        let log = format!(
            "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {{events=EPOLLIN, data={{u32=4, u64=4}}}}) = 0
100 dup(4) = 6
100 close(4) = 0
100 eventfd2(0, 0) = 4
100 epoll_ctl(3, EPOLL_CTL_{op}, 4, {{events=EPOLLIN, data={{u32=4, u64=4}}}}) = -1 ENOENT (No such file or directory)
"
        );
        check(
            &log,
            &["dup-ghost 100:4 @ 3 5", "errno-after-reuse 100:4 @ 3 5 7"],
        );
    }
}

/// A's handler closes B, whose fd is given out before B's turn comes.
#[test]
fn stale_batch() {
    let log = "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 pipe2([6, 7], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data={u32=6, u64=6}}) = 0
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}, {events=EPOLLIN, data={u32=6, u64=6}}], 8, 0) = 2
100 read(4, \"x\", 1) = 1
100 close(6) = 0
";
    // It is read though it is closed.
    check(
        &format!("{log}100 read(6, 0x7ffc, 1) = -1 EBADF (Bad file descriptor)\n"),
        &["stale-batch 100:6 @ 8 9"],
    );
    // It is closed again.
    check(
        &format!("{log}100 close(6) = -1 EBADF (Bad file descriptor)\n"),
        &["stale-batch 100:6 @ 8 9"],
    );
    // It is read, and is another file by now.
    check(
        &format!("{log}100 eventfd2(0, 0) = 6\n100 read(6, \"x\", 1) = 1\n"),
        &["note stale-batch 100:6 @ 8 10"],
    );
}

#[test]
fn child_removes() {
    let log = "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 fork() = 101
101 epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = 0
";
    check(log, &["child-removes 100:4 @ 3 5"]);
    check_policies(
        log,
        &[
            "owner breaks 1 @ 5",
            "owner-adopt breaks 1 @ 5",
            "stale breaks 1 @ 5",
            "not-inherited breaks 1 @ 5",
        ],
    );
}

/// Both wait; the child takes what the parent registered.
#[test]
fn event_theft() {
    let log = "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN|EPOLLET, data={u32=4, u64=4}}) = 0
100 fork() = 101
101 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1
100 epoll_wait(3, [], 8, 1000) = 0
";
    check(log, &["event-theft 100:4 @ 3 5"]);
}

/// The child registers its own 6; the parent, who has no 6, is told.
#[test]
fn foreign_entry() {
    let log = "\
100 epoll_create1(0) = 3
100 fork() = 101
101 eventfd2(0, 0) = 6
101 epoll_ctl(3, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data={u32=6, u64=6}}) = 0
100 epoll_wait(3, [{events=EPOLLIN, data={u32=6, u64=6}}], 8, -1) = 1
100 epoll_ctl(3, EPOLL_CTL_DEL, 6, NULL) = -1 EBADF (Bad file descriptor)
";
    check(log, &["foreign-entry 100:6 @ 4 5"]);
}

/// Two workers with an inherited listener in one inherited instance.
#[test]
fn foreign_entry_that_refuses_the_second_worker() {
    let log = "\
100 socket(AF_INET, SOCK_STREAM, 0) = 3
100 epoll_create1(0) = 4
100 fork() = 101
100 fork() = 102
101 epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data={u32=3, u64=3}}) = 0
102 epoll_ctl(4, EPOLL_CTL_ADD, 3, {events=EPOLLIN, data={u32=3, u64=3}}) = -1 EEXIST (File exists)
";
    check(log, &["foreign-entry 102:3 @ 5 6"]);
}

#[test]
fn deaf_signalfd() {
    let log = "\
100 epoll_create1(0) = 3
100 signalfd4(-1, [USR1], 8, SFD_CLOEXEC) = 4
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 fork() = 101
101 epoll_wait(3, [], 8, 100) = 0
";
    check(log, &["deaf-signalfd 101:4 @ 3 5"]);
}

#[test]
fn dead_epoll_fd() {
    let wait = "\
100 epoll_create1(0) = 3
100 close(3) = 0
100 epoll_wait(3, 0x7ffc, 8, 0) = -1 EBADF (Bad file descriptor)
";
    check(wait, &["dead-epoll-fd 100:3 @ 2 3"]);
    let control = "\
100 epoll_create1(0) = 3
100 eventfd2(0, 0) = 4
100 close(3) = 0
100 epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = -1 EBADF (Bad file descriptor)
";
    check(control, &["dead-epoll-fd 100:3 @ 3 4"]);
    let close = "\
100 epoll_create1(0) = 3
100 close(3) = 0
100 close(3) = -1 EBADF (Bad file descriptor)
";
    check(close, &["dead-epoll-fd 100:3 @ 2 3"]);
}

#[test]
fn leaked_epoll() {
    let log = "\
100 epoll_create1(0) = 3
100 fork() = 101
101 execve(\"/bin/x\", [\"x\"], NULL) = 0
101 exit_group(0) = ?
101 +++ exited with 0 +++
";
    check(log, &["leaked-epoll 101:3 @ 3"]);
}

/// The waiting thread can be told of the old file after the fd names another.
#[test]
fn close_races_wait() {
    let log = "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 clone(child_stack=0x7f, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM) = 101
101 epoll_wait(3,  <unfinished ...>
100 close(4) = 0
100 eventfd2(0, 0) = 4
101 <... epoll_wait resumed>[], 8, 1000) = 0
";
    check(log, &["close-races-wait 100:4 @ 3 6 7"]);
}

#[test]
fn epoll_as_kcmp() {
    let log = "\
100 epoll_create1(0) = 3
100 eventfd2(0, 0) = 4
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 dup(4) = 5
100 fork() = 101
101 dup2(5, 4) = 4
101 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = -1 EEXIST (File exists)
";
    check(log, &["note epoll-as-kcmp 101:4 @ 3 7"]);
    check_policies(
        log,
        &[
            "close breaks 1 @ 7",
            "close-not-exit breaks 1 @ 7",
            "owner breaks 1 @ 7",
            "owner-adopt breaks 1 @ 7",
            "stale breaks 1 @ 7",
            "not-inherited breaks 1 @ 7",
        ],
    );
}
