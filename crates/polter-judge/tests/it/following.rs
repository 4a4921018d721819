//! What makes a log hard to follow: halves of calls, children that speak
//! first, pids and fds used again, a life that began before the log.

use crate::told::{check, check_warnings, judge, warnings};

const GHOST: &str = "\
epoll_create1(0) = 3
pipe2([4, 5], 0) = 0
dup(4) = 6
epoll_ctl(3, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data={u32=6, u64=6}}) = 0
close(6) = 0
epoll_wait(3, [{events=EPOLLIN, data={u32=6, u64=6}}], 8, 0) = 1
";

/// A log of one process has no pids; once it forks, it has.
#[test]
fn nameless_log() {
    check(GHOST, &["dup-ghost 0:6 @ 4 5 6, 1 events"]);
    let named = format!(
        "{GHOST}clone(child_stack=NULL, flags=SIGCHLDstrace: Process 101 attached\n <unfinished ...>\n\
         [pid   101] close(3) = 0\n\
         [pid   100] <... clone resumed>) = 101\n\
         [pid   101] exit_group(0) = ?\n\
         [pid   101] +++ exited with 0 +++\n\
         epoll_wait(3, [{{events=EPOLLIN, data={{u32=6, u64=6}}}}], 8, 0) = 1\n"
    );
    check(&named, &["dup-ghost 100:6 @ 4 5 6, 2 events"]);
}

/// A close frees the fd when it begins: it may be given out before it ends.
#[test]
fn close_in_two_halves() {
    let log = "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 clone(flags=CLONE_VM|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 101
100 close(4 <unfinished ...>
101 eventfd2(0, 0) = 4
101 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 <... close resumed>) = 0
101 epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = 0
";
    check(log, &[]);
}

/// An event may come before its ADD has returned.
#[test]
fn wait_that_overtakes_its_add() {
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
    let verdict = judge(log.as_bytes());
    assert_eq!((verdict.log.events, verdict.log.unknown_events), (1, 1));
}

/// A vfork child runs while its parent's call is under way; it closes
/// everything, and its parent's fds stay.
#[test]
fn vfork_child_before_its_parent() {
    let log = "\
100 epoll_create1(EPOLL_CLOEXEC) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 vfork( <unfinished ...>
101 close_range(3, 4294967295, 0) = 0
101 execve(\"/bin/x\", [\"x\"], NULL <unfinished ...>
100 <... vfork resumed>) = 101
101 <... execve resumed>) = 0
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1
101 exit_group(0) = ?
101 +++ exited with 0 +++
100 epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = 0
";
    check(log, &[]);
}

/// Two clones under way: the children's lines say nothing of whose they are.
#[test]
fn two_children_before_their_parents() {
    let log = "\
100 epoll_create1(0) = 3
100 clone(flags=CLONE_VM|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 200
100 clone(flags=SIGCHLD <unfinished ...>
200 clone(flags=SIGCHLD <unfinished ...>
301 close(3) = 0
302 close(3) = 0
100 <... clone resumed>) = 301
200 <... clone resumed>) = 302
100 epoll_wait(3, [], 8, 0) = 0
";
    check(log, &[]);
}

/// The pid 101 is a process, then another.
#[test]
fn number_of_a_process_used_again() {
    let log = "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 fork() = 101
101 close(4) = 0
101 exit_group(0) = ?
101 +++ exited with 0 +++
100 fork() = 101
101 epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = 0
";
    check(log, &["child-removes 100:4 @ 3 9"]);
}

/// `strace -qq` says nothing of an end: `exit_group` is enough.
#[test]
fn ghost_ends_with_an_exit_that_only_the_call_tells() {
    let log = "\
100 epoll_create1(EPOLL_CLOEXEC) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 fork() = 101
100 close(4) = 0
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1
101 exit_group(0) = ?
100 epoll_wait(3, [], 8, 0) = 0
";
    check(log, &["fork-ghost 100:4 @ 3 4 5 6, 1 events, ended 7"]);
}

/// A thread's exit is not its process's, and `exit_group` is every thread's.
#[test]
fn exit_of_a_thread_and_of_a_group() {
    let log = "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 fork() = 200
200 clone(flags=CLONE_VM|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 201
201 exit(0) = ?
201 +++ exited with 0 +++
200 epoll_ctl(3, EPOLL_CTL_MOD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
200 clone(flags=CLONE_VM|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 202
202 read(9,  <unfinished ...>
100 close(4) = 0
200 exit_group(0) = ?
202 <... read resumed> <unfinished ...>) = ?
202 +++ exited with 0 +++
200 +++ exited with 0 +++
";
    check(log, &["note fork-ghost 100:4 @ 3 4 11, ended 12"]);
}

/// A thread other than the leader execs, and goes on under the leader's pid.
#[test]
fn exec_by_a_thread() {
    let log = "\
100 epoll_create1(EPOLL_CLOEXEC) = 3
100 clone(flags=CLONE_VM|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 101
101 execve(\"/bin/x\", [\"x\"], NULL <unfinished ...>
100 +++ superseded by execve in pid 101 +++
100 <... execve resumed>) = 0
100 epoll_create1(EPOLL_CLOEXEC) = 3
100 epoll_wait(3, [], 8, 0) = 0
";
    check(log, &[]);
}

/// The exec of a thread without its leader's end: the process goes on, under
/// a pid the log does not say.
#[test]
fn exec_by_a_thread_that_the_log_half_shows() {
    let log = "\
100 clone3({flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD} <unfinished ...>
101 execve(\"/bin/x\", [\"x\"], NULL) = 0
101 clone3({flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD} <unfinished ...>
102 execve(\"/bin/x\", [\"x\"], NULL) = 0
101 eventfd2(0, 0) = 4
";
    check_warnings(log, &["5: the call on line 3 never resumed"]);
}

/// Instance, fd and registration are older than the log.
#[test]
fn attached_in_mid_life() {
    let log = "\
100 epoll_wait(3, [{events=EPOLLIN, data={u32=9, u64=9}}], 8, 0) = 1
100 epoll_ctl(3, EPOLL_CTL_MOD, 9, {events=EPOLLIN, data={u32=9, u64=9}}) = 0
100 epoll_wait(3, [{events=EPOLLIN, data={u32=9, u64=9}}], 8, 0) = 1
100 dup(9) = 10
100 close(9) = 0
100 epoll_wait(3, [{events=EPOLLIN, data={u32=9, u64=9}}], 8, 0) = 1
";
    check(log, &["dup-ghost 100:9 @ 5 6, 1 events"]);
    let log = judge(log.as_bytes()).log;
    assert_eq!((log.events, log.unknown_events), (3, 1));
    assert_eq!(
        log.assumed, 3,
        "the instance, the number and the registration"
    );
}

/// What the log does not show was closed, when its fd is given out.
#[test]
fn number_given_out_twice() {
    check_warnings(
        "100 eventfd2(0, 0) = 4\n100 eventfd2(0, 0) = 4\n",
        &["2: 4 is given out though it was not seen to be closed"],
    );
}

/// A file sent from one process to another has an fd there: that is a
/// holder, whose close ends the ghost.
#[test]
fn file_sent_to_another_process() {
    let log = "\
100 epoll_create1(EPOLL_CLOEXEC) = 3
100 socketpair(AF_UNIX, SOCK_STREAM, 0, [4, 5]) = 0
100 fork() = 101
100 accept4(9, NULL, NULL, SOCK_CLOEXEC) = 6
100 epoll_ctl(3, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data={u32=6, u64=6}}) = 0
100 sendmsg(4, {msg_name=NULL, msg_iov=[{iov_base=\"x\", iov_len=1}], msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[6]}], msg_controllen=24, msg_flags=0}, 0) = 1
101 recvmsg(5, {msg_name=NULL, msg_iov=[{iov_base=\"x\", iov_len=1}], msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[7]}], msg_controllen=24, msg_flags=0}, 0) = 1
100 close(6) = 0
100 epoll_wait(3, [{events=EPOLLIN, data={u32=6, u64=6}}], 8, 0) = 1
101 close(7) = 0
100 epoll_wait(3, [], 8, 0) = 0
";
    check(log, &["fork-ghost 100:6 @ 5 8 9, 1 events, ended 10"]);
}

/// Taken out of the other process, the file can be registered and removed again.
#[test]
fn file_fetched_by_pidfd() {
    let log = "\
100 epoll_create1(EPOLL_CLOEXEC) = 3
100 eventfd2(0, 0) = 4
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 fork() = 101
100 close(4) = 0
100 pidfd_open(101, 0) = 5
100 pidfd_getfd(5, 4, 0) = 4
100 epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = 0
";
    check(log, &["note fork-ghost 100:4 @ 3 4 5, ended 8"]);
}

/// One word for two registrations: an event may be of either, and is called neither's.
#[test]
fn event_of_one_of_two() {
    let log = "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=7, u64=7}}) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 5, {events=EPOLLOUT, data={u32=7, u64=7}}) = 0
100 epoll_wait(3, [{events=EPOLLOUT, data={u32=7, u64=7}}], 8, 0) = 1
";
    check(log, &[]);
    let log = judge(log.as_bytes()).log;
    assert_eq!(
        (log.events, log.ambiguous_events, log.unknown_events),
        (1, 1, 0)
    );
}

/// Data is not always an fd: pointers, and rubbish above 32 bits.
#[test]
fn data_that_is_no_number() {
    let log = "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 dup(4) = 6
100 epoll_ctl(3, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data={u32=4294967295, u64=18446744073709551615}}) = 0
100 close(6) = 0
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4294967295, u64=18446744073709551615}}], 8, 0) = 1
";
    check(log, &["dup-ghost 100:6 @ 4 5 6, 1 events"]);
}

/// A thread that unshares its table closes fds of its own.
#[test]
fn close_range_that_unshares() {
    let log = "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 clone(flags=CLONE_VM|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = 101
101 close_range(3, 4294967295, CLOSE_RANGE_UNSHARE) = 0
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1
";
    check(log, &[]);
}

/// libevent closes what may be open, up to the highest fd there is.
#[test]
fn close_of_numbers_far_above() {
    check_warnings(
        "100 close(2147483647) = -1 EBADF (Bad file descriptor)\n100 close(1000000) = 0\n",
        &[],
    );
}

/// The frames under a call come with every step that tells of it.
#[test]
fn stacks() {
    let log = GHOST.replace(
        '\n',
        "\n > /lib/libc.so.6(call+0x7) [0x11b]\n > /bin/x(main+0x1) [0x2]\n",
    );
    let verdict = judge(log.as_bytes());
    assert_eq!(warnings(&verdict), [""; 0]);
    for step in &verdict.findings[0].story {
        assert_eq!(
            step.site.stack,
            ["/lib/libc.so.6(call+0x7) [0x11b]", "/bin/x(main+0x1) [0x2]"],
            "{step:?}"
        );
    }
}

/// Two messages are under way; the second is received first, through its own socket, and the first never.
#[test]
fn a_message_is_received_from_the_socket_it_was_sent_through() {
    let rights = |fd: i32| {
        format!(
            "{{msg_control=[{{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[{fd}]}}]}}, 0) = 1"
        )
    };
    let log = [
        "100 epoll_create1(EPOLL_CLOEXEC) = 3".to_owned(),
        "100 eventfd2(0, 0) = 4".to_owned(),
        "100 eventfd2(0, 0) = 5".to_owned(),
        "100 epoll_ctl(3, EPOLL_CTL_ADD, 5, {events=EPOLLIN, data={u32=5, u64=5}}) = 0".to_owned(),
        format!("100 sendmsg(6<UNIX-STREAM:[71->72]>, {}", rights(4)),
        format!("100 sendmsg(8<UNIX-STREAM:[81->82]>, {}", rights(5)),
        format!("101 recvmsg(9<UNIX-STREAM:[82->81]>, {}", rights(7)),
        "100 close(5) = 0".to_owned(),
    ];
    let verdict = judge((log.join("\n") + "\n").as_bytes());
    let holders = &verdict.findings[0].holders;
    assert_eq!(*holders, [polter_judge::KeptBy::Fd { pid: 101, fd: 7 }]);
}
