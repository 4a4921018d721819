//! How fast is a search, against running every schedule, and on two cores?
//!
//! Rounds of all, one after the other; medians, and ratios within a round. Two
//! searches that know nothing of each other say how much two cores of this
//! machine are worth. The time on a CPU is what counts where others use the
//! machine too.
#![expect(clippy::print_stdout, reason = "a benchmark says what it found")]

use eventpoll::stepped::{Rules, Stepped};
use polter_race::stateless::replay_all;
use polter_race::{Bounds, Progress, Race, search};
use std::time::Instant;

const BUSY: &str = include_str!("busy.strace");
/// More states, for two cores.
const BUSIER: &str = include_str!("busier.strace");
const ROUNDS: usize = 7;

/// What one run took and did.
#[derive(Debug, Clone, Copy)]
struct Run {
    wall_s: f64,
    cpu_s: f64,
    states: f64,
    steps: f64,
}

/// One core, every schedule; of more states: one core, two cores, and how long two searches took at a time.
type Round = (Run, Run, Run, Run, f64);

fn main() {
    let [start, long] = [BUSY, BUSIER].map(|script| {
        let race = Race::parse(script.as_bytes()).expect("the script is a race");
        race.start(Rules::LINUX).expect("it can be stepped")
    });
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let one = searched(&start, 1);
        let every = every_schedule(&start, one.steps as u64);
        let (long_one, long_two) = (searched(&long, 1), searched(&long, 2));
        rounds.push((one, every, long_one, long_two, two_apart(&long)));
    }
    let of = |pick_fn: fn(&Round) -> f64| median(rounds.iter().map(pick_fn).collect());
    let each = [
        ("states, one core", of(|r| r.0.states)),
        ("steps, one core", of(|r| r.0.steps)),
        ("states a second on the CPU", of(|r| r.0.states / r.0.cpu_s)),
        ("steps a second on the CPU", of(|r| r.0.steps / r.0.cpu_s)),
        (
            "states a second by the wall",
            of(|r| r.0.states / r.0.wall_s),
        ),
        ("steps a second by the wall", of(|r| r.0.steps / r.0.wall_s)),
        ("more states, one core", of(|r| r.2.states)),
        ("… a second on the CPU", of(|r| r.2.states / r.2.cpu_s)),
        (
            "two cores: times as fast by the wall",
            of(|r| r.2.wall_s / r.3.wall_s),
        ),
        (
            "two searches apart: times as fast",
            of(|r| 2.0 * r.2.wall_s / r.4),
        ),
        (
            "two cores: time on CPUs, of one core's",
            of(|r| r.3.cpu_s / r.2.cpu_s),
        ),
        (
            "every schedule: steps a second on the CPU",
            of(|r| r.1.steps / r.1.cpu_s),
        ),
        (
            "every schedule: schedules in as many steps",
            of(|r| r.1.states),
        ),
    ];
    println!(
        "A state is a different one, met for the first time; a step leads to a new state or a known one.\n"
    );
    for (what, figure) in each {
        println!("{what:44} {figure:>14.2}");
    }
}

/// Two searches of one core each, at a time: seconds until both are done.
fn two_apart(start: &Stepped) -> f64 {
    let clock = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| searched(start, 1));
        }
    });
    clock.elapsed().as_secs_f64()
}

fn searched(start: &Stepped, cores: usize) -> Run {
    let bounds = Bounds {
        cores,
        ..Bounds::default()
    };
    timed(|| {
        let report = search(start, bounds, &Progress::default());
        assert_eq!((report.found, report.limit), (None, None));
        (report.covered.states, report.covered.steps)
    })
}

/// As many steps without knowing a state again.
fn every_schedule(start: &Stepped, steps: u64) -> Run {
    timed(|| {
        let replayed = replay_all(start, steps);
        assert_eq!(replayed.found, None);
        (replayed.schedules, replayed.steps)
    })
}

fn timed(work_fn: impl FnOnce() -> (u64, u64)) -> Run {
    let (begun, cpu_s) = (Instant::now(), cpu_seconds());
    let (states, steps) = work_fn();
    Run {
        wall_s: begun.elapsed().as_secs_f64(),
        cpu_s: cpu_seconds() - cpu_s,
        states: states as f64,
        steps: steps as f64,
    }
}

/// What all threads of this process have used; in hundredths.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let rest = stat.rsplit_once(')').expect("a name in parentheses").1;
    let ticks = rest.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks
        .map(|field| field.parse::<u64>().expect("ticks"))
        .sum();
    ticks as f64 / 100.0
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
