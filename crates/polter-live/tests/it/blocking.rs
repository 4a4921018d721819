//! Calls that wait, and what ends them.

use crate::world::{
    World, add, close, data, done, epoll, eventfd, kill, pipe, pwait, read, wait, write,
};
use eventpoll::syscall::{Out, SigAction, SigMask};
use eventpoll::{Errno, Events, Outcome, Pid, Syscall};
use polter_live::ExecutorError;
use std::time::{Duration, Instant};

const SIGUSR1: u32 = 10;
const SIGKILL: u32 = 9;

fn handle(world: &mut World, pid: i32) {
    let action = SigAction::Handler { restart: true };
    let signal = SIGUSR1;
    world.ok(pid, &Syscall::Sigaction { signal, action });
}

#[test]
fn a_waiting_thread_is_woken_by_another() {
    let mut world = World::new();
    world.ok(100, &epoll());
    world.ok(100, &pipe());
    world.ok(100, &add(3, 4, Events::IN));
    world.thread(100, 101);
    world.blocks(101, &wait(3, 8, -1));
    assert_eq!(world.ended(), []);
    assert!(matches!(
        world.0.call(Pid(101), &epoll(), None),
        Err(ExecutorError::InACall(Pid(101)))
    ));
    world.ok(100, &write(5, 1));
    match world.end_of(101) {
        Outcome::Done(Ok(result)) => assert_eq!(data(&result.out), [4]),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_undrained_level_wakes_all_and_an_edge_one() {
    for (events, woken) in [
        (Events::IN, vec![104, 103, 102, 101]),
        (Events::IN | Events::ET, vec![104]),
    ] {
        let mut world = World::new();
        world.ok(100, &epoll());
        world.ok(100, &pipe());
        world.ok(100, &add(3, 4, events));
        for pid in 101..105 {
            world.thread(100, pid);
            world.blocks(pid, &wait(3, 8, -1));
        }
        world.ok(100, &write(5, 1));
        // The newest waiter wakes first.
        let ended = world.ended();
        assert!(ended.iter().map(|(pid, _)| *pid).eq(woken), "{ended:?}");
    }
}

#[test]
fn a_closed_instance_still_reports_to_who_waits_in_it() {
    let mut world = World::new();
    world.ok(100, &epoll());
    world.ok(100, &pipe());
    world.ok(100, &add(3, 4, Events::IN));
    world.thread(100, 101);
    world.blocks(101, &wait(3, 8, -1));
    world.ok(100, &close(3));
    assert_eq!(world.ended(), []);
    world.ok(100, &write(5, 1));
    assert_eq!(world.ended().len(), 1);
}

#[test]
fn a_full_pipe_blocks_its_writer() {
    let mut world = World::new();
    world.ok(100, &pipe());
    world.fork(100, 101);
    world.blocks(101, &write(4, 100_000));
    assert_eq!(world.ok(100, &read(3, 65536)), 65536);
    assert_eq!(world.end_of(101), done(100_000));
}

#[test]
fn a_blocked_read_gives_the_counter() {
    let mut world = World::new();
    world.ok(100, &eventfd());
    world.thread(100, 101);
    world.blocks(101, &read(3, 8));
    world.ok(100, &write(3, 8));
    match world.end_of(101) {
        Outcome::Done(Ok(result)) => assert_eq!(result.out, Out::Counter(1)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_handled_signal_ends_a_wait_and_restarts_a_read() {
    let mut world = World::new();
    world.ok(100, &epoll());
    world.ok(100, &pipe());
    handle(&mut world, 100);
    world.fork(100, 101);
    world.blocks(101, &wait(3, 8, -1));
    world.ok(100, &kill(101, SIGUSR1));
    assert_eq!(world.end_of(101), Outcome::Done(Err(Errno::EINTR)));
    world.blocks(101, &read(4, 1));
    world.ok(100, &kill(101, SIGUSR1));
    assert_eq!(world.ended(), []);
    world.ok(100, &write(5, 1));
    assert_eq!(world.end_of(101), done(1));
}

#[test]
fn a_pending_signal_ends_a_wait_that_lets_it_through() {
    let mut world = World::new();
    world.ok(100, &epoll());
    handle(&mut world, 100);
    let set = 1 << (SIGUSR1 - 1);
    world.ok(100, &Syscall::Sigprocmask { how: 0, set });
    world.ok(100, &kill(100, SIGUSR1));
    assert_eq!(world.ok(100, &pwait(3, 0, SigMask::Set(0))), 0);
    world.fails(100, &pwait(3, -1, SigMask::Set(0)), Errno::EINTR);
}

#[test]
fn a_timeout_ends_a_wait() {
    let mut world = World::new();
    world.ok(100, &epoll());
    world.blocks(100, &wait(3, 8, 100));
    world.0.advance(Duration::from_millis(150)).unwrap();
    match world.end_of(100) {
        Outcome::Done(Ok(result)) => assert_eq!(result.out, Out::Events(Default::default())),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_killed_waiter_is_gone() {
    let mut world = World::new();
    world.ok(100, &epoll());
    world.fork(100, 101);
    world.blocks(101, &wait(3, 8, -1));
    world.ok(100, &kill(101, SIGKILL));
    assert_eq!(world.end_of(101), Outcome::Gone);
    world.goes(101, &epoll());
}

#[test]
fn a_task_that_cannot_go_on_is_an_error_in_time() {
    const SIGSTOP: u32 = 19;
    let mut world = World::new();
    world.fork(100, 101);
    world.ok(100, &kill(101, SIGSTOP));
    world.0.set_time_limit(Duration::from_millis(50));
    let start = Instant::now();
    let error = world.0.call(Pid(101), &epoll(), None).unwrap_err();
    assert!(matches!(
        error,
        ExecutorError::TooSlow { pid: Pid(101), .. }
    ));
    assert!(error.to_string().contains("state T"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(5));
}
