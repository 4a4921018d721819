//! The options of `polter race`.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use eventpoll::stepped::{Fix, Seed};

use super::DrawnFormat;

#[derive(Debug, Args)]
pub(crate) struct RaceArgs {
    /// Scripts; `-` is standard input
    #[arg(value_name = "SCRIPT", required = true)]
    pub(crate) scripts: Vec<PathBuf>,

    /// Take a fix out of the kernel: NAME=off
    #[arg(long, value_name = "NAME=off", value_delimiter = ',', value_parser = fix)]
    pub(crate) fix: Vec<(Fix, bool)>,

    /// Put a mistake into the kernel
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = seed_parser(), hide_possible_values = true)]
    pub(crate) seed_bug: Vec<Seed>,

    /// Do not search: replay the schedule in this file; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) schedule: Option<PathBuf>,

    /// The longest schedule to look at
    #[arg(long, value_name = "STEPS", default_value_t = 10_000)]
    pub(crate) bound: u32,

    /// The most states to look at
    #[arg(long, value_name = "STATES", default_value_t = 50_000_000)]
    pub(crate) states: u64,

    /// The most memory to use, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 2048)]
    pub(crate) memory: u64,

    /// The number of cores to use; by default all
    #[arg(long, value_name = "CORES", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) cores: Option<u16>,

    /// If a bound was met: how many random schedules to run beyond it
    #[arg(long, value_name = "SCHEDULES", default_value_t = 10_000)]
    pub(crate) walks: u64,

    /// The seed of the random schedules: the same seed makes the same schedules
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(crate) seed: u64,

    /// How the report is written; docs/json.md in the source says what the JSON holds
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: DrawnFormat,

    /// Write the report to this file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// Parses `NAME=off`, or `NAME=on` for a fix that is in force anyway.
fn fix(text: &str) -> Result<(Fix, bool), String> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    let is_on = match value {
        "off" => false,
        "on" => true,
        _ => return Err(format!("write {name}=off, or {name}=on")),
    };
    let names = || Fix::ALL.map(Fix::name).join(", ");
    let fix = name
        .parse::<Fix>()
        .map_err(|_| format!("the fixes are {}", names()))?;
    Ok((fix, is_on))
}

fn seed_parser() -> impl TypedValueParser<Value = Seed> {
    let values = Seed::ALL.map(|seed| PossibleValue::new(seed.name()).help(seed.summary()));
    PossibleValuesParser::new(values).try_map(|name| name.parse::<Seed>())
}
