//! Calls that are to be made as they are written, and not only understood.
//!
//! A [`Syscall`] holds what the model looks at, and less than the text: addresses, the
//! sizes of sets, fields of structures. Whoever makes the call again from it must know
//! that nothing is lost on the way. What would be is refused by its place and reason.
//!
//! Not asked about is what no kernel's answer depends on: what the kernel wrote, the bytes
//! of pipes and sockets, where a program has its stacks, handlers and buffers.

mod calls;
mod kept;
mod messages;
mod tasks;

use eventpoll::Syscall;

use super::fields::{Fault, Fields};
use super::{Decoded, outcome, read};
use crate::args::Args;
use crate::call::{Call, Unfinished};
use crate::error::{ErrorKind, ParseError};
use crate::result::Returned;
use kept::{Kept, Lost};

/// Why a call cannot be made as it is written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Inexact {
    /// Where that shows, in bytes from 1.
    pub column: usize,
    /// What, by name.
    pub message: String,
}

/// As [`decode`](super::decode()), if the value holds all that is written.
pub fn decode_exact(call: &Call<'_>) -> Result<Decoded, Inexact> {
    let (syscall, out) = whole(call.name, call.args, Some(&call.returned))?;
    let Some(outcome) = outcome(&call.returned, out) else {
        let column = call.args.column + call.args.raw.len() + call.tail.equals.len();
        let named = call.returned.errno.unwrap_or("this result");
        return Err(Inexact {
            column,
            message: format!("the model has no word for {named}"),
        });
    };
    Ok(Decoded {
        syscall,
        outcome: Some(outcome),
    })
}

/// As [`decode_entry`](super::decode_entry): nothing while arguments are missing.
pub fn decode_entry_exact(call: &Unfinished<'_>) -> Result<Option<Syscall>, Inexact> {
    let mut fields = Fields::new(call.args, None);
    match read(call.name, &mut fields) {
        Ok((syscall, _)) => {
            check(call.name, call.args)?;
            Ok(Some(syscall))
        }
        Err(Fault::Missing(_)) => Ok(None),
        Err(fault) => Err(refusal(call.name, call.args, &fault)),
    }
}

fn whole(
    name: &str,
    args: Args<'_>,
    returned: Option<&Returned<'_>>,
) -> Result<(Syscall, eventpoll::Out), Inexact> {
    let mut fields = Fields::new(args, returned);
    let read = read(name, &mut fields).map_err(|fault| refusal(name, args, &fault))?;
    check(name, args)?;
    Ok(read)
}

fn check(name: &str, args: Args<'_>) -> Result<(), Inexact> {
    let kept = Kept::new(args).map_err(bad)?;
    calls::check(name, &kept).map_err(|Lost { index, why }| Inexact {
        column: kept.column(index),
        message: format!("{name}()'s argument {}: {why}", index + 1),
    })
}

fn refusal(name: &str, args: Args<'_>, fault: &Fault) -> Inexact {
    match fault {
        Fault::Bad(error) => bad(*error),
        Fault::Missing(column) => bad(ParseError::new(
            ErrorKind::Expected("another argument"),
            *column,
        )),
        Fault::Unmodelled => Inexact {
            column: 1,
            message: format!("{name}() is not modelled"),
        },
        Fault::Argument(column, why) => {
            let before = args.iter().filter(|arg| arg.column <= *column);
            Inexact {
                column: *column,
                message: format!("{name}()'s argument {}: {why}", before.count().max(1)),
            }
        }
    }
}

fn bad(error: ParseError) -> Inexact {
    Inexact {
        column: error.column,
        message: error.to_string(),
    }
}
