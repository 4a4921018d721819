//! What processes are called, and steps of stories.

use polter_judge::{Followed, ProcessLife};
use polter_page::Step;

use crate::report::frames;

/// `process 100 worker`
pub(super) fn process_name(pid: u32, followed: &Followed) -> String {
    match name_of(pid, followed) {
        Some(name) => format!("process {pid} {name}"),
        None => format!("process {pid}"),
    }
}

pub(super) fn name_of(pid: u32, followed: &Followed) -> Option<&str> {
    life_of(pid, followed)?.name.as_deref()
}

pub(super) fn life_of(pid: u32, followed: &Followed) -> Option<&ProcessLife> {
    followed.processes.iter().find(|process| process.pid == pid)
}

/// A step of a story, with the frames that are the program's own.
pub(super) fn step(step: &polter_judge::Step) -> Step {
    let stack = frames::shown(&step.site.stack);
    Step {
        line: step.site.line,
        pid: step.site.pid,
        text: step.site.text.clone(),
        what: step.what.clone(),
        stack: stack.into_iter().cloned().collect(),
    }
}
