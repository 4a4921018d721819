//! The options of `polter judge`, and those that other verbs share with it.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, ValueEnum};
use eventpoll::Policy;

use crate::fail_on::FailOn;
use polter_class::Class;

#[derive(Debug, Args)]
pub(crate) struct JudgeArgs {
    /// Logs; `-`, or nothing when something is piped in, is standard input
    #[arg(value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,

    /// The processes before the log began, as `polter capture` wrote them down: for strace -p
    #[arg(long, value_name = "DIR")]
    pub(crate) from: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) judging: Judging,
}

/// How to judge a log, and which findings make the exit code 1.
#[derive(Debug, Args)]
pub(crate) struct Judging {
    #[command(flatten)]
    pub(crate) reporting: Reporting,

    #[command(flatten)]
    pub(crate) failing: Failing,
}

/// What makes the exit code another one than 0.
#[derive(Debug, Args)]
pub(crate) struct Failing {
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

/// Which policies are compared.
#[derive(Debug, Args)]
pub(crate) struct Compared {
    /// Policies to compare with Linux's own, by default all
    #[arg(long = "policy", value_name = "POLICY", value_delimiter = ',', value_parser = policy_parser())]
    policy: Vec<Policy>,
}

/// Which policies are compared, and where the report goes.
#[derive(Debug, Args)]
pub(crate) struct Reporting {
    #[command(flatten)]
    pub(crate) compared: Compared,

    /// How the report is written; docs/json.md and docs/ci.md in the source say what is in it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: JudgeFormat,

    /// Write the report to this file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// How a verdict is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum JudgeFormat {
    /// For people
    Text,
    /// For programs: one object a log, each on its own line
    Json,
    /// For many machines: one object a finding, each on its own line, and a last one a log
    Jsonl,
    /// For code scanning: SARIF 2.1.0, one document for all logs
    Sarif,
    /// For CI: JUnit's XML, a suite a log, a test case a class
    Junit,
}

impl Compared {
    /// The policies asked for; all of them if none was named.
    pub(crate) fn policies(&self) -> Vec<Policy> {
        if self.policy.is_empty() {
            return Policy::ALL.to_vec();
        }
        self.policy.clone()
    }
}

/// Parses the name of a policy.
pub(super) fn policy_parser() -> impl clap::builder::TypedValueParser<Value = Policy> {
    PossibleValuesParser::new(Policy::NAMES).try_map(|name| name.parse::<Policy>())
}
