//! Measures the executor: microseconds a call, small programs a second.
//!
//! `cargo run --release -p polter-live --example rate`
#![allow(clippy::print_stdout, reason = "figures are what it is for")]

use eventpoll::syscall::{Buffer, flags};
use eventpoll::{EpollEvent, Events, Fd, Outcome, Pid, Syscall};
use polter_live::{Executor, ExecutorError};
use std::time::{Duration, Instant};

const FIRST: Pid = Pid(100);
const CHILD: Pid = Pid(101);

fn main() -> Result<(), ExecutorError> {
    let mut executor = Executor::start(FIRST)?;
    println!("confinement: {:?}", executor.confinement());

    let calls = 100_000;
    let time = timed(calls, || {
        executor.call(FIRST, &Syscall::Getpid, None).map(drop)
    })?;
    println!("getpid                    {:8.2} µs a call", micros(time));

    prepare(&mut executor)?;
    let time = timed(calls, || executor.call(FIRST, &wait(0), None).map(drop))?;
    println!("epoll_wait, nothing ready {:8.2} µs a call", micros(time));

    executor.call(FIRST, &Syscall::Fork, Some(CHILD))?;
    let time = timed(calls / 10, || block_and_wake(&mut executor))?;
    println!("block, wake, drain, read  {:8.2} µs", micros(time));

    let time = timed(calls / 50, || small_program(&mut executor))?;
    println!(
        "10 calls, 1 fork, restart {:8.0} programs a second",
        per_second(time)
    );

    let time = timed(200, || exec_program(&mut executor))?;
    println!(
        "restart, exec             {:8.0} programs a second",
        per_second(time)
    );

    let time = timed(200, || {
        let mut executor = Executor::start(FIRST)?;
        executor.call(FIRST, &Syscall::Getpid, None).map(drop)
    })?;
    println!(
        "start, 1 call, drop       {:8.0} programs a second",
        per_second(time)
    );
    Ok(())
}

fn prepare(executor: &mut Executor) -> Result<(), ExecutorError> {
    let event = EpollEvent {
        events: Events::IN,
        data: 4,
    };
    for call in [
        Syscall::EpollCreate1 { flags: 0 },
        Syscall::Pipe2 { flags: 0 },
        Syscall::EpollCtl {
            epfd: Fd(3),
            op: flags::EPOLL_CTL_ADD,
            fd: Fd(4),
            event: Some(event),
        },
    ] {
        executor.call(FIRST, &call, None)?;
    }
    Ok(())
}

fn block_and_wake(executor: &mut Executor) -> Result<(), ExecutorError> {
    assert_eq!(executor.call(CHILD, &wait(-1), None)?, Outcome::Blocked);
    let write = Syscall::Write {
        fd: Fd(5),
        len: 1,
        first: 0,
    };
    executor.call(FIRST, &write, None)?;
    assert_eq!(executor.drain_completions()?.len(), 1);
    let read = Syscall::Read { fd: Fd(4), len: 1 };
    executor.call(FIRST, &read, None).map(drop)
}

fn small_program(executor: &mut Executor) -> Result<(), ExecutorError> {
    executor.restart(FIRST)?;
    prepare(executor)?;
    executor.call(FIRST, &wait(0), None)?;
    executor.call(FIRST, &Syscall::Fork, Some(CHILD))?;
    executor.call(CHILD, &Syscall::Close { fd: Fd(4) }, None)?;
    executor.call(CHILD, &Syscall::Close { fd: Fd(3) }, None)?;
    executor.call(FIRST, &wait(0), None)?;
    executor.call(CHILD, &Syscall::ExitGroup { status: 0 }, None)?;
    executor.call(FIRST, &Syscall::Getpid, None).map(drop)
}

fn exec_program(executor: &mut Executor) -> Result<(), ExecutorError> {
    executor.restart(FIRST)?;
    executor.call(FIRST, &Syscall::Execve, None).map(drop)
}

fn wait(timeout_ms: i32) -> Syscall {
    Syscall::EpollWait {
        epfd: Fd(3),
        buffer: Buffer::Mapped,
        maxevents: 8,
        timeout_ms,
    }
}

/// The mean time of one of so many runs.
fn timed(
    runs: u32,
    mut run_fn: impl FnMut() -> Result<(), ExecutorError>,
) -> Result<Duration, ExecutorError> {
    let start = Instant::now();
    for _ in 0..runs {
        run_fn()?;
    }
    Ok(start.elapsed() / runs)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn per_second(time: Duration) -> f64 {
    1.0 / time.as_secs_f64()
}
