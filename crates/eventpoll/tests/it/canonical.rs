//! When two kernels are alike: states as words, without the names no program sees.

use eventpoll::syscall::flags;
use eventpoll::{EpollEvent, Events, Fd, Kernel, Pid, Policy, Syscall};

const FORK: Syscall = Syscall::Fork;
const EXIT: Syscall = Syscall::ExitGroup { status: 0 };
const EPOLL: Syscall = Syscall::EpollCreate1 { flags: 0 };
const EVENTFD: Syscall = Syscall::Eventfd2 { count: 0, flags: 0 };
const PIPE: Syscall = Syscall::Pipe2 { flags: 0 };

#[test]
fn what_came_and_went_leaves_no_trace() {
    check(
        &[(100, EPOLL)],
        &[(100, EPOLL), (100, dup(0)), (100, close(1))],
    );
    check(&[(100, EPOLL)], &[(100, EPOLL), (100, FORK), (101, EXIT)]);
    check(
        &[(100, EPOLL), (100, EVENTFD)],
        &[
            (100, EPOLL),
            (100, EVENTFD),
            (100, add(0, 1)),
            (100, del(0, 1)),
        ],
    );
}

#[test]
fn where_things_lie_in_memory_makes_no_difference() {
    // The eventfd's place in the arena is the pipe's, and the other way round.
    check(
        &[(100, PIPE), (100, EVENTFD)],
        &[
            (100, EVENTFD),
            (100, PIPE),
            (
                100,
                Syscall::Dup2 {
                    fd: Fd(0),
                    new_fd: Fd(3),
                },
            ),
            (
                100,
                Syscall::Dup2 {
                    fd: Fd(1),
                    new_fd: Fd(0),
                },
            ),
            (
                100,
                Syscall::Dup2 {
                    fd: Fd(2),
                    new_fd: Fd(1),
                },
            ),
            (
                100,
                Syscall::Dup2 {
                    fd: Fd(3),
                    new_fd: Fd(2),
                },
            ),
            (100, close(3)),
        ],
    );
    // A second child stands where a first one would.
    check(
        &[(100, EPOLL), (100, FORK)],
        &[(100, EPOLL), (100, FORK), (101, EXIT), (100, FORK)],
    );
}

#[test]
fn what_a_program_can_see_is_in_the_words() {
    let watched = [(100, EPOLL), (100, EVENTFD), (100, add(0, 1))];
    let with = |more: &[(i32, Syscall)]| {
        let calls = watched.iter().chain(more).cloned();
        words(Policy::LAST_FPUT, &calls.collect::<Vec<_>>())
    };
    let states = [
        words(Policy::LAST_FPUT, &watched[..2]),
        with(&[]),
        with(&[(100, write(1))]),
        with(&[(100, dup(1))]),
        with(&[(100, dup(1)), (100, close(1))]),
        with(&[(100, FORK)]),
        with(&[(100, FORK), (100, close(1))]),
        with(&[(100, FORK), (101, close(1))]),
        with(&[(100, FORK), (101, del(0, 1)), (101, add(0, 1))]),
    ];
    for (at, state) in states.iter().enumerate() {
        assert_eq!(states.iter().position(|other| other == state), Some(at));
    }
}

#[test]
fn the_policy_is_not_in_the_words_and_can_be_changed() {
    let calls = [(100, EPOLL), (100, EVENTFD), (100, add(0, 1)), (100, FORK)];
    let words_of = |policy| words(policy, &calls);
    assert_eq!(words_of(Policy::LAST_FPUT), words_of(Policy::CLOSE));
    let mut kernel = run(Policy::LAST_FPUT, &calls);
    kernel.set_policy(Policy::CLOSE);
    let child = kernel.tid(Pid(101)).expect("the child lives");
    kernel.call(child, &EXIT);
    assert_eq!(
        kernel.census()[1],
        0,
        "the child's exit took the registration"
    );
}

#[test]
fn what_cannot_be_walked_is_told_apart_all_the_same() {
    let timer = Syscall::TimerfdCreate { clock: 1, flags: 0 };
    let read = Syscall::Read { fd: Fd(0), len: 8 };
    let waits = words(Policy::LAST_FPUT, &[(100, EVENTFD), (100, read)]);
    let timers = words(Policy::LAST_FPUT, &[(100, timer.clone())]);
    assert_ne!(waits, words(Policy::LAST_FPUT, &[(100, EVENTFD)]));
    assert_eq!(timers, words(Policy::LAST_FPUT, &[(100, timer.clone())]));
    assert_ne!(
        timers,
        words(Policy::LAST_FPUT, &[(100, timer.clone()), (100, timer)])
    );
}

fn dup(fd: i32) -> Syscall {
    Syscall::Dup { fd: Fd(fd) }
}

fn close(fd: i32) -> Syscall {
    Syscall::Close { fd: Fd(fd) }
}

fn write(fd: i32) -> Syscall {
    Syscall::Write {
        fd: Fd(fd),
        len: 8,
        first: 1,
    }
}

fn add(epfd: i32, fd: i32) -> Syscall {
    let event = EpollEvent {
        events: Events::IN,
        data: fd as u64,
    };
    ctl(flags::EPOLL_CTL_ADD, epfd, fd, Some(event))
}

fn del(epfd: i32, fd: i32) -> Syscall {
    ctl(flags::EPOLL_CTL_DEL, epfd, fd, None)
}

fn ctl(op: u32, epfd: i32, fd: i32, event: Option<EpollEvent>) -> Syscall {
    Syscall::EpollCtl {
        epfd: Fd(epfd),
        op,
        fd: Fd(fd),
        event,
    }
}

fn run(policy: Policy, calls: &[(i32, Syscall)]) -> Kernel {
    let mut kernel = Kernel::new(policy);
    kernel.spawn(Pid(100));
    for (pid, call) in calls {
        // A second child goes by the first one's number here.
        let last = kernel.tasks().map(|(_, task)| task.pid).max();
        let pid = if *pid == 100 { Some(Pid(100)) } else { last };
        let tid = pid
            .and_then(|pid| kernel.tid(pid))
            .expect("the caller lives");
        kernel.call(tid, call);
    }
    kernel
}

fn words(policy: Policy, calls: &[(i32, Syscall)]) -> Vec<u32> {
    let mut words = Vec::new();
    run(policy, calls).write_state(&mut words);
    words
}

#[track_caller]
fn check(short: &[(i32, Syscall)], long: &[(i32, Syscall)]) {
    let [short, long] = [short, long].map(|calls| words(Policy::LAST_FPUT, calls));
    assert_eq!(short, long);
}
