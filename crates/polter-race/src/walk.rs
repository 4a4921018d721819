//! Random schedules: beyond what can be searched.

use crate::schedule::Schedule;
use crate::search::Found;
use eventpoll::stepped::{Step, Stepped};

/// What came of walking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walked {
    /// What went wrong, if anything did.
    pub found: Option<Found>,
    /// How many schedules were walked to their end.
    pub walks: u64,
    /// How many steps that took.
    pub steps: u64,
}

/// Walks so many random schedules from the start to their ends; the same
/// seed, the same walks.
pub fn walk(start: &Stepped, seed: u64, walks: u64, is_over: impl Fn() -> bool) -> Walked {
    let mut rng = Rng(seed);
    let mut walked = Walked {
        found: None,
        walks: 0,
        steps: 0,
    };
    let mut state = start.clone();
    while walked.walks < walks && walked.found.is_none() && !is_over() {
        state.revert_to(start);
        walked.found = one(&mut state, &mut rng, &mut walked.steps);
        walked.walks += 1;
    }
    walked
}

fn one(state: &mut Stepped, rng: &mut Rng, steps: &mut u64) -> Option<Found> {
    let mut schedule = Vec::new();
    let mut blocked = 0_u32;
    loop {
        let can = |task: &usize| state.can_step(*task) && blocked & (1 << *task) == 0;
        let able: Vec<usize> = (0..state.tasks()).filter(can).collect();
        if able.is_empty() || schedule.len() >= Schedule::MAX_STEPS {
            let finding = state.ending()?;
            let schedule = Schedule(schedule);
            return Some(Found { schedule, finding });
        }
        let task = able[rng.below(able.len())];
        match state.step(task) {
            Step::Blocked => blocked |= 1 << task,
            Step::Taken => {
                blocked = 0;
                *steps += 1;
                schedule.push(task as u8);
            }
            Step::Found(finding) => {
                schedule.push(task as u8);
                let schedule = Schedule(schedule);
                return Some(Found { schedule, finding });
            }
        }
    }
}

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}
