//! The walk along a stack, frame by frame, outwards.

use crate::arch;
use crate::cfi::Caller;
use crate::registers::Known;
use crate::stack::StackCopy;

/// The most frames of one stack.
pub(crate) const MOST_FRAMES: usize = 256;

/// A frame that was walked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Walked {
    /// The address of its code.
    pub(crate) ip: u64,
    /// Where in its code to look things up. The two differ for a frame that has made a call: the address of a call
    /// that never returns can be the next function's.
    pub(crate) lookup: u64,
    /// Its stack pointer; nothing if it is not known.
    pub(crate) sp: Option<u64>,
}

/// Walks along a stack, from the innermost frame outwards.
///
/// `caller_fn` steps by call frame information; nothing where there is none. `is_code_fn` says
/// whether something that can run is mapped at an address.
pub(crate) fn walk(
    stack: &StackCopy,
    mut caller_fn: impl FnMut(u64, &Known) -> Option<Caller>,
    is_code_fn: impl Fn(u64) -> bool,
) -> Vec<Walked> {
    let mut registers = Known::of(&stack.registers);
    let mut frames = Vec::new();
    let mut lookup = registers.ip;
    while frames.len() < MOST_FRAMES && is_code_fn(lookup) {
        frames.push(Walked {
            ip: registers.ip,
            lookup,
            sp: registers.sp(),
        });
        let is_first = frames.len() == 1;
        let by_pointer_fn = || by_frame_pointer(stack, &registers, is_first, &is_code_fn);
        let step = match caller_fn(lookup, &registers) {
            Some(Caller::At {
                registers: caller,
                is_interrupted,
            }) if is_outward(&registers, &caller) => Some((*caller, is_interrupted)),
            Some(Caller::None) => None,
            _ => by_pointer_fn().map(|caller| (caller, false)),
        };
        let Some((caller, is_interrupted)) = step else {
            break;
        };
        registers = caller;
        lookup = registers.ip.wrapping_sub(u64::from(!is_interrupted));
    }
    frames
}

/// True if a caller's stack pointer is not further inside, and the two differ.
fn is_outward(callee: &Known, caller: &Known) -> bool {
    match (callee.sp(), caller.sp()) {
        (Some(callee_sp), Some(caller_sp)) => {
            callee_sp < caller_sp || callee_sp == caller_sp && callee.ip != caller.ip
        }
        _ => false,
    }
}

/// Steps by the chain of frame pointers, which code without call frame information usually keeps.
fn by_frame_pointer(
    stack: &StackCopy,
    registers: &Known,
    is_first: bool,
    is_code_fn: impl Fn(u64) -> bool,
) -> Option<Known> {
    let (sp, fp) = (registers.sp()?, registers.fp()?);
    let chained = (
        stack.word(fp),
        stack.word(fp.wrapping_add(8)).map(arch::strip),
    );
    let mut caller = registers.clone();
    // A leaf keeps no frame: its return address is in the register still.
    if is_first && arch::HAS_LINK_REGISTER {
        let link = arch::strip(registers.get(arch::RETURN)?);
        if chained.1 != Some(link) && is_code_fn(link) {
            caller.ip = link;
            return Some(caller);
        }
    }
    let (outer_fp, return_address) = (chained.0?, chained.1?);
    if fp < sp || return_address == 0 {
        return None;
    }
    caller.ip = return_address;
    caller.set(arch::SP, Some(fp.checked_add(16)?));
    caller.set(arch::FP, Some(outer_fp));
    Some(caller)
}
