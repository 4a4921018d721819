//! What a call is put to the kernel as, without making it: two calls that are
//! put alike are one to the kernel.

use crate::error::{ExecutorError, failed};
use crate::request::{self, Surroundings};
use crate::scratch::Scratch;
use crate::sys::Region;
use crate::sys::layout::{Address, LARGE, SMALL, SMALL_END, Slot};
use eventpoll::Syscall;

/// A call in the kernel's terms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The number of the system call.
    pub number: i64,
    /// Its arguments.
    pub args: [u64; 6],
    /// What its pointers point to, as far as it is short.
    pub memory: Vec<u64>,
}

/// Puts a call into the kernel's terms, for a task whose numbers are the kernel's own.
pub fn asked(call: &Syscall) -> Result<Asked, ExecutorError> {
    const LARGE_SEEN: u64 = 0x1000;
    let region = Region::new().map_err(failed("make the region"))?;
    let mut slots = Slot::for_tasks();
    let slot = slots.next().ok_or(ExecutorError::TooManyTasks)?;
    let around = Surroundings {
        slot,
        child: slots.next(),
        real_fn: &|pid| pid.0,
        image: &c"/image".to_owned(),
        region: &c"/region".to_owned(),
        regular: &c"/regular".to_owned(),
    };
    let mut memory = Scratch::new(&region, slot);
    let request = request::encode(call, &mut memory, &around)?;
    let small = (SMALL..SMALL_END).step_by(8);
    let offsets = small.chain((LARGE..LARGE + LARGE_SEEN).step_by(8));
    let word = |offset| {
        let Address(at) = slot.at(offset);
        u64::from_ne_bytes(region.read(Address(at)))
    };
    Ok(Asked {
        number: request.nr,
        args: request.args,
        memory: offsets.map(word).collect(),
    })
}
