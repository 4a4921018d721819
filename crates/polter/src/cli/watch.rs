//! The options of `polter watch`.

use std::path::PathBuf;

#[cfg(feature = "bpf")]
use clap::ArgGroup;
use clap::Args;
use polter_class::Class;

use super::format::Format;
#[cfg(feature = "bpf")]
use super::record::Targets;
use crate::fail_on::FailOn;

#[derive(Debug, Args)]
#[cfg_attr(feature = "bpf", command(group = ArgGroup::new("source").args(["log", "pids", "cgroup", "all"])))]
pub(crate) struct WatchArgs {
    #[cfg(feature = "bpf")]
    #[command(flatten)]
    pub(crate) targets: Targets,

    /// The log; `-`, or nothing when something is piped in, is standard input
    #[arg(value_name = "LOG")]
    pub(crate) log: Option<PathBuf>,

    /// Remove each ghost when it is made: a registration ends when the process that made it closes its fd or ends
    #[cfg(feature = "bpf")]
    #[arg(long, requires = "source", conflicts_with = "log")]
    pub(crate) exorcise: bool,

    /// Go on at the end of the file, which strace still writes
    #[arg(short, long, requires = "log")]
    pub(crate) follow: bool,

    /// The log's processes run on this machine: look up their names, containers and units in /proc
    #[arg(long)]
    pub(crate) local: bool,

    /// The processes before the log began, as `polter capture` wrote them down: for strace -p
    #[arg(long, value_name = "DIR")]
    pub(crate) from: Option<PathBuf>,

    /// Exit with 1 if one of these was found
    #[arg(
        long,
        value_name = "CLASS",
        value_delimiter = ',',
        default_value = "fault",
        value_parser = FailOn::parser(&Class::IN_LOGS)
    )]
    pub(crate) fail_on: Vec<FailOn>,

    /// Exit with 2 if a line could not be followed, or events were lost
    #[arg(long)]
    pub(crate) strict: bool,

    /// How findings are written: a line each, at once
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,

    /// Write findings to this file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}
