//! One CPU for a supervisor and its workers.
//!
//! A call is two hand-overs, and on one CPU a hand-over is one switch, not an
//! interrupt of the other CPU. It also means that a task which does not run
//! when its supervisor does is asleep, or about to be.

use crate::sys::{self, CpuSet};
use std::cell::RefCell;
use std::io;
use std::marker::PhantomData;

thread_local! {
    /// How many pins this thread holds, and its CPUs before the first.
    static PINS: RefCell<(usize, Option<CpuSet>)> = const { RefCell::new((0, None)) };
}

/// Keeps the calling thread on its current CPU while it lives.
#[derive(Debug)]
pub(crate) struct Pin {
    /// Its thread's, not to be dropped elsewhere.
    stays: PhantomData<*const ()>,
}

impl Pin {
    /// Pins the thread; what it starts inherits that.
    pub(crate) fn new() -> io::Result<Pin> {
        PINS.with_borrow_mut(|(count, before)| {
            if *count == 0 {
                *before = Some(sys::affinity()?);
                sys::set_affinity(&sys::only(sys::current_cpu()))?;
            }
            *count += 1;
            Ok(Pin { stays: PhantomData })
        })
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        PINS.with_borrow_mut(|(count, before)| {
            *count -= 1;
            if *count == 0
                && let Some(cpus) = before.take()
            {
                // The CPUs may be gone meanwhile; then the pin stays.
                let _ = sys::set_affinity(&cpus);
            }
        });
    }
}
