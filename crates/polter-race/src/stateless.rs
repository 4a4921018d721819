//! Every schedule from start to end, without knowing a state again.
//!
//! The slow way: the same states are met on every way that leads to them.
//! It shares nothing with the search but the steps, so it can say whether the
//! search has missed anything, and what knowing states is worth.

use crate::schedule::Schedule;
use crate::search::Found;
use eventpoll::stepped::{Step, Stepped};

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// What went wrong, if anything did.
    pub found: Option<Found>,
    /// Schedules run from start to end.
    pub schedules: u64,
    /// Steps taken, those of every replay included.
    pub steps: u64,
    /// True if no schedule is left.
    pub is_complete: bool,
}

/// Runs schedule after schedule, each from the start, up to so many steps.
pub fn replay_all(start: &Stepped, max_steps: u64) -> Replayed {
    let mut replayed = Replayed {
        found: None,
        schedules: 0,
        steps: 0,
        is_complete: false,
    };
    // The choice at each step, and those that could still be made there.
    let mut path: Vec<(u8, Vec<u8>)> = Vec::new();
    let mut state = start.clone();
    while replayed.steps < max_steps {
        state.revert_to(start);
        replayed.found = one(&mut state, &mut path, &mut replayed.steps);
        replayed.schedules += 1;
        if replayed.found.is_some() {
            return replayed;
        }
        while path.last().is_some_and(|(_, rest)| rest.is_empty()) {
            path.pop();
        }
        let Some((choice, rest)) = path.last_mut() else {
            replayed.is_complete = true;
            return replayed;
        };
        *choice = rest.pop().expect("a choice is left");
    }
    replayed
}

/// Follows the path, then goes on with the first choice everywhere.
fn one(state: &mut Stepped, path: &mut Vec<(u8, Vec<u8>)>, steps: &mut u64) -> Option<Found> {
    let mut at = 0;
    loop {
        if at == path.len() {
            let mut able: Vec<u8> = (0..state.tasks() as u8)
                .filter(|task| can_step(state, *task))
                .collect();
            let Some(choice) = able.pop() else {
                let finding = state.ending()?;
                return Some(found(path, at, finding));
            };
            path.push((choice, able));
        }
        *steps += 1;
        match state.step(path[at].0.into()) {
            Step::Taken => at += 1,
            Step::Blocked => unreachable!("only what can step is tried"),
            Step::Found(finding) => return Some(found(path, at + 1, finding)),
        }
    }
}

/// Some calls only say when tried that they would wait.
fn can_step(state: &Stepped, task: u8) -> bool {
    let task = task.into();
    let is_new_call = state.call_of(task).is_some_and(|(_, has_begun)| !has_begun);
    state.can_step(task) && (!is_new_call || state.clone().step(task) != Step::Blocked)
}

fn found(path: &[(u8, Vec<u8>)], steps: usize, finding: eventpoll::stepped::Finding) -> Found {
    let turns = path[..steps].iter().map(|(task, _)| *task).collect();
    Found {
        schedule: Schedule(turns),
        finding,
    }
}
