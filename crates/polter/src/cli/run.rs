//! The options of `polter run`, and of the hidden verb that strace is started by.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::judge::Judging;

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Keep the log in this file; `polter judge` reads it
    #[arg(short, long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,

    /// What watches the command: the kernel by eBPF, or strace, which costs much more
    #[arg(long, value_name = "RECORDER", default_value = "auto")]
    pub(crate) via: Via,

    /// Record the stack of every call (strace -k): slow, but the report names the code
    #[arg(long)]
    pub(crate) stacks: bool,

    #[command(flatten)]
    pub(crate) judging: Judging,

    /// The command and its arguments
    #[arg(
        value_name = "COMMAND",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) command: Vec<OsString>,
}

/// What watches a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Via {
    /// eBPF where that is allowed; strace elsewhere, and for --stacks
    Auto,
    /// eBPF, or an error
    Bpf,
    /// strace
    Strace,
}

#[derive(Debug, Args)]
pub(crate) struct FollowArgs {
    /// The process that started it, and with which it ends
    pub(crate) parent: i32,

    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) command: Vec<OsString>,
}
