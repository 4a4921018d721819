//! The file is ready, the parent spins, and somebody else waits for it now and then.

use std::thread;
use std::time::Duration;

use super::scene::Scene;
use crate::child::{Child, Turn, stay};
use crate::showing::{Fault, show};
use crate::sys;

pub(super) fn waits_now_and_then() -> Result<(), Fault> {
    with_child(40, 20)
}

pub(super) fn looks_without_waiting() -> Result<(), Fault> {
    with_child(20, 0)
}

pub(super) fn naps() -> Result<(), Fault> {
    with_child(1000, 0)
}

/// A child that sleeps, is told of the file, sleeps …
fn with_child(sleep_ms: u64, wait_ms: i32) -> Result<(), Fault> {
    let scene = Scene::new()?;
    let child = Child::fork(|turn| again_and_again(&scene, turn, sleep_ms, wait_ms))?;
    child.turn().take()?;
    scene.leave_ready()?;
    child.turn().give()?;
    scene.go_on(|| scene.spin())?;
    child.end()
}

fn again_and_again(scene: &Scene, turn: &Turn, sleep_ms: u64, wait_ms: i32) -> Result<(), Fault> {
    /// A parent that asks at the same time may have it for a moment.
    const TRIES: usize = 10_000;
    turn.pass()?;
    while !turn.is_given()? {
        thread::sleep(Duration::from_millis(sleep_ms));
        let mut told = Vec::new();
        for _ in 0..TRIES {
            told = sys::epoll_wait(scene.e, wait_ms)?;
            if !told.is_empty() {
                break;
            }
        }
        show("what the child is told", told, vec![scene.r])?;
    }
    Ok(())
}

/// The one that waits has the file like the other, which sleeps.
pub(super) fn prefork() -> Result<(), Fault> {
    let scene = Scene::new()?;
    let idle = Child::fork(|turn| {
        turn.give()?;
        stay(turn)
    })?;
    idle.turn().take()?;
    let busy = Child::fork(|turn| again_and_again(&scene, turn, 30, 10))?;
    busy.turn().take()?;
    scene.leave_ready()?;
    busy.turn().give()?;
    scene.go_on(|| scene.spin())?;
    busy.end()?;
    idle.end()
}

/// No other process, and another table all the same.
pub(super) fn thread_apart() -> Result<(), Fault> {
    let scene = Scene::new()?;
    let (e, r) = (scene.e, scene.r);
    let (is_apart, apart) = std::sync::mpsc::channel();
    let (is_over, over) = std::sync::mpsc::channel::<()>();
    let waiter = thread::spawn(move || -> Result<(), Fault> {
        sys::unshare_files()?;
        // Nobody hears of it if the program is over already.
        let _ = is_apart.send(());
        let pause = Duration::from_millis(30);
        while over.recv_timeout(pause) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            for told in sys::epoll_wait(e, 20)? {
                show("what the thread is told", told, r)?;
            }
        }
        Ok(())
    });
    // It has gone if it could not: `join` says why.
    let _ = apart.recv();
    scene.leave_ready()?;
    scene.go_on(|| scene.spin())?;
    drop(is_over);
    waiter
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// What it will do when it goes on nobody can see.
pub(super) fn stopped() -> Result<(), Fault> {
    let scene = Scene::new()?;
    let child = Child::fork(|turn| {
        turn.give()?;
        stay(turn)
    })?;
    child.turn().take()?;
    sys::signal(child.pid(), sys::SIGSTOP)?;
    // It stops when it comes to a CPU; until then it sleeps as one that will never wait.
    while !is_stopped(child.pid()) {
        sys::sched_yield();
    }
    scene.leave_ready()?;
    scene.go_on(|| scene.spin())?;
    sys::signal(child.pid(), sys::SIGCONT)?;
    child.end()
}

fn is_stopped(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().unwrap_or_default();
    state.starts_with('T')
}
