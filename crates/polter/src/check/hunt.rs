//! Random programs, run on the model and on this kernel: what was asked for, and what differed.

use eventpoll::{Policy, Version};
use indicatif::{ProgressBar, ProgressStyle};
use polter_check::Running;
use polter_check::random::{Found, Options, RandomReport, check_random};

use crate::console::Console;
use crate::failure::Failure;

const BAR: &str = "{bar:40} {pos}/{len} programs, {msg} {eta}";

/// A run of random programs, and its result.
#[derive(Debug)]
pub(super) struct Hunt {
    /// The options of the run.
    pub(super) options: Options,
    /// The counts, and the programs that differ.
    pub(super) report: RandomReport,
    /// The kernel's release, as uname(2) has it.
    pub(super) release: String,
    /// The version of Linux that the model plays.
    pub(super) version: Version,
}

impl Hunt {
    /// Runs the programs, and shows how far it is.
    pub(super) fn run(options: Options, console: &Console) -> Result<Hunt, Failure> {
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
    pub(super) fn rerun(&self, found: &Found) -> String {
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
