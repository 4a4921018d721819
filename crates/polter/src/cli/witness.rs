//! The options of `polter witness`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use eventpoll::Policy;
use polter_witness::{Shard, Verb, Vocabulary};

use super::DrawnFormat;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct WitnessArgs {
    #[command(subcommand)]
    pub(crate) merge: Option<WitnessVerb>,

    /// Two policies, or a policy and `kernel`, the running one
    #[arg(value_name = "SIDE", value_parser = side_parser(), num_args = 2, required_unless_present = "all")]
    pub(crate) sides: Vec<Side>,

    /// Every pair of the seven policies: the matrix
    #[arg(long, conflicts_with = "sides")]
    pub(crate) all: bool,

    /// The longest programs
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u8).range(1..=24))]
    pub(crate) calls: u8,

    /// For each pair, only the shortest programs, or (`longer`) all that need each of their calls
    #[arg(long, value_name = "WHICH", default_value_t = Which::Auto, hide_default_value = true)]
    pub(crate) show: Which,

    /// One program per explanation, not per category
    #[arg(long)]
    pub(crate) every: bool,

    /// Compare only these calls' results
    #[arg(long, value_name = "CALL", value_delimiter = ',', value_parser = verb_parser())]
    pub(crate) observe: Vec<Verb>,

    #[command(flatten)]
    pub(crate) words: Words,

    #[command(flatten)]
    pub(crate) effort: EffortArgs,

    /// Write each program shown as a script with the answers of all policies into this directory
    #[arg(long, value_name = "DIR")]
    pub(crate) scripts: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) to: To,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WitnessVerb {
    /// Put the parts of a search together
    Merge {
        /// All parts, as `--shard` and `--format json` wrote them
        #[arg(value_name = "PART", required = true)]
        parts: Vec<PathBuf>,

        /// One program per explanation, not per category
        #[arg(long)]
        every: bool,

        #[command(flatten)]
        to: To,
    },
}

/// Where a report goes, and how it is written.
#[derive(Debug, Args)]
pub(crate) struct To {
    /// How the report is written; docs/json.md in the source says what the JSON holds
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: DrawnFormat,

    /// Write the report to this file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// The calls and the bounds of the programs.
#[derive(Debug, Args)]
pub(crate) struct Words {
    /// The calls programs are made of
    #[arg(long, value_name = "NAME", default_value = "plain", value_parser = PossibleValuesParser::new(vocabularies()))]
    pub(crate) vocabulary: String,

    /// Also use these calls
    #[arg(long, value_name = "CALL", value_delimiter = ',', value_parser = verb_parser())]
    pub(crate) with: Vec<Verb>,

    /// Do not use these calls
    #[arg(long, value_name = "CALL", value_delimiter = ',', value_parser = verb_parser())]
    pub(crate) without: Vec<Verb>,

    /// The most processes at once
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=4))]
    pub(crate) processes: u8,

    /// The most open fds of a process, beside 0, 1 and 2
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u8).range(1..=24))]
    pub(crate) numbers: u8,

    /// The most of them that are instances
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=24))]
    pub(crate) instances: u8,
}

/// What a search may cost.
#[derive(Debug, Args)]
pub(crate) struct EffortArgs {
    /// The number of threads; by default one for each core
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<usize>,

    /// Stop after so many states, and say what was covered
    #[arg(long, value_name = "N")]
    pub(crate) states: Option<usize>,

    /// Stop at about so many megabytes, and say what was covered
    #[arg(long, value_name = "MB", default_value_t = 2048)]
    pub(crate) memory: usize,

    /// Only part I of N of the search; `polter witness merge` puts the parts together
    #[arg(long, value_name = "I/N", value_parser = shard, conflicts_with = "scripts")]
    pub(crate) shard: Option<Shard>,

    /// With `kernel`: stop after so many programs
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub(crate) programs: u64,
}

/// One of the two sides that are compared: a policy's model, or the running kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Policy(Policy),
    Kernel,
}

/// Which programs of a pair are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Which {
    /// Longer ones for a single pair, the shortest for all
    Auto,
    /// The shortest programs
    Shortest,
    /// Also the longer programs that show something else
    Longer,
}

impl std::fmt::Display for Which {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Which::Auto => "auto",
            Which::Shortest => "shortest",
            Which::Longer => "longer",
        })
    }
}

impl Words {
    /// The vocabulary that the options describe.
    pub(crate) fn vocabulary(&self) -> Vocabulary {
        let named = Vocabulary::named(&self.vocabulary);
        let mut vocabulary = named.expect("the parser lets no other through");
        vocabulary.processes = self.processes.into();
        vocabulary.numbers = self.numbers.into();
        vocabulary.instances = self.instances.into();
        vocabulary.change(&self.with, &self.without);
        vocabulary
    }
}

fn vocabularies() -> Vec<clap::builder::PossibleValue> {
    Vocabulary::NAMED
        .iter()
        .map(|(name, what)| clap::builder::PossibleValue::new(name).help(what))
        .collect()
}

fn side_parser() -> impl TypedValueParser<Value = Side> {
    let names = Policy::NAMES.iter().copied().chain(["kernel"]);
    PossibleValuesParser::new(names).map(|name| match Policy::from_str(&name) {
        Ok(policy) => Side::Policy(policy),
        Err(_) => Side::Kernel,
    })
}

fn verb_parser() -> impl TypedValueParser<Value = Verb> {
    PossibleValuesParser::new(Verb::ALL.map(Verb::name))
        .map(|name| Verb::named(&name).expect("the parser lets no other through"))
}

fn shard(text: &str) -> Result<Shard, String> {
    let parsed = text.split_once('/').and_then(|(number, of)| {
        let shard = Shard {
            number: number.parse().ok()?,
            of: of.parse().ok()?,
        };
        (1..=shard.of).contains(&shard.number).then_some(shard)
    });
    parsed.ok_or_else(|| "a part is I/N, as in 1/4 to 4/4".to_string())
}
