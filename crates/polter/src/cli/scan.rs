//! The options of `polter scan`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use polter_scan::Choice;

use super::format::ListedFormat;
use crate::fail_on::FailOn;
use polter_class::Class;

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("scope"))]
pub(crate) struct ScanArgs {
    /// Processes; by default all
    #[arg(value_name = "PID", group = "scope")]
    pub(crate) pids: Vec<u32>,

    /// All processes that may be read
    #[arg(short, long, group = "scope")]
    pub(crate) all: bool,

    /// The processes with this name, as in /proc/PID/comm
    #[arg(short, long, value_name = "NAME", group = "scope")]
    pub(crate) name: Option<String>,

    /// Also all processes that descend from the named ones
    #[arg(short, long, requires = "pids")]
    pub(crate) children: bool,

    /// Watch the processes for so long, and say which ones spin, and on which ghost or unheeded
    /// event
    #[arg(
        long,
        value_name = "MS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "500",
        value_parser = clap::value_parser!(u64).range(10..=60_000)
    )]
    pub(crate) spin: Option<u64>,

    /// Read a captured tree instead of /proc
    #[arg(long, value_name = "DIR", conflicts_with = "spin")]
    pub(crate) root: Option<PathBuf>,

    /// How to read: by /proc and kcmp(2), or by a walk in the kernel
    #[arg(long, value_name = "SOURCE", default_value = "auto")]
    pub(crate) source: ScanSource,

    /// Exit with 1 if one of these is found
    #[arg(
        long,
        value_name = "CLASS",
        value_delimiter = ',',
        default_value = "fault",
        value_parser = FailOn::parser(&Class::IN_PROCESSES)
    )]
    pub(crate) fail_on: Vec<FailOn>,

    /// How the report is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: ListedFormat,

    /// Write the report to this file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// The way a scan reads running processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScanSource {
    /// A walk in the kernel if that is permitted, else /proc; the report says why
    Auto,
    /// /proc and kcmp(2): needs no privileges for one's own processes
    Proc,
    /// A walk in the kernel (eBPF): the whole machine, and every file told from every other; needs
    /// root, or CAP_BPF and CAP_PERFMON
    Bpf,
}

impl From<ScanSource> for Choice {
    fn from(source: ScanSource) -> Choice {
        match source {
            ScanSource::Auto => Choice::Auto,
            ScanSource::Proc => Choice::Proc,
            ScanSource::Bpf => Choice::Bpf,
        }
    }
}
