//! What the near misses have in common: an instance, a pipe, and a look at the registration.

use std::os::fd::RawFd;

use crate::showing::{Fault, has_ended, say, show};
use crate::sys;

/// How often a registration is looked for: whoever took it by mistake puts it back.
const LOOKS: u32 = 20_000;

/// Waits of a parent that spins, in each round.
const WAITS: u32 = 64;

/// An instance with a pipe's end registered in it.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) e: RawFd,
    pub(super) r: RawFd,
    pub(super) w: RawFd,
}

impl Scene {
    pub(super) fn new() -> Result<Scene, Fault> {
        Scene::with(sys::IN)
    }

    pub(super) fn with(events: i32) -> Result<Scene, Fault> {
        // Whatever it was started with is in the way of the numbers.
        sys::close_range(3, RawFd::MAX)?;
        let e = sys::epoll_create1(sys::EPOLL_CLOEXEC)?;
        let [r, w] = sys::pipe2(sys::O_CLOEXEC)?;
        sys::epoll_add(e, r, events)?;
        Ok(Scene { e, r, w })
    }

    /// The parent closes its copy; there is something to read from now on.
    pub(super) fn leave_ready(&self) -> Result<(), Fault> {
        sys::close(self.r)?;
        show("the write", sys::write(self.w, b"x"), Ok(1))
    }

    /// Rounds until standard input ends; the registration must be there after each.
    pub(super) fn go_on(
        &self,
        mut round_fn: impl FnMut() -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        say("ready");
        let mut rounds = 0_u64;
        while !has_ended()? {
            round_fn()?;
            self.check()?;
            rounds += 1;
        }
        say(&format!("rounds {rounds}"));
        Ok(())
    }

    /// Waits without a pause, as a loop does that is told of what it cannot handle.
    pub(super) fn spin(&self) -> Result<(), Fault> {
        for _ in 0..WAITS {
            sys::epoll_wait(self.e, 0)?;
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Fault> {
        for _ in 0..LOOKS {
            if is_registered(self.e, self.r) {
                return Ok(());
            }
            sys::sched_yield();
        }
        show("the number is registered", false, true)
    }
}

fn is_registered(e: RawFd, fd: RawFd) -> bool {
    let text = std::fs::read_to_string(format!("/proc/thread-self/fdinfo/{e}")).unwrap_or_default();
    let numbers = text
        .lines()
        .filter_map(|line| line.strip_prefix("tfd:")?.split_whitespace().next());
    numbers.into_iter().any(|number| number == fd.to_string())
}
