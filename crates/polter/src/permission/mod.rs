//! What this process may not do here, and the very line that grants it.
//!
//! | file | does |
//! |---|---|
//! | `here` | reads what this process may do: capabilities, yama, hidepid, seccomp, the container |
//! | `advice` | which of these is missing for a purpose, and the line that grants it on this host |

mod advice;
mod here;

/// What is missing for a purpose, and the line that grants it.
pub(crate) use advice::{Purpose, advice};
/// What this process may do.
pub(crate) use here::Here;

/// The command that was given, to be shown again: `polter why 4121`.
pub(crate) fn own_command() -> String {
    let args = std::env::args_os().skip(1);
    let args = args.map(|arg| polter_trace::escape(arg.as_encoded_bytes()).to_string());
    std::iter::once("polter".to_owned())
        .chain(args)
        .collect::<Vec<_>>()
        .join(" ")
}
