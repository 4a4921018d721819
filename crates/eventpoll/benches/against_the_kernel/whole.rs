//! A small kernel as a whole: what a search pays for each state.

use crate::pace::median;
use crate::report::say;
use crate::weight::allocations;
use eventpoll::{EpollEvent, Events, Fd, Kernel, Outcome, Pid, Policy, Syscall};
use rustc_hash::FxHasher;
use std::hash::{Hash, Hasher};
use std::hint::black_box;
use std::time::Instant;

/// Prints what it takes to copy, to copy over another, and to hash.
pub(crate) fn measure() {
    let kernel = two_processes();
    let (count, copy) = allocations(|| kernel.clone());
    say("\nA kernel of 2 processes, 6 descriptors and 2 epitems:");
    say(&format!(
        "  clone       {:>7.1} ns, {count} allocations",
        time(|| drop(black_box(kernel.clone())))
    ));
    let mut over = copy;
    let (count, ()) = allocations(|| over.clone_from(&kernel));
    say(&format!(
        "  clone_from  {:>7.1} ns, {count} allocations",
        time(|| black_box(&mut over).clone_from(&kernel))
    ));
    say(&format!(
        "  hash        {:>7.1} ns",
        time(|| {
            black_box(hash(&kernel));
        })
    ));
    let mut bytes = Counter(0, 0);
    kernel.hash(&mut bytes);
    say(&format!(
        "  hash writes {} bytes in {} pieces",
        bytes.0, bytes.1
    ));
}

struct Counter(usize, usize);

impl Hasher for Counter {
    fn finish(&self) -> u64 {
        0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 += bytes.len();
        self.1 += 1;
    }
}

/// A parent with an instance that watches a pipe and an eventfd, and its child.
fn two_processes() -> Kernel {
    let mut kernel = Kernel::new(Policy::LAST_FPUT);
    let tid = kernel.spawn(Pid(100));
    let calls = [
        Syscall::EpollCreate1 { flags: 0 },
        Syscall::Pipe2 { flags: 0 },
        add(Fd(1)),
        Syscall::Eventfd2 { count: 0, flags: 0 },
        add(Fd(3)),
        Syscall::Dup { fd: Fd(1) },
        Syscall::Dup { fd: Fd(3) },
        Syscall::Fork,
    ];
    for call in calls {
        let outcome = kernel.call(tid, &call);
        assert!(
            matches!(outcome, Outcome::Done(Ok(_))),
            "{call:?}: {outcome:?}"
        );
    }
    kernel
}

fn add(fd: Fd) -> Syscall {
    let event = EpollEvent {
        events: Events::IN,
        data: fd.0 as u64,
    };
    Syscall::EpollCtl {
        epfd: Fd(0),
        op: 1,
        fd,
        event: Some(event),
    }
}

fn hash(kernel: &Kernel) -> u64 {
    let mut hasher = FxHasher::default();
    kernel.hash(&mut hasher);
    hasher.finish()
}

fn time(mut step_fn: impl FnMut()) -> f64 {
    const STEPS: usize = 2_000;
    let mut rounds: Vec<f64> = (0..41)
        .map(|_| {
            let start = Instant::now();
            (0..STEPS).for_each(|_| step_fn());
            start.elapsed().as_nanos() as f64 / STEPS as f64
        })
        .collect();
    median(&mut rounds)
}
