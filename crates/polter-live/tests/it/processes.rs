//! Processes and threads: their numbers, tables and ends.

use crate::world::{
    THREAD, World, close, done, epoll, eventfd, exit, kill, pipe, read, wait, write,
};
use eventpoll::syscall::{Out, Return, flags};
use eventpoll::{Errno, Fd, Outcome, Pid, Syscall};
use polter_live::ExecutorError;

const SIGPIPE: i32 = 13;
const SIGTERM: u32 = 15;

fn wait4(pid: i32, options: u32) -> Syscall {
    Syscall::Wait4 {
        pid: Pid(pid),
        options,
    }
}

#[test]
fn numbers_are_the_scripts() {
    let mut world = World::new();
    world.fork(100, 101);
    assert_eq!(world.ok(101, &Syscall::Getpid), 101);
    world.thread(101, 102);
    assert_eq!(world.ok(102, &Syscall::Getpid), 101);
    world.fork(102, 103);
    assert_eq!(world.ok(103, &Syscall::Getpid), 103);
    assert!(matches!(
        world.0.call(Pid(7), &Syscall::Getpid, None),
        Err(ExecutorError::NoSuchTask(Pid(7)))
    ));
}

#[test]
fn a_child_is_waited_for() {
    let mut world = World::new();
    world.fails(100, &wait4(-1, 0), Errno::ECHILD);
    world.fork(100, 101);
    assert_eq!(world.ok(100, &wait4(-1, flags::WNOHANG)), 0);
    world.blocks(100, &wait4(101, 0));
    world.goes(101, &Syscall::ExitGroup { status: 3 });
    let end = Return::with(101, Out::Status(3 << 8));
    assert_eq!(world.end_of(100), Outcome::Done(Ok(end)));
    world.fails(100, &kill(101, 0), Errno::ESRCH);
}

#[test]
fn a_zombie_is_still_there_to_be_signalled() {
    let mut world = World::new();
    world.fork(100, 101);
    world.goes(101, &exit());
    world.ok(100, &kill(101, 0));
    world.ok(100, &wait4(101, 0));
    world.fails(100, &kill(101, 0), Errno::ESRCH);
}

#[test]
fn an_orphan_is_reaped_by_nobody_in_the_script() {
    let mut world = World::new();
    world.fork(100, 101);
    world.fork(101, 102);
    world.goes(101, &exit());
    world.ok(100, &wait4(-1, 0));
    world.ok(100, &kill(102, 0));
    world.goes(102, &exit());
    world.fails(100, &kill(102, 0), Errno::ESRCH);
}

#[test]
fn a_signals_default_ends_its_target() {
    for world in [World::new(), World::without_namespace()] {
        let mut world = world;
        world.fork(100, 101);
        world.ok(100, &kill(101, SIGTERM));
        world.goes(101, &epoll());
        let end = world.result(100, &wait4(101, 0));
        assert_eq!(end.out, Out::Status(SIGTERM as i32));
    }
}

#[test]
fn writing_to_nobody_is_deadly() {
    let mut world = World::new();
    world.fork(100, 101);
    world.ok(101, &pipe());
    world.ok(101, &close(3));
    world.goes(101, &write(4, 1));
    assert_eq!(world.result(100, &wait4(101, 0)).out, Out::Status(SIGPIPE));
}

#[test]
fn threads_share_a_table_until_one_unshares_it() {
    let mut world = World::new();
    world.thread(100, 101);
    assert_eq!(world.ok(101, &eventfd()), 3);
    assert_eq!(world.ok(100, &write(3, 8)), 8);
    let unshare = Syscall::Unshare {
        flags: flags::CLONE_FILES,
    };
    world.ok(101, &unshare);
    world.ok(101, &close(3));
    world.fails(101, &close(3), Errno::EBADF);
    assert_eq!(world.result(100, &read(3, 8)).out, Out::Counter(1));
}

#[test]
fn a_process_may_share_a_table_too() {
    let mut world = World::new();
    for (child, sharing) in [
        (101, flags::CLONE_FILES),
        (102, flags::CLONE_FILES | flags::CLONE_VM),
        (103, flags::CLONE_FILES | 1 << 32),
    ] {
        let clone = Syscall::Clone { flags: sharing };
        assert_eq!(world.makes(100, &clone, child), done(child.into()));
        assert_eq!(world.ok(child, &eventfd()), 3);
        world.ok(100, &close(3));
        world.goes(child, &exit());
    }
}

#[test]
fn a_clone_gives_a_pidfd() {
    let mut world = World::new();
    let clone = Syscall::Clone {
        flags: flags::CLONE_PIDFD,
    };
    let made = Return::with(101, Out::Pidfd(Fd(3)));
    assert_eq!(world.makes(100, &clone, 101), Outcome::Done(Ok(made)));
    world.fails(101, &close(3), Errno::EBADF);
}

#[test]
fn a_refused_clone_makes_nobody() {
    let mut world = World::new();
    let clone = Syscall::Clone {
        flags: flags::CLONE_THREAD,
    };
    let refused = Outcome::Done(Err(Errno::EINVAL));
    assert_eq!(world.makes(100, &clone, 101), refused);
    world.fork(100, 101);
    assert!(matches!(
        world.0.call(Pid(100), &Syscall::Fork, None),
        Err(ExecutorError::NoNumber(Pid(100)))
    ));
    assert!(matches!(
        world.0.call(Pid(100), &Syscall::Fork, Some(Pid(101))),
        Err(ExecutorError::NumberTaken(Pid(101)))
    ));
}

#[test]
fn a_vfork_waits_for_its_child() {
    let mut world = World::new();
    for (child, end) in [(101, exit()), (102, Syscall::Execve)] {
        assert_eq!(world.makes(100, &Syscall::Vfork, child), Outcome::Blocked);
        assert_eq!(world.ok(child, &Syscall::Getpid), i64::from(child));
        assert_eq!(world.ok(child, &eventfd()), 3);
        world.outcome(child, &end);
        assert_eq!(world.end_of(100), done(child.into()));
        world.fails(100, &close(3), Errno::EBADF);
    }
    world.ok(102, &close(3));
}

#[test]
fn exit_group_ends_every_thread() {
    let mut world = World::new();
    world.ok(100, &epoll());
    world.fork(100, 101);
    world.thread(101, 102);
    world.thread(101, 103);
    world.blocks(103, &wait(3, 8, -1));
    world.goes(102, &exit());
    assert_eq!(world.end_of(103), Outcome::Gone);
    world.goes(101, &epoll());
    assert_eq!(world.ok(100, &wait4(-1, 0)), 101);
}

#[test]
fn the_first_thread_may_exit_before_the_others() {
    let mut world = World::new();
    world.fork(100, 101);
    world.thread(101, 102);
    world.goes(101, &Syscall::Exit { status: 0 });
    assert_eq!(world.ok(100, &wait4(-1, flags::WNOHANG)), 0);
    assert_eq!(world.ok(102, &epoll()), 3);
    world.goes(102, &Syscall::Exit { status: 0 });
    assert_eq!(world.ok(100, &wait4(-1, 0)), 101);
}

#[test]
fn an_exec_ends_the_other_threads() {
    let mut world = World::new();
    world.thread(100, 101);
    world.thread(100, 102);
    assert_eq!(world.ok(101, &Syscall::Execve), 0);
    world.goes(101, &epoll());
    world.goes(102, &epoll());
    assert_eq!(world.ok(100, &Syscall::Getpid), 100);
    assert_eq!(world.ok(100, &epoll()), 3);
    let clone = Syscall::Clone { flags: THREAD };
    assert_eq!(world.makes(100, &clone, 103), done(103));
    world.goes(100, &exit());
    world.goes(103, &epoll());
}

#[test]
fn a_restart_is_a_fresh_world() {
    for world in [World::new(), World::without_namespace()] {
        let mut world = world;
        world.ok(100, &epoll());
        world.fork(100, 101);
        world.thread(101, 102);
        world.blocks(102, &wait(3, 8, -1));
        world.0.restart(Pid(7)).unwrap();
        assert_eq!(world.ok(7, &epoll()), 3);
        assert_eq!(world.ended(), []);
        world.fails(7, &wait4(-1, 0), Errno::ECHILD);
    }
}

#[test]
fn an_exec_ends_the_first_threads_wait_and_takes_its_number() {
    let mut world = World::new();
    world.ok(100, &epoll());
    world.thread(100, 101);
    world.blocks(100, &wait(3, 8, -1));
    assert_eq!(world.ok(101, &Syscall::Execve), 0);
    assert_eq!(world.end_of(100), Outcome::Gone);
    assert_eq!(world.ok(100, &Syscall::Getpid), 100);
    world.goes(101, &epoll());
}
