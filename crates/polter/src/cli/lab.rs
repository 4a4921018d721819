//! The options of `polter lab`, and those that other verbs share with it.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};
use eventpoll::Policy;

use super::judge::policy_parser;

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub(crate) struct LabArgs {
    /// The kernel's policy; of several, each in a guest of its own
    #[arg(
        long = "policy",
        value_name = "POLICY",
        value_delimiter = ',',
        value_parser = policy_parser(),
        group = "which"
    )]
    policy: Vec<Policy>,

    /// Every policy
    #[arg(long, group = "which")]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) options: LabOptions,

    /// The command and its arguments
    #[arg(
        value_name = "COMMAND",
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) command: Vec<OsString>,
}

impl LabArgs {
    /// The policies asked for, each once, in their own order.
    pub(crate) fn policies(&self) -> Vec<Policy> {
        let asked = |policy: &Policy| self.all || self.policy.contains(policy);
        Policy::ALL.into_iter().filter(asked).collect()
    }
}

/// The guests' kernel and limits.
#[derive(Debug, Args)]
pub(crate) struct LabOptions {
    /// The guests' kernel, by default what kernels/build has built
    #[arg(long, value_name = "FILE")]
    pub(crate) kernel: Option<PathBuf>,

    /// End a guest after so many seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 600,
        value_parser = clap::value_parser!(u64).range(1..=86_400)
    )]
    time_limit: u64,

    /// A guest's memory, which also holds the files it writes
    #[arg(
        long,
        value_name = "MB",
        default_value_t = 1024,
        value_parser = clap::value_parser!(u64).range(64..=65_536)
    )]
    pub(crate) memory: u64,
}

impl LabOptions {
    /// How long a guest may take.
    pub(crate) fn time_limit(&self) -> Duration {
        Duration::from_secs(self.time_limit)
    }
}
