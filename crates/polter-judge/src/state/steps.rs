//! Edits to the steps of a finding or of a registration's history.

use crate::verdict::Step;

/// The task without a pid turns out to have one: its steps get it.
pub(crate) fn name_root(steps: &mut [Step], pid: u32) {
    for step in steps.iter_mut().filter(|step| step.site.pid == 0) {
        step.site.pid = pid;
    }
}

/// Adds a stack frame to the last step on this line; false if there is none, or it has enough.
pub(crate) fn add_frame(steps: &mut [Step], line: u64, frame: &[u8]) -> bool {
    const MAX_FRAMES: usize = 32;
    let Some(step) = steps.iter_mut().rev().find(|step| step.site.line == line) else {
        return false;
    };
    let has_room = step.site.stack.len() < MAX_FRAMES;
    if has_room {
        let frame = String::from_utf8_lossy(frame);
        let frame = frame.trim().trim_start_matches("> ");
        step.site.stack.push(frame.to_string());
    }
    has_room
}
