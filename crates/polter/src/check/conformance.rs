//! `polter check --conformance`: which facts about epoll hold on this kernel.

use std::io::Write;

use eventpoll::Policy;

use super::suite::Suite;
use super::{json, junit, text};
use crate::cli::CheckFormat;
use crate::exit::Exit;
use crate::failure::Failure;

/// Runs the suite and writes the table.
pub(super) fn check(
    format: CheckFormat,
    policy: Policy,
    out: &mut dyn Write,
) -> Result<Exit, Failure> {
    let suite = Suite::run(policy)?;
    match format {
        CheckFormat::Text => text::write_suite(out, &suite)?,
        CheckFormat::Json => json::write_suite(out, &suite)?,
        CheckFormat::Junit => junit::write_suite(out, &suite)?,
    }
    out.flush()?;
    let [_, broken, _] = suite.counts();
    Ok(if broken > 0 {
        Exit::Findings
    } else {
        Exit::Clean
    })
}
