//! Random programs do the same on the model and on the running kernel.

use eventpoll::{Policy, Syscall};
use polter_check::Model;
use polter_check::random::{
    Ending, Options, Shape, Verdict, check_random, generate, run_program, shrink,
};
use std::time::Duration;

/// So many programs, or so long, whichever comes first; `POLTER_RANDOM=N` runs N.
const PROGRAMS: u64 = 2000;
const TIME: Duration = Duration::from_secs(20);
const SEED: u64 = 20_260_101;

#[test]
#[expect(clippy::print_stderr, reason = "what is skipped is skipped aloud")]
fn random_programs_do_the_same_on_the_model_and_on_the_running_kernel() {
    let asked = std::env::var("POLTER_RANDOM").ok();
    let asked: Option<u64> = asked.map(|count| count.parse().expect("POLTER_RANDOM is a number"));
    let options = Options {
        count: asked.unwrap_or(PROGRAMS),
        seed: SEED,
        time_limit: asked.is_none().then_some(TIME),
        ..Options::default()
    };
    match check_random(&options, |_| {}) {
        Ok(report) => {
            eprintln!("{report}");
            assert!(report.found.is_empty(), "{report}");
        }
        Err(error) => eprintln!("skipped: no program can be run here: {error}"),
    }
}

#[test]
fn a_program_follows_from_its_seed() {
    for shape in Shape::ALL {
        assert_eq!(generate(3, shape, 40), generate(3, shape, 40));
        assert_ne!(generate(3, shape, 40), generate(4, shape, 40));
    }
}

#[test]
fn two_policies_are_told_apart_by_a_program_that_shrinks() {
    let differs = |program: &_| {
        let mut other = Model::new(Policy::CLOSE, Default::default(), eventpoll::Pid(100));
        let run = run_program(program, Ending::Readiness, Policy::LAST_FPUT, &mut other);
        matches!(run.verdict, Verdict::Different(_))
    };
    let programs = (0..2000).map(|seed| generate(seed, Shape::Processes, 40));
    // No step of a program can be left out at its end, and yet it may be a long one.
    let found = programs.filter(differs).take(5);
    let shrunk = found.map(|found| shrink(&found, differs));
    let smallest = shrunk.min_by_key(|shrunk| shrunk.steps.len());
    let smallest = smallest.expect("one of them closes a dup");
    assert!(smallest.steps.len() <= 6, "{smallest:#?}");
    let mut calls = smallest.steps.iter().map(|step| &step.call);
    assert!(calls.any(|call| matches!(call, Syscall::EpollCtl { .. })));
}
