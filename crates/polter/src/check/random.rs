//! `polter check --random`: programs that nobody wrote, on the model and on this kernel.

use std::io::Write;
use std::time::Duration;

use eventpoll::{Policy, Version};
use indicatif::{ProgressBar, ProgressStyle};
use polter_check::Running;
use polter_check::random::{Found, Options, RandomReport, Shape, check_random};

use super::{json, junit, text};
use crate::cli::{CheckArgs, CheckFormat};
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

const BAR: &str = "{bar:40} {pos}/{len} programs, {msg} {eta}";

/// What was asked for, and what came of it.
#[derive(Debug)]
pub(super) struct Hunt {
    /// What was asked for.
    pub(super) options: Options,
    /// What came of it.
    pub(super) report: RandomReport,
    /// The kernel's release, as uname(2) has it.
    pub(super) release: String,
    /// The Linux that the model is.
    pub(super) version: Version,
}

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

impl Hunt {
    fn run(options: Options, console: &Console) -> Result<Hunt, Failure> {
        let bar = bar(options.count, console);
        let report = check_random(&options, |report| {
            bar.set_position(report.total().programs);
            let differ = report.found.len();
            bar.set_message(format!("{differ} differ"));
        });
        bar.finish_and_clear();
        let release = Running::release();
        Ok(Hunt {
            options,
            report: report?,
            version: release.parse().unwrap_or_default(),
            release,
        })
    }

    /// The command that runs a program again.
    pub(super) fn again(&self, found: &Found) -> String {
        let Options {
            seed,
            max_calls,
            policy,
            ..
        } = self.options;
        let policy = match policy {
            Policy::LAST_FPUT => String::new(),
            policy => format!(" --policy {policy}"),
        };
        format!(
            "polter check --random 1 --seed {seed} --first {} --calls {max_calls} --shape {}{policy}",
            found.index, found.shape
        )
    }
}

fn bar(count: u64, console: &Console) -> ProgressBar {
    if !console.shows_progress() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(count);
    match ProgressStyle::with_template(BAR) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
