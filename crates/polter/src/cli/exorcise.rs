//! The options of `polter exorcise`.

use clap::Args;

use super::format::Format;

#[derive(Debug, Args)]
pub(crate) struct ExorciseArgs {
    /// The process
    #[arg(value_name = "PID")]
    pub(crate) pid: u32,

    /// Only ghosts of this fd
    #[arg(long, value_name = "N")]
    pub(crate) fd: Option<i32>,

    /// Also treat as ghosts the registrations that are stale in PID's table though another holder
    /// can still name the file; that holder loses them
    #[arg(long, value_name = "PID", requires = "fd")]
    pub(crate) in_table: Option<u32>,

    /// Also remove likely ghosts that the process does not spin on
    #[arg(long, conflicts_with = "in_table")]
    pub(crate) likely: bool,

    /// This machine is an emulated one: let the last question before a removal take a millisecond,
    /// not 50 microseconds
    #[arg(long)]
    pub(crate) slow: bool,

    /// Only say what would be done
    #[arg(short = 'n', long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,

    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,

    /// Scan again and again, so many milliseconds apart, until Ctrl-C
    #[arg(
        short,
        long,
        value_name = "MS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1000",
        value_parser = clap::value_parser!(u64).range(10..=3_600_000)
    )]
    pub(crate) watch: Option<u64>,

    /// Watch the process for so long before and after, and say what its ghosts cost
    #[arg(
        long,
        value_name = "MS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "500",
        value_parser = clap::value_parser!(u64).range(10..=60_000),
        conflicts_with_all = ["watch", "dry_run"]
    )]
    pub(crate) spin: Option<u64>,

    /// How the result is written; JSON has one object for each scan that found something
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
}
