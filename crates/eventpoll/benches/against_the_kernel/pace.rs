//! Rounds that alternate, and their medians.

use crate::World;
use crate::linux::Linux;
use crate::model::Model;
use std::time::Instant;

/// How long a comparison goes on.
#[derive(Clone, Copy)]
pub(crate) struct Duel {
    rounds: usize,
    steps: usize,
}

impl Duel {
    /// For what takes a microsecond.
    pub(crate) fn turns() -> Duel {
        Duel {
            rounds: 41,
            steps: 5_000,
        }
    }

    /// For what takes several.
    pub(crate) fn long_turns() -> Duel {
        Duel {
            rounds: 41,
            steps: 500,
        }
    }
}

/// What a step takes on either side.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) linux_ns: f64,
    pub(crate) model_ns: f64,
}

impl Times {
    pub(crate) fn with_model(self, model_ns: f64) -> Times {
        Times { model_ns, ..self }
    }

    /// How many times as fast the model is.
    pub(crate) fn ratio(&self) -> f64 {
        self.linux_ns / self.model_ns
    }
}

/// Lets both do the same steps, round by round.
pub(crate) fn duel(
    linux: &mut Linux,
    model: &mut Model,
    duel: Duel,
    mut step_fn: impl FnMut(&mut dyn World, usize),
) -> Times {
    let (mut on_linux, mut on_model) = (Vec::new(), Vec::new());
    // One round more, which warms up and does not count.
    for round in 0..=duel.rounds {
        let first = round * duel.steps;
        on_linux.push(time(linux, first, duel.steps, &mut step_fn));
        on_model.push(time(model, first, duel.steps, &mut step_fn));
    }
    Times {
        linux_ns: median(&mut on_linux[1..]),
        model_ns: median(&mut on_model[1..]),
    }
}

/// The model alone, where the kernel cannot follow.
pub(crate) fn alone(
    model: &mut Model,
    duel: Duel,
    mut step_fn: impl FnMut(&mut dyn World, usize),
) -> f64 {
    let mut on_model: Vec<f64> = (0..=duel.rounds)
        .map(|round| time(model, round * duel.steps, duel.steps, &mut step_fn))
        .collect();
    median(&mut on_model[1..])
}

fn time(
    world: &mut dyn World,
    first: usize,
    steps: usize,
    step_fn: &mut impl FnMut(&mut dyn World, usize),
) -> f64 {
    let start = Instant::now();
    for step in first..first + steps {
        step_fn(world, step);
    }
    start.elapsed().as_nanos() as f64 / steps as f64
}

pub(crate) fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
