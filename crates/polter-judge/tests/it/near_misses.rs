//! What only looks like a fault. No line of these logs may be held against its program.

use crate::told::{check, check_policies};

const WATCH: &str = "\
100 epoll_create1(EPOLL_CLOEXEC) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
";

/// Checks that a log which begins with [`WATCH`] has no fault.
#[track_caller]
fn check_healthy(rest: &str) {
    check(&format!("{WATCH}{rest}"), &[]);
}

/// libuv DELs whatever it closes.
#[test]
fn del_of_what_was_never_registered() {
    check_healthy(
        "\
100 eventfd2(0, 0) = 6
100 epoll_ctl(3, EPOLL_CTL_DEL, 6, 0x7ffc) = -1 ENOENT (No such file or directory)
100 close(6) = 0
",
    );
}

/// An fd whose earlier file is gone, registration and all.
#[test]
fn del_of_a_number_that_was_registered_and_closed() {
    check_healthy(
        "\
100 close(4) = 0
100 eventfd2(0, 0) = 4
100 epoll_ctl(3, EPOLL_CTL_DEL, 4, 0x7ffc) = -1 ENOENT (No such file or directory)
",
    );
}

/// libuv ADDs, is told EEXIST, and MODs.
#[test]
fn add_of_what_is_registered_then_mod() {
    check_healthy(
        "\
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = -1 EEXIST (File exists)
100 epoll_ctl(3, EPOLL_CTL_MOD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
",
    );
}

#[test]
fn del_of_a_closed_number_on_a_live_instance() {
    check_healthy(
        "\
100 close(4) = 0
100 epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = -1 EBADF (Bad file descriptor)
",
    );
}

/// EBADF of an instance that was never one here.
#[test]
fn wait_on_a_number_that_never_was_an_instance() {
    check(
        "100 epoll_wait(3, 0x7ffc, 8, 0) = -1 EBADF (Bad file descriptor)\n",
        &[],
    );
}

#[test]
fn close_without_del_of_the_only_copy() {
    check_healthy("100 close(4) = 0\n100 epoll_wait(3, [], 8, 0) = 0\n");
}

#[test]
fn del_before_close_with_a_child_about() {
    check_healthy(
        "\
100 fork() = 101
100 epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = 0
100 close(4) = 0
101 exit_group(0) = ?
101 +++ exited with 0 +++
",
    );
}

#[test]
fn child_that_closes_its_copies() {
    check_healthy(
        "\
100 fork() = 101
101 close(4) = 0
101 close(3) = 0
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1
101 exit_group(0) = ?
101 +++ exited with 0 +++
",
    );
}

/// A table is cleared in one step, in whatever order: no ghost in between.
#[test]
fn exit_and_exec_of_who_has_both() {
    check_healthy("100 dup(4) = 6\n100 exit_group(0) = ?\n100 +++ exited with 0 +++\n");
    check_healthy("100 +++ killed by SIGKILL +++\n");
    check_healthy(
        "\
100 fcntl(4, F_SETFD, FD_CLOEXEC) = 0
100 dup(4) = 6
100 execve(\"/bin/x\", [\"x\"], NULL) = 0
100 exit_group(0) = ?
",
    );
}

/// The parent exits, and the child takes its loop over.
#[test]
fn loop_that_is_taken_over() {
    let rest = "\
100 fork() = 101
100 exit_group(0) = ?
100 +++ exited with 0 +++
101 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1
101 epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = 0
101 close(4) = 0
";
    check_healthy(rest);
    check_policies(
        &format!("{WATCH}{rest}"),
        &[
            "close breaks 2 @ 7",
            "owner breaks 2 @ 7",
            "owner-adopt breaks 2 @ 7",
            "stale breaks 2 @ 7",
            "not-inherited breaks 2 @ 7",
        ],
    );
}

/// Only the child ever waits: the parent made the loop for it.
#[test]
fn loop_that_is_made_for_a_child() {
    check_healthy(
        "\
100 fork() = 101
101 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1
100 wait4(101, NULL, 0, NULL) = 101
",
    );
}

/// Threads share a table: whose registration it is does not matter.
#[test]
fn threads_use_one_instance() {
    check_healthy(
        "\
100 clone(child_stack=0x7f, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM) = 101
101 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1
101 epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = 0
100 epoll_wait(3, [], 8, 0) = 0
101 close(4) = 0
101 exit(0) = ?
101 +++ exited with 0 +++
100 epoll_wait(3, [], 8, 0) = 0
",
    );
}

/// The fd is closed with DEL while another thread waits.
#[test]
fn close_with_del_while_a_thread_waits() {
    check_healthy(
        "\
100 clone(child_stack=0x7f, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD|CLONE_SYSVSEM) = 101
101 epoll_wait(3,  <unfinished ...>
100 epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = 0
100 close(4) = 0
100 eventfd2(0, 0) = 4
101 <... epoll_wait resumed>[], 8, 1000) = 0
",
    );
}

/// Closed while it waited in the batch, its turn came first: its own handler did it.
#[test]
fn event_whose_own_handler_closes_it() {
    check_healthy(
        "\
100 pipe2([6, 7], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data={u32=6, u64=6}}) = 0
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}, {events=EPOLLIN, data={u32=6, u64=6}}], 8, 0) = 2
100 read(4, \"\", 1) = 0
100 close(4) = 0
100 accept4(9, NULL, NULL, 0) = 4
100 read(4, \"x\", 1) = 1
100 read(6, \"x\", 1) = 1
",
    );
}

/// A new connection got the fd of one that was closed in the same batch, and is registered.
#[test]
fn number_registered_anew_within_a_batch() {
    check_healthy(
        "\
100 pipe2([6, 7], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data={u32=6, u64=6}}) = 0
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}, {events=EPOLLIN, data={u32=6, u64=6}}], 8, 0) = 2
100 read(4, \"x\", 1) = 1
100 close(6) = 0
100 accept4(9, NULL, NULL, 0) = 6
100 epoll_ctl(3, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data={u32=6, u64=6}}) = 0
100 read(6, \"x\", 1) = 1
",
    );
}

/// A signalfd that is registered by who waits.
#[test]
fn signalfd_of_the_process_that_waits() {
    check(
        "\
100 fork() = 101
101 epoll_create1(0) = 3
101 signalfd4(-1, [USR1], 8, SFD_CLOEXEC) = 4
101 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
101 epoll_wait(3, [], 8, 100) = 0
",
        &[],
    );
}

/// Close-on-exec by flag, by fcntl and by ioctl: nothing leaks.
#[test]
fn instance_that_does_not_reach_the_new_program() {
    for made in [
        "epoll_create1(EPOLL_CLOEXEC) = 3",
        "epoll_create1(0x80000) = 3",
        "epoll_create(8) = 3\n100 fcntl(3, F_SETFD, FD_CLOEXEC) = 0",
        "epoll_create(8) = 3\n100 ioctl(3, FIOCLEX) = 0",
        "epoll_create(8) = 3\n100 ioctl(3, 0x5451) = 0",
        "epoll_create(8) = 3\n100 close_range(3, 4294967295, CLOSE_RANGE_CLOEXEC) = 0",
        "epoll_create(8) = 9\n100 fcntl(9, F_DUPFD_CLOEXEC, 3) = 3\n100 close(9) = 0",
        "epoll_create(8) = 9\n100 dup3(9, 3, O_CLOEXEC) = 3\n100 close(9) = 0",
    ] {
        let log = format!(
            "100 {made}\n100 fork() = 101\n101 execve(\"/bin/x\", [\"x\"], NULL) = 0\n101 exit_group(0) = ?\n"
        );
        check(&log, &[]);
    }
}

/// A failed exec clears nothing, whatever it was told to close.
#[test]
fn exec_that_fails() {
    check_healthy(
        "\
100 fcntl(4, F_SETFD, FD_CLOEXEC) = 0
100 fork() = 101
101 execve(\"/nowhere/x\", [\"x\"], NULL) = -1 ENOENT (No such file or directory)
101 epoll_ctl(3, EPOLL_CTL_MOD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1
",
    );
}

/// The same fd in a second instance, and a second instance under the same fd.
#[test]
fn second_instance() {
    check_healthy(
        "\
100 epoll_create1(EPOLL_CLOEXEC) = 6
100 epoll_ctl(6, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 close(3) = 0
100 epoll_create1(EPOLL_CLOEXEC) = 3
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1
100 close(4) = 0
",
    );
}

/// A child that makes its own instance after the fork.
#[test]
fn child_with_an_instance_of_its_own() {
    check_healthy(
        "\
100 fork() = 101
101 close(3) = 0
101 epoll_create1(EPOLL_CLOEXEC) = 3
101 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
101 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1
101 epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = 0
",
    );
}

/// The address of what was freed with the old file is the data of the new one, which is reported before its ADD returns.
#[test]
fn event_of_an_add_under_way_with_the_data_of_what_is_closed() {
    check_healthy(
        "\
100 clone(child_stack=0x7f, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 101
100 close(4) = 0
100 pipe2([4, 6], 0) = 0
101 epoll_wait(3,  <unfinished ...>
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}} <unfinished ...>
101 <... epoll_wait resumed>[{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1
100 <... epoll_ctl resumed>) = 0
",
    );
}

/// polter's recorder tells of a dup of a file that cannot be registered, but not of its opens and closes.
#[test]
fn number_of_a_file_that_a_recording_leaves_out() {
    check(
        "\
# polter 0.1.0 record, by eBPF on Linux 6.18.0: nginx
100 execve(\"/usr/sbin/nginx\", ..., ...) = 0
100 dup2(3, 2) = 2<error.log>
100 epoll_create1(O_CLOEXEC) = 3<anon_inode:[eventpoll]>
",
        &[],
    );
}
