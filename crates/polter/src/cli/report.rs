//! The options of `polter report`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use eventpoll::Policy;
use polter_class::Class;

use super::judge::policy_parser;
use crate::fail_on::FailOn;

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

    /// Policies to compare with Linux's own, by default all
    #[arg(long = "policy", value_name = "POLICY", value_delimiter = ',', value_parser = policy_parser())]
    policy: Vec<Policy>,

    /// Exit with 1 if the log shows one of these
    #[arg(
        long,
        value_name = "CLASS",
        value_delimiter = ',',
        default_value = "fault",
        value_parser = FailOn::parser(&Class::IN_LOGS)
    )]
    pub(crate) fail_on: Vec<FailOn>,

    /// Exit with 2 if a line of the log could not be followed
    #[arg(long)]
    pub(crate) strict: bool,
}

/// What `polter report` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// One HTML file, for a browser; it needs no network
    Html,
    /// A trace for ui.perfetto.dev: a track for each fd of each instance
    Perfetto,
}

impl ReportArgs {
    /// The policies asked for; all of them if none was named.
    pub(crate) fn policies(&self) -> Vec<Policy> {
        if self.policy.is_empty() {
            return Policy::ALL.to_vec();
        }
        self.policy.clone()
    }
}
