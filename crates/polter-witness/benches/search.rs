//! How fast states are met, against running every program from the beginning; and what a second
//! thread brings.
//!
//! Everything is measured in turns within one run, so that what else the machine does
//! falls on all alike; the figures are medians.

#![expect(clippy::print_stdout, reason = "a benchmark reports its figures")]

use eventpoll::Policy;
use polter_witness::{Options, Vocabulary, hunt, stateless};
use std::hint::black_box;
use std::time::{Duration, Instant};

const ROUNDS: usize = 9;

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let is_test = std::env::args().any(|arg| arg == "--test");
    let (rounds, calls) = if is_test { (1, 4) } else { (ROUNDS, 6) };
    stateless_ratio(rounds, calls.min(5));
    threads(rounds, calls);
    matrix(rounds, calls);
}

fn vocabulary(name: &str) -> Vocabulary {
    Vocabulary::named(name).expect("the vocabulary has this name")
}

fn options(calls: usize, threads: usize) -> Options {
    Options {
        calls,
        threads,
        ..Options::default()
    }
}

/// One pair: each state once, and every program from the beginning.
fn stateless_ratio(rounds: usize, calls: usize) {
    let policies = [Policy::LAST_FPUT, Policy::CLOSE];
    let vocabulary = vocabulary("plain");
    let (mut each_state, mut each_program) = (Vec::new(), Vec::new());
    let (mut programs, mut states, mut kernels) = (0, 0, 0);
    for _ in 0..rounds {
        let (time, report) = timed(|| hunt(&policies, &vocabulary, &options(calls, 1)));
        each_state.push(time);
        programs = report.pairs[0].alike;
        (states, kernels) = (report.effort().states, report.effort().kernels);
        let (time, plain) = timed(|| stateless(policies, &vocabulary, calls));
        each_program.push(time);
        assert_eq!(plain.alike.iter().sum::<u128>(), programs);
    }
    let [fast, slow] = [median(each_state), median(each_program)];
    println!(
        "last-fput and close, up to {calls} calls, one thread: {programs} programs, {states} states, {kernels} kernels"
    );
    println!(
        "  each state once          {fast:>10.2?}  {:>12.0} kernels/s  {:>12.0} programs/s",
        per_second(kernels, fast),
        per_second(programs as u64, fast)
    );
    println!(
        "  each program by itself   {slow:>10.2?}  {:>12} {:>9}  {:>12.0} programs/s",
        "",
        "",
        per_second(programs as u64, slow)
    );
    println!("  ratio {:.1}", slow.as_secs_f64() / fast.as_secs_f64());
}

/// A large search with one thread and with two, and two of one thread at a time: what two
/// cores of this machine are worth.
fn threads(rounds: usize, calls: usize) {
    let vocabulary = vocabulary("pipes");
    let search = |threads| hunt(&Policy::ALL, &vocabulary, &options(calls, threads));
    let (mut one, mut two, mut apart) = (Vec::new(), Vec::new(), Vec::new());
    let mut effort = None;
    for _ in 0..rounds {
        let (time, report) = timed(|| search(1));
        one.push(time);
        effort = Some(report.effort());
        two.push(timed(|| search(2)).0);
        let both = || {
            std::thread::scope(|scope| {
                scope.spawn(|| search(1));
                search(1);
            });
        };
        apart.push(timed(both).0);
    }
    let effort = effort.expect("there was a round");
    let [one, two, apart] = [median(one), median(two), median(apart)];
    println!(
        "\nall pairs, with pipes, up to {calls} calls: {} states, {} calls made, {} kernels",
        effort.states, effort.calls, effort.kernels
    );
    println!(
        "  one thread    {one:>10.2?}  {:>12.0} kernels/s",
        per_second(effort.kernels, one)
    );
    println!(
        "  two threads   {two:>10.2?}  {:>12.0} kernels/s",
        per_second(effort.kernels, two)
    );
    let times = |count: f64, time: Duration| count * one.as_secs_f64() / time.as_secs_f64();
    println!("  ratio {:.2}", times(1.0, two));
    println!("  two searches apart: {:.2}", times(2.0, apart));
}

/// What `polter witness --all` does.
fn matrix(rounds: usize, calls: usize) {
    let vocabulary = vocabulary("plain");
    let times =
        (0..rounds).map(|_| timed(|| hunt(&Policy::ALL, &vocabulary, &options(calls, 2))).0);
    let time = median(times.collect());
    println!("\nthe matrix of every pair, two threads: {time:.2?}");
}

fn timed<T>(run_fn: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let done = black_box(run_fn());
    (start.elapsed(), done)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}
