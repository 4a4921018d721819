//! What is true of a kernel between two calls, checked one by one.
//!
//! For tests and for finding out where a model went wrong; far too slow for
//! anything else.

mod files;
mod registrations;
mod tasks;

use crate::Kernel;
use crate::store::{Arena, Id};
use crate::store::{Head, LinksOf};
use std::fmt::Debug;

type Check = Result<(), String>;

impl Kernel {
    /// Checks that everything in this kernel agrees with everything else,
    /// and that nothing is left when nobody is left who could hold it.
    ///
    /// Meant for tests: it looks at everything, and holds between calls only.
    ///
    /// # Errors
    ///
    /// Says in words what does not hold.
    pub fn check_invariants(&self) -> Result<(), String> {
        self.check_nothing_is_under_way()?;
        self.check_references()?;
        self.check_tables()?;
        self.check_processes()?;
        self.check_numbers()?;
        self.check_pidfds()?;
        self.check_instances()?;
        self.check_registrations()?;
        self.check_keys()?;
        self.check_wait_queues()?;
        self.check_sleepers()?;
        self.check_pipes()?;
        self.check_sockets()?;
        self.check_devices()?;
        self.check_alarms()?;
        self.check_nothing_is_left()
    }

    fn check_nothing_is_under_way(&self) -> Check {
        equal("files to release", self.task_work.len(), 0)?;
        equal("woken threads", self.woken.len(), 0)?;
        equal("orphans to reap", self.orphans.len(), 0)?;
        equal("signalled threads", self.signalled.len(), 0)
    }

    /// When every task has gone, and the embedder holds nothing, nothing is.
    fn check_nothing_is_left(&self) -> Check {
        if self.tasks.len() > 0 || !self.holds.is_empty() {
            return Ok(());
        }
        let left = [
            ("processes", self.processes.len()),
            ("handlers", self.sighands.len()),
            ("tables", self.tables.len()),
            ("files", self.files.len()),
            ("pipes", self.pipes.len()),
            ("sockets", self.sockets.len()),
            ("devices", self.devices.len()),
            ("buffers", self.buffers.len()),
            ("instances", self.epolls.len()),
            ("epitems", self.epitems.len()),
            ("keys", self.keys.len()),
            ("numbers", self.pids.len()),
            ("alarms", self.clock.alarms().count()),
        ];
        for (what, count) in left {
            equal(&format!("{what} left behind"), count, 0)?;
        }
        Ok(())
    }
}

/// The things on a list, whose links must agree in both directions.
fn walk<I: Id + Debug + PartialEq, T: Clone>(
    list: Head<I>,
    things: &Arena<I, T>,
    links: LinksOf<I, T>,
) -> Result<Vec<I>, String> {
    list.check(things, links)
}

fn hold(condition: bool, say_fn: impl FnOnce() -> String) -> Check {
    if condition { Ok(()) } else { Err(say_fn()) }
}

fn equal<T: Copy + PartialEq + Debug>(what: &str, found: T, expected: T) -> Check {
    hold(found == expected, || {
        format!("{what}: {found:?}, not {expected:?}")
    })
}
