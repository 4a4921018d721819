//! The child serves the file, and sleeps in its wait until there is something.

use std::os::fd::RawFd;

use super::scene::Scene;
use crate::child::{Child, Turn};
use crate::showing::{Fault, show};
use crate::sys;

/// Rounds in which the parent only spins, and looks whether the child answers.
const PAUSE: u64 = 40;
const LOOKS: u32 = 1_000_000;

pub(super) fn waits() -> Result<(), Fault> {
    served(|_| Ok(-1), |e, _| wait_for(e))
}

pub(super) fn waits_through_poll() -> Result<(), Fault> {
    served(
        |_| Ok(-1),
        |e, _| sys::poll_for(e, -1).map(drop).map_err(Fault::from),
    )
}

pub(super) fn waits_through_select() -> Result<(), Fault> {
    served(|_| Ok(-1), |e, _| Ok(sys::select(e)?))
}

pub(super) fn waits_through_outer() -> Result<(), Fault> {
    let outer = |e| {
        let outer = sys::epoll_create1(sys::EPOLL_CLOEXEC)?;
        sys::epoll_add(outer, e, sys::IN)?;
        Ok(outer)
    };
    served(outer, |_, outer| wait_for(outer))
}

fn wait_for(e: RawFd) -> Result<(), Fault> {
    sys::epoll_wait(e, -1)?;
    Ok(())
}

/// The parent writes now and then, and spins between; the child waits, reads and answers.
fn served(
    prepare_fn: impl FnOnce(RawFd) -> Result<RawFd, Fault>,
    wait_fn: impl Fn(RawFd, RawFd) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let scene = Scene::new()?;
    let child = Child::fork(|turn| {
        let other = prepare_fn(scene.e)?;
        turn.give()?;
        serve(&scene, turn, |e| wait_fn(e, other))
    })?;
    child.turn().take()?;
    sys::close(scene.r)?;
    let mut rounds = 0_u64;
    scene.go_on(|| {
        rounds += 1;
        if rounds.is_multiple_of(PAUSE) {
            return ask(&scene, child.turn(), b"x");
        }
        scene.spin()
    })?;
    ask(&scene, child.turn(), b"end")?;
    child.end()
}

fn ask(scene: &Scene, turn: &Turn, word: &[u8]) -> Result<(), Fault> {
    show("the question", sys::write(scene.w, word), Ok(word.len()))?;
    for _ in 0..LOOKS {
        if turn.is_given()? {
            return turn.take();
        }
        sys::sched_yield();
    }
    show("the child has heard", false, true)
}

/// One byte is a question, more are the end.
fn serve(
    scene: &Scene,
    turn: &Turn,
    wait_fn: impl Fn(RawFd) -> Result<(), Fault>,
) -> Result<(), Fault> {
    loop {
        wait_fn(scene.e)?;
        // The wait may have been for nothing: the parent asks, too.
        if sys::poll(scene.r)? == 0 {
            continue;
        }
        let count = sys::read(scene.r)?;
        turn.give()?;
        if count > 1 {
            return Ok(());
        }
    }
}
