//! The model and the running kernel side by side, in one process.
//!
//! Rounds of both alternate, so that whatever else the machine does falls on
//! both; a figure is the median of its rounds, and what counts is the ratio.
//!
//! ```text
//!   cargo bench -p eventpoll --bench against_the_kernel [-- COUNT…]
//! ```

mod linux;
mod model;
mod pace;
mod report;
mod weight;
mod whole;

use linux::Linux;
use model::Model;
use pace::{Duel, duel};

/// A loop's world: an instance that watches so many eventfds.
trait World {
    /// How many of the watched files the measured calls can name.
    fn reach(&self) -> usize;
    /// Write to the `at`-th file, wait, read it.
    fn turn(&mut self, at: usize);
    /// Remove the `at`-th registration and make it again.
    fn del_add(&mut self, at: usize);
    /// Wait with no time, for this many events at most; says how many came.
    fn wait(&mut self, maxevents: usize) -> usize;
    /// Makes the `at`-th file ready, or empties it again.
    fn set_ready(&mut self, at: usize, is_ready: bool);
}

/// How many events the wait for many finds.
const MANY: usize = 64;

/// Coprime to every count: it visits all, in no order a cache would guess.
const STRIDE: usize = 7_919;

fn main() {
    let counts = counts();
    report::head();
    for count in counts {
        among(count);
    }
    weight::weigh();
    whole::measure();
}

/// The registrations to measure among: 10, 10³, 10⁵ and 10⁶, or what was asked for.
fn counts() -> Vec<usize> {
    let asked: Vec<usize> = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .collect();
    if asked.is_empty() {
        vec![10, 1_000, 100_000, 1_000_000]
    } else {
        asked
    }
}

/// Every case among so many registrations.
fn among(count: usize) {
    let mut linux = match Linux::registered(count) {
        Ok(linux) => linux,
        Err(reason) => return report::unreachable(count, &reason),
    };
    let mut model = Model::registered(count);
    let reach = linux.reach().min(model.reach());
    let turn = duel(&mut linux, &mut model, Duel::turns(), |world, _| {
        world.turn(reach / 2);
    });
    report::row("write, wait, read: one file", count, &turn);
    let strided = duel(&mut linux, &mut model, Duel::turns(), |world, step| {
        world.turn(step * STRIDE % reach);
    });
    report::row(&format!("  another of {reach} each time"), count, &strided);
    if count > reach {
        let all = strided.with_model(pace::alone(&mut model, Duel::turns(), |model, step| {
            model.turn(step * STRIDE % count);
        }));
        report::row(&format!("  another of {count}, model only"), count, &all);
    }
    let churn = duel(&mut linux, &mut model, Duel::turns(), |world, _| {
        world.del_add(reach / 2);
    });
    report::row("DEL, ADD: one file", count, &churn);
    let strided = duel(&mut linux, &mut model, Duel::turns(), |world, step| {
        world.del_add(step * STRIDE % reach);
    });
    report::row(&format!("  another of {reach} each time"), count, &strided);
    let idle = duel(&mut linux, &mut model, Duel::turns(), |world, _| {
        assert_eq!(world.wait(8), 0, "nothing is ready");
    });
    report::row("wait, nothing ready", count, &idle);
    many_ready(count, &mut linux, &mut model);
}

/// A wait that finds 64 events, level-triggered, so the next one finds them again.
fn many_ready(count: usize, linux: &mut Linux, model: &mut Model) {
    let reach = linux.reach().min(model.reach());
    if reach < MANY {
        return;
    }
    let set = |world: &mut dyn World, is_ready| {
        for nth in 0..MANY {
            world.set_ready(nth * (reach / MANY), is_ready);
        }
    };
    set(linux, true);
    set(model, true);
    let many = duel(linux, model, Duel::long_turns(), |world, _| {
        assert_eq!(world.wait(MANY), MANY, "all are ready");
    });
    report::row(&format!("wait, {MANY} ready"), count, &many);
    set(linux, false);
    set(model, false);
}
