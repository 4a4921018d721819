//! Carries out a plan, in a thread with a descriptor table of its own.

use std::time::Duration;

use rustix::process::{Resource, Rlimit};

use super::plan::{Outcome, Step};
use super::remove::remove;
use super::tables::Tables;
use crate::error::ScanError;
use crate::sys;

/// How often ghosts are looked at before the first removal, and how far apart.
const LOOKS: usize = 8;

const APART: Duration = Duration::from_micros(250);

/// Removes the ghosts of the planned steps.
///
/// A thread of its own does it, because it exchanges its descriptor table for an empty one: there,
/// every ghost's fd is free.
///
/// The last question before each removal must be answered within `fresh`.
pub(super) fn carry_out(steps: &mut [Step], fresh: Duration) -> Result<(), ScanError> {
    let highest = steps.iter().map(|step| step.fd).max().unwrap_or(0);
    let limit = raise_limit(highest);
    let done = std::thread::scope(|scope| {
        let work = || -> Result<(), ScanError> {
            sys::take_empty_table().map_err(|source| ScanError::System {
                doing: "have a descriptor table apart (close_range)",
                source,
            })?;
            leave_what_comes_and_goes(steps);
            for step in steps.iter_mut() {
                if step.outcome == Outcome::Planned {
                    step.outcome = remove(step, fresh, || ()).unwrap_or_else(|outcome| outcome);
                }
            }
            Ok(())
        };
        scope.spawn(work).join()
    });
    if let Some(limit) = limit {
        // The limit was this before, and lowering a limit is always permitted.
        let _ = rustix::process::setrlimit(Resource::Nofile, limit);
    }
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Raises this process's limit so that `fd` can be used, if it must and can be raised; returns the
/// old limit.
fn raise_limit(fd: i32) -> Option<Rlimit> {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let needed = u64::from(fd.unsigned_abs()) + 1;
    let allows = |bound: Option<u64>| bound.is_none_or(|bound| bound >= needed);
    if allows(limit.current) || !allows(limit.maximum) {
        return None;
    }
    let raised = Rlimit {
        current: Some(needed),
        maximum: limit.maximum,
    };
    rustix::process::setrlimit(Resource::Nofile, raised)
        .ok()
        .map(|()| limit)
}

/// Looks at the ghosts for a moment, and leaves alone those that are not ghosts at every look.
///
/// A program that brings a file back to its fd again and again would one day do so in the very
/// microsecond between the last question and the DEL.
fn leave_what_comes_and_goes(steps: &mut [Step]) {
    let is_planned = |step: &&mut Step| step.outcome == Outcome::Planned;
    for _ in 0..LOOKS {
        if !steps.iter_mut().any(|step| is_planned(&step)) {
            return;
        }
        std::thread::sleep(APART);
        for step in steps.iter_mut().filter(is_planned) {
            let file = step.held_by.first().map(|held| (held.pid, held.fd));
            let is_live = file.map(|file| Tables::of(step).name(step.fd, file));
            if let Some(Ok(true)) = is_live {
                step.outcome = Outcome::Live;
            }
        }
    }
}
