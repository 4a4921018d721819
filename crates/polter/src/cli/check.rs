//! The options of `polter check`.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use eventpoll::{Policy, UnknownVersion, Version};
use polter_check::random::Shape;

use super::LabOptions;
use super::judge::policy_parser;

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Scripts; `-` is standard input
    #[arg(value_name = "SCRIPT", required_unless_present_any = ["conformance", "random"])]
    pub(crate) scripts: Vec<PathBuf>,

    /// The policy of the model and of the kernel: by default this kernel's
    ///
    /// A kernel of the lab says which it has; any other has Linux's, last-fput. Under a policy that
    /// the kernel here does not have, everything happens in a guest that does (see polter help
    /// lab); where the lab's kernel is not built, scripts are run on the model alone.
    #[arg(long, value_name = "POLICY", value_parser = policy_parser())]
    pub(crate) policy: Option<Policy>,

    /// Assume that the kernel here has the policy, whatever it says
    #[arg(long, requires = "policy")]
    pub(crate) here: bool,

    #[command(flatten, next_help_heading = "Guests")]
    pub(crate) guests: LabOptions,

    /// The version of Linux that the model plays, such as 6.12, or `running`
    #[arg(long, value_name = "VERSION", default_value = "running")]
    pub(crate) kernel_version: ModelVersion,

    /// Compare the written answers with the model alone, not with the running kernel
    #[arg(long)]
    pub(crate) no_kernel: bool,

    /// Run polter's own scenarios on the kernel, and say which facts hold there
    #[arg(long, conflicts_with_all = ["scripts", "kernel_version", "no_kernel"])]
    pub(crate) conformance: bool,

    /// Write so many random programs, and run each on the model and on the kernel
    ///
    /// One that differs is shrunk and printed as a script. Stops after five of them.
    #[arg(
        long,
        value_name = "PROGRAMS",
        conflicts_with_all = ["scripts", "kernel_version", "no_kernel", "conformance"]
    )]
    pub(crate) random: Option<u64>,

    /// The seed of the random programs: the same seed makes the same programs
    #[arg(long, value_name = "NUMBER", default_value_t = 1, requires = "random")]
    pub(crate) seed: u64,

    /// The index of the first random program
    #[arg(long, value_name = "INDEX", default_value_t = 0, requires = "random")]
    pub(crate) first: u64,

    /// The most calls of a random program
    #[arg(long, value_name = "CALLS", default_value_t = 40, requires = "random")]
    pub(crate) calls: usize,

    /// Start no random program after so many seconds
    #[arg(long, value_name = "SECONDS", requires = "random")]
    pub(crate) seconds: Option<u64>,

    /// The shapes of random programs; by default each in turn
    #[arg(long, value_name = "SHAPE", value_delimiter = ',', value_parser = shape_parser(), requires = "random")]
    pub(crate) shape: Vec<Shape>,

    /// Exit with 2 if a side was not asked something: the kernel, or both
    ///
    /// A script ends without a verdict at a call that cannot be put to the kernel as it is written,
    /// or whose answer the model does not know. A random program that could not be run to its end
    /// counts as not asked too; so does a script for which there was no kernel, unless --no-kernel
    /// is given.
    #[arg(long, conflicts_with = "conformance")]
    pub(crate) strict: bool,

    /// How the report is written; docs/json.md in the source says what the JSON holds
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: CheckFormat,

    /// Write the report to this file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// How a check's report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people
    Text,
    /// For programs: one object a script, or one for the suite or all random programs
    Json,
    /// For CI: JUnit's XML, a test case a script
    Junit,
}

/// The version of Linux that the model plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ModelVersion {
    /// The version that runs here.
    Running,
    /// A version that was named.
    Of(Version),
}

impl std::str::FromStr for ModelVersion {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<ModelVersion, UnknownVersion> {
        match text {
            "running" => Ok(ModelVersion::Running),
            version => version.parse().map(ModelVersion::Of),
        }
    }
}

fn shape_parser() -> impl TypedValueParser<Value = Shape> {
    let names = Shape::ALL.map(Shape::name);
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Shape>())
}
