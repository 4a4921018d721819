//! `polter check`: scripts on the model and on the running kernel.
//!
//! | module | what it does |
//! |---|---|
//! | [`scripts`] | compares the answers written, the model's and the kernel's |
//! | [`conformance`] | runs the suite that comes with polter, on this kernel alone |
//! | [`random`] | runs random programs, on the model and on this kernel |
//! | [`checked`], [`suite`], [`hunt`] | the result of each |
//! | [`text`], [`json`], [`junit`] | write the results |
//! | [`place`] | chooses where: on this kernel, or in a guest that has the policy |

mod checked;
mod conformance;
mod hunt;
mod json;
mod junit;
mod place;
mod random;
mod scripts;
mod suite;
mod text;

use crate::cli::CheckArgs;
use crate::console::{Console, Stream};
use crate::exit::Exit;
use crate::failure::Failure;
use place::Place;

/// Checks what is asked for, and reports it.
pub(crate) fn check(args: &CheckArgs, console: &Console) -> Result<Exit, Failure> {
    let mut out = console.report_to(args.output.as_deref(), Stream::Out)?;
    let place = Place::of(args)?;
    let policy = match &place {
        Place::Guest(guest) => return guest.check(args, &mut *out),
        Place::Here(policy) | Place::ModelAlone(policy) => *policy,
    };
    if let Some(count) = args.random {
        random::check(args, policy, count, &mut *out, console)
    } else if args.conformance {
        conformance::check(args.format, policy, &mut *out)
    } else {
        scripts::check(args, &place, &mut *out, console)
    }
}
