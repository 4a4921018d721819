//! One schedule, told step by step, and made easy to follow.

use crate::schedule::Schedule;
use crate::search::Found;
use eventpoll::stepped::{Finding, Step, Stepped, Story};

/// What a schedule led to.
#[derive(Debug, Clone)]
pub struct Run {
    /// The steps in words.
    pub story: Story,
    /// What went wrong, with its sentence.
    pub found: Option<(Finding, String)>,
    /// How many turns were taken: all, unless something was found or could not go on.
    pub turns: usize,
    /// The turn at which the task could not go on.
    pub stuck: Option<usize>,
    /// The state at the end.
    pub end: Stepped,
}

/// Takes a race through a schedule. Where it ends and nobody can go on, the
/// ending is looked at as well.
pub fn replay(start: &Stepped, schedule: &Schedule) -> Run {
    let mut state = start.clone().told();
    let (mut found, mut stuck, mut turns) = (None, None, 0);
    for (turn, task) in schedule.0.iter().enumerate() {
        match state.step(usize::from(*task)) {
            Step::Taken => turns += 1,
            Step::Blocked => {
                stuck = Some(turn);
                break;
            }
            Step::Found(finding) => {
                turns += 1;
                found = Some(finding);
                break;
            }
        }
    }
    if found.is_none() && stuck.is_none() && nobody_can_go_on(&state) {
        found = state.ending();
    }
    Run {
        story: state.story().cloned().unwrap_or_default(),
        found: found.map(|finding| (finding, state.explain(finding))),
        turns,
        stuck,
        end: state,
    }
}

fn nobody_can_go_on(state: &Stepped) -> bool {
    let mut tasks = 0..state.tasks();
    tasks.all(|task| !state.can_step(task) || state.clone().step(task) == Step::Blocked)
}

/// A schedule of the same length that leads to the same finding with fewer changes of task.
#[must_use]
pub fn tidy(start: &Stepped, found: &Found) -> Found {
    let mut best = found.clone();
    while let Some(better) = tidier(start, &best) {
        best = better;
    }
    best
}

/// Moves one run of turns next to another one of the same task.
fn tidier(start: &Stepped, found: &Found) -> Option<Found> {
    let runs: Vec<&[u8]> = found.schedule.0.chunk_by(|one, next| one == next).collect();
    for from in 0..runs.len() {
        for to in (0..runs.len()).filter(|to| *to != from && runs[*to][0] == runs[from][0]) {
            let mut moved = runs.clone();
            let run = moved.remove(from);
            // Behind the run it joins, or before it when it came earlier.
            moved.insert(if to < from { to + 1 } else { to - 1 }, run);
            let schedule = Schedule(moved.concat());
            if leads_to(start, &schedule, found.finding) {
                let finding = found.finding;
                return Some(Found { schedule, finding });
            }
        }
    }
    None
}

fn leads_to(start: &Stepped, schedule: &Schedule, finding: Finding) -> bool {
    let run = replay(start, schedule);
    run.turns == schedule.0.len() && run.found.is_some_and(|(came, _)| came == finding)
}
