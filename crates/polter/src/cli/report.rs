//! The options of `polter report`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::judge::{Compared, Failing};

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The log, or the files of one `strace -ff`; `-`, or nothing when something is piped in, is standard input
    #[arg(value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,

    /// Write to this file; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// What is written
    #[arg(long, value_name = "FORMAT", default_value = "html")]
    pub(crate) format: ReportFormat,

    /// The processes before the log began, as `polter capture` wrote them down: for strace -p
    #[arg(long, value_name = "DIR")]
    pub(crate) from: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) compared: Compared,

    #[command(flatten)]
    pub(crate) failing: Failing,
}

/// What `polter report` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// One HTML file, for a browser; it needs no network
    Html,
    /// A trace for ui.perfetto.dev: a track for each fd of each instance
    Perfetto,
}
