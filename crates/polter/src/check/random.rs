//! `polter check --random`: random programs, on the model and on this kernel.

use std::io::Write;
use std::time::Duration;

use eventpoll::Policy;
use polter_check::random::{Options, Shape};

use super::hunt::Hunt;
use super::{json, junit, text};
use crate::cli::{CheckArgs, CheckFormat};
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

/// Runs random programs, and writes what differs.
pub(super) fn check(
    args: &CheckArgs,
    policy: Policy,
    count: u64,
    out: &mut dyn Write,
    console: &Console,
) -> Result<Exit, Failure> {
    let hunt = Hunt::run(options(args, policy, count), console)?;
    match args.format {
        CheckFormat::Text => text::write_random(out, &hunt)?,
        CheckFormat::Json => json::write_random(out, &hunt)?,
        CheckFormat::Junit => junit::write_random(out, &hunt)?,
    }
    out.flush()?;
    Ok(if !hunt.report.found.is_empty() {
        Exit::Findings
    } else if args.strict && !hunt.report.open.is_empty() {
        Exit::Error
    } else {
        Exit::Clean
    })
}

fn options(args: &CheckArgs, policy: Policy, count: u64) -> Options {
    let shapes = if args.shape.is_empty() {
        Shape::ALL.to_vec()
    } else {
        args.shape.clone()
    };
    Options {
        count,
        seed: args.seed,
        first: args.first,
        max_calls: args.calls,
        shapes,
        policy,
        time_limit: args.seconds.map(Duration::from_secs),
        ..Options::default()
    }
}
