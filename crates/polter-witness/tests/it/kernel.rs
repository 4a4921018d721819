//! The running kernel answers as `last-fput` does, and no other policy does.

use eventpoll::{Pid, Policy, Version};
use polter_check::{Backend, Running, Script, run};
use polter_witness::{Options, Trial, Vocabulary, try_kernel};

/// The kernel under us, if it is of the model's version and runs scripts.
#[expect(clippy::print_stderr, reason = "what is skipped is said aloud")]
fn kernel(what: &str) -> Option<Running> {
    match Running::start(Pid(100)) {
        Ok(kernel) if kernel.version() >= Version::new(6, 9) => Some(kernel),
        Ok(kernel) => {
            let version = kernel.version();
            eprintln!("skipped: Linux {version} answers ioctls otherwise; not seen: {what}");
            None
        }
        Err(error) => {
            eprintln!("skipped: no script can be run here ({error}); not seen: {what}");
            None
        }
    }
}

#[test]
fn the_kernel_answers_every_witness_as_last_fput_does() {
    let Some(mut kernel) = kernel("every witness against last-fput, on the running kernel") else {
        return;
    };
    let report = crate::matrix::thorough();
    let mut replayed = 0;
    for pair in &report.pairs {
        for witness in &pair.witnesses {
            let text = witness.script(&[]);
            let script = Script::parse(text.as_bytes()).expect("a witness is a script");
            kernel.restart(script.first()).expect("a fresh process");
            let difference = run(&script, Policy::LAST_FPUT, &mut kernel);
            assert_eq!(difference.expect("the kernel runs it"), None, "{text}");
            replayed += 1;
        }
    }
    assert!(replayed > 300, "{replayed} witnesses");
}

#[test]
fn every_short_program_is_answered_by_the_kernel_as_by_last_fput() {
    let what = "every program of up to four calls, on the running kernel";
    let Some(trial) = trial(Policy::LAST_FPUT, 4, what) else {
        return;
    };
    assert_eq!(trial.differ, 0, "{:?}", trial.shown);
    assert_eq!(trial.programs.len(), 4);
    assert!(trial.total() > 1000, "{:?}", trial.programs);
}

#[test]
fn the_kernel_is_told_from_owner_by_five_calls() {
    let Some(trial) = trial(Policy::OWNER, 6, "the running kernel against owner") else {
        return;
    };
    assert_eq!(trial.programs.len(), 5);
    assert!(trial.differ > 0);
    let last = trial.shown.iter().map(|shown| shown.performed.len());
    assert!(last.clone().all(|calls| calls == 5), "{last:?}");
}

fn trial(policy: Policy, calls: usize, what: &str) -> Option<Trial> {
    kernel(what)?;
    let vocabulary = Vocabulary::named("plain").expect("the vocabulary has this name");
    let options = Options {
        calls,
        ..Options::default()
    };
    let trial = try_kernel(policy, &vocabulary, &options, u64::MAX, |_| {});
    Some(trial.expect("it ran a script before"))
}
