//! Random programs: whatever they do, the model stays whole, and when all
//! their processes have ended nothing is left of them.

mod calls;
mod values;

use calls::{data_call, descriptor_call, epoll_call, process_call};
use eventpoll::{Fd, Kernel, Opaque, Outcome, Pid, Policy, Syscall, Tid};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use values::nanoseconds;

/// One step of a program of several tasks.
#[derive(Debug, Clone)]
enum Step {
    /// The n-th live task makes a call.
    Call(usize, Syscall),
    /// Time passes.
    Advance(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let call = prop_oneof![
        4 => epoll_call().boxed(),
        5 => descriptor_call().boxed(),
        2 => data_call().boxed(),
        2 => process_call().boxed(),
    ];
    prop_oneof![
        20 => (any::<usize>(), call).prop_map(|(who, call)| Step::Call(who, call)),
        1 => nanoseconds().prop_map(Step::Advance),
    ]
}

fn tasks(kernel: &Kernel) -> Vec<Tid> {
    kernel.tasks().map(|(tid, _)| tid).collect()
}

#[track_caller]
fn check(kernel: &Kernel, after: &dyn std::fmt::Debug) {
    if let Err(why) = kernel.check_invariants() {
        panic!("under {}, after {after:?}: {why}", kernel.policy());
    }
}

/// What came of a step: of its call, if it was one, and of calls that had waited.
type Came = (Option<Outcome>, Vec<(Tid, Outcome)>);

/// Takes a step; nothing if nobody is left to make a call.
fn perform(kernel: &mut Kernel, step: &Step) -> Option<Came> {
    let mut made = None;
    match step {
        Step::Call(who, call) => {
            let able: Vec<Tid> = tasks(kernel)
                .into_iter()
                .filter(|tid| !kernel.is_blocked(*tid))
                .collect();
            let caller = able.get(who % able.len().max(1))?;
            let outcome = kernel.call(*caller, call);
            let is_blocked = outcome == Outcome::Blocked;
            if outcome != Outcome::Gone {
                // It may have been woken by what its own call brought about.
                assert!(
                    !kernel.is_blocked(*caller) || is_blocked,
                    "{call:?}: {outcome:?}"
                );
            }
            made = Some(outcome);
        }
        Step::Advance(by_ns) => kernel.advance_to(kernel.now_ns().saturating_add(*by_ns)),
    }
    Some((made, kernel.drain_completions()))
}

/// Copies go astray for some calls, become copies again, and then do as the original does.
fn revert(policy: Policy, steps: &[Step], astray: &[Step]) {
    let mut kernel = Kernel::new(policy);
    kernel.spawn(Pid(100));
    let mut copy = kernel.clone();
    for (at, step) in steps.iter().enumerate() {
        if at % 3 == 0 {
            copy.clone_from(&kernel);
            for (place, step) in astray.iter().enumerate() {
                perform(&mut copy, step);
                if place % 4 == 3 {
                    copy.revert_to(&kernel);
                }
            }
            copy.revert_to(&kernel);
            assert_eq!(hash(&copy), hash(&kernel));
        }
        let (one, other) = (perform(&mut kernel, step), perform(&mut copy, step));
        assert_eq!(one, other, "{step:?}");
        assert_eq!(hash(&copy), hash(&kernel));
        check(&copy, step);
        if one.is_none() {
            break;
        }
    }
}

fn hash(kernel: &Kernel) -> u64 {
    let mut hasher = DefaultHasher::new();
    kernel.hash(&mut hasher);
    hasher.finish()
}

fn run(policy: Policy, steps: &[Step]) {
    let mut kernel = Kernel::new(policy);
    let first = kernel.spawn(Pid(100));
    for fd in 0..2 {
        kernel.assume_fd(first, Fd(fd), Opaque::Pollable);
    }
    for step in steps {
        if perform(&mut kernel, step).is_none() {
            break;
        }
        check(&kernel, step);
    }
    while let Some(tid) = tasks(&kernel).first().copied() {
        if kernel.is_blocked(tid) {
            kernel.kill_task(tid, 9);
        } else {
            kernel.call(tid, &Syscall::ExitGroup { status: 0 });
        }
        check(&kernel, &"an exit");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_random_program_leaves_the_model_whole_and_nothing_behind(
        policy in prop::sample::select(Policy::ALL.to_vec()),
        steps in prop::collection::vec(step(), 1..150),
    ) {
        run(policy, &steps);
    }

    #[test]
    fn a_copy_that_went_astray_becomes_one_again(
        policy in prop::sample::select(Policy::ALL.to_vec()),
        steps in prop::collection::vec(step(), 1..60),
        astray in prop::collection::vec(step(), 1..12),
    ) {
        revert(policy, &steps, &astray);
    }
}
