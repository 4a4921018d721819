//! The command line: one definition for parsing, help, completions and man pages.

mod check;
mod examples;
mod lab;
mod race;
mod witness;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use eventpoll::Policy;
use polter_scan::Choice;

use crate::exit::Exit;
use crate::fail_on::{FailOn, ScanFailOn};

pub(crate) use check::{CheckArgs, CheckFormat, ModelVersion};
pub(crate) use lab::{LabArgs, LabOptions};
pub(crate) use race::RaceArgs;
pub(crate) use witness::{Side, To, Which, WitnessArgs, WitnessVerb};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Finds, explains and judges what epoll leaves behind.
///
/// epoll remembers a descriptor until the last copy of its file is closed, in whatever process that
/// copy is. polter finds what comes of that: ghosts, stolen events, children that remove their
/// parent's registrations; and says what each proposed rule for the kernel would mend and break.
#[derive(Debug, Parser)]
#[command(
    name = "polter",
    version,
    styles = STYLES,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = with_exit_codes(examples::POLTER)
)]
pub(crate) struct Cli {
    /// Colour the output
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,

    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show the whole story on a log that comes with polter, and live on a program of its own
    ///
    /// First a log, judged; then a program of polter's own that is haunted, found and freed while it
    /// runs. Needs nothing: no strace and no root. With JSON, the log's part alone.
    #[command(after_help = examples::DEMO)]
    Demo(DemoArgs),

    /// Judge strace logs: what was wrong, and what each policy would change
    ///
    /// A log is what `strace -f` writes into one file; -yy and -k make the report say more. It may be
    /// compressed (gzip, xz, zstd), in UTF-16, or indented or quoted as in a report. Each log is
    /// judged by itself, but the files of `strace -ff -ttt` (LOG.100, LOG.101, …), which are merged by
    /// their time stamps; with -T the ends of calls are known, too.
    #[command(after_help = with_exit_codes(examples::JUDGE))]
    Judge(JudgeArgs),

    /// Run a command under strace, and judge what it did
    ///
    /// The command keeps its standard input, output and error; the report goes to standard error, or
    /// with -o to a file, when the command and all its descendants have ended. If the command fails,
    /// its exit code is passed on (128 and the signal's number if a signal ended it); otherwise the exit
    /// code is the judge's. Signals are passed to the command; when it has ended and a descendant has
    /// not, a signal lets that one go. As under any strace, programs are slower, and setuid has no effect.
    #[command(after_help = with_exit_codes(examples::RUN))]
    Run(RunArgs),

    /// Run scripts on the model and on the running kernel, and compare
    ///
    /// A script is what `strace -f` prints, with the answers it expects; scenarios/ in the source holds
    /// many. The model and the kernel are asked call by call, and the first call that one of them does not
    /// answer as written is shown, with the registrations of the caller's instances on both sides.
    /// On the kernel real processes make the calls, confined so that they end with polter.
    #[command(after_help = examples::check())]
    Check(CheckArgs),

    /// Find the shortest programs that tell two policies apart
    ///
    /// All programs are run in the worlds of both policies, the shortest first, each state only once. The
    /// first that is answered differently is a shortest, and comes as a script with both answers; with it
    /// come longer ones that show something else and need each of their calls. Against `kernel` all
    /// programs run on the model and on the running kernel.
    #[command(after_help = examples::witness())]
    Witness(WitnessArgs),

    /// Search every order in which a few tasks' calls can interleave inside the kernel
    ///
    /// A script is what `strace -f` prints. Up to its last call that makes a task, or a line `# race`, it
    /// sets up; from there on each task makes its calls, and every interleaving is looked at, at the
    /// points where Linux drops a lock or takes a reference. What can go wrong is shown with a shortest
    /// schedule: memory used after it is freed, files polled after their end, wake-ups that are lost,
    /// deadlocks. A fix can be taken out (--fix), a mistake put in (--seed-bug).
    #[command(after_help = examples::race())]
    Race(RaceArgs),

    /// Look at running processes: ghosts, shared and leaked instances, now
    ///
    /// Nothing is stopped and nothing is changed. Another user's processes may only be looked at by
    /// root, and who keeps a file is found only among the processes that may be looked at. Root has the
    /// kernel itself look (--source), which sees every descriptor table and tells every file from every
    /// other; the report says who looked, and what could not be seen.
    ///
    /// A scan sees what is. What has happened and left nothing (a stale batch, a child's DEL, an event
    /// another process took) is in a log: `polter run` and `polter judge`.
    #[command(after_help = with_exit_codes(examples::SCAN))]
    Scan(ScanArgs),

    /// Write down what `polter scan` reads of /proc, for `polter scan --root` elsewhere
    ///
    /// Names, paths and numbers of all processes that may be looked at, and no contents. Where it is read,
    /// the kernel cannot be asked any more: eventfds, timerfds and signalfds cannot be told apart.
    #[command(after_help = with_exit_codes(examples::CAPTURE))]
    Capture {
        /// Where to: a directory that is not there yet
        dir: PathBuf,
    },

    /// Remove a running process's ghosts, without stopping it
    ///
    /// Says what it is going to do, and asks. A registration that is in use is never touched, and one
    /// whose number comes and goes is left alone. What a forked process can name too, and does not wait
    /// for, is removed if the process spins on it, or with --likely. What cannot be removed is listed
    /// with the reason.
    #[command(after_help = with_exit_codes(examples::EXORCISE))]
    Exorcise(ExorciseArgs),

    /// Run a command on a real kernel that has a policy
    ///
    /// The kernel is Linux as an ordinary process, built once by kernels/build in polter's source. The
    /// command sees the files that are here and may write to them: what it writes is kept in the guest's
    /// memory and gone with it. There is no network but the guest's own loopback, and no standard input.
    /// Its output and its exit code are passed on (128 and the signal's number if a signal ended it,
    /// 124 if the time was over). System calls are slow there: right for behaviour, wrong for timing.
    #[command(after_help = examples::LAB)]
    Lab(LabArgs),

    /// A guest's first process
    #[command(hide = true)]
    LabGuest {
        /// Where the guest's job lies
        place: PathBuf,

        /// What the kernel adds of its own: not for us
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<OsString>,
    },

    /// The demo's haunted program
    #[command(hide = true)]
    Haunt(HauntArgs),

    /// A program that ends with whoever started it
    #[command(hide = true)]
    Follow(FollowArgs),

    /// Print a shell's completions
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell
        shell: Shell,
    },

    /// Print the manual page, or write every page into a directory
    #[command(after_help = examples::MAN)]
    Man {
        /// Where polter.1, polter-judge.1, … go
        dir: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    pub(crate) reporting: Reporting,
}

#[derive(Debug, Args)]
pub(crate) struct HauntArgs {
    /// Who started it, and whom it ends with
    pub(crate) parent: i32,
}

#[derive(Debug, Args)]
pub(crate) struct FollowArgs {
    /// Who started it, and whom it ends with
    pub(crate) parent: i32,

    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) command: Vec<OsString>,
}

#[derive(Debug, Args)]
pub(crate) struct JudgeArgs {
    /// Logs; `-`, or nothing when something is piped in, is standard input
    #[arg(value_name = "LOG")]
    pub(crate) logs: Vec<PathBuf>,

    /// What was there before the log began, as `polter capture` wrote it down: for strace -p
    #[arg(long, value_name = "DIR")]
    pub(crate) from: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) judging: Judging,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Keep the log in this file; `polter judge` reads it
    #[arg(short, long, value_name = "FILE")]
    pub(crate) log: Option<PathBuf>,

    /// Record the stack under every call (strace -k): slow, and says who did it
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

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("scope"))]
pub(crate) struct ScanArgs {
    /// Processes; by default all
    #[arg(value_name = "PID", group = "scope")]
    pub(crate) pids: Vec<u32>,

    /// All processes that may be looked at
    #[arg(short, long, group = "scope")]
    pub(crate) all: bool,

    /// The processes of this name, as in /proc/PID/comm
    #[arg(short, long, value_name = "NAME", group = "scope")]
    pub(crate) name: Option<String>,

    /// All that descend from the processes named, too
    #[arg(short, long, requires = "pids")]
    pub(crate) children: bool,

    /// Watch the processes for so long: who spins, and on which ghost or unheeded event?
    #[arg(
        long,
        value_name = "MS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "500",
        value_parser = clap::value_parser!(u64).range(10..=60_000)
    )]
    pub(crate) spin: Option<u64>,

    /// Look at a captured tree, not at /proc
    #[arg(long, value_name = "DIR", conflicts_with = "spin")]
    pub(crate) root: Option<PathBuf>,

    /// Who looks: /proc and kcmp(2), or the kernel itself
    #[arg(long, value_name = "SOURCE", default_value = "auto")]
    pub(crate) source: ScanSource,

    /// Exit with 1 if one of these is found
    #[arg(
        long,
        value_name = "CLASS",
        value_delimiter = ',',
        default_value = "fault"
    )]
    pub(crate) fail_on: Vec<ScanFailOn>,

    /// How the report is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,

    /// Write the report to this file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ExorciseArgs {
    /// The process
    #[arg(value_name = "PID")]
    pub(crate) pid: u32,

    /// Only ghosts of this number
    #[arg(long, value_name = "N")]
    pub(crate) fd: Option<i32>,

    /// What is a ghost in this process's table, though another can name its file, who loses it too
    #[arg(long, value_name = "PID", requires = "fd")]
    pub(crate) in_table: Option<u32>,

    /// What is likely a ghost, too, though the process does not spin on it
    #[arg(long, conflicts_with = "in_table")]
    pub(crate) likely: bool,

    /// Only say what would be done
    #[arg(short = 'n', long, conflicts_with = "yes")]
    pub(crate) dry_run: bool,

    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,

    /// Look again and again, so many milliseconds apart, until Ctrl-C
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

    /// Watch the process for so long before and after: what did its ghosts cost?
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

    /// How it is told: with JSON, one object for each look that found something
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,
}

/// How to judge, and what to make of it.
#[derive(Debug, Args)]
pub(crate) struct Judging {
    #[command(flatten)]
    pub(crate) reporting: Reporting,

    /// Exit with 1 if the log shows one of these
    #[arg(
        long,
        value_name = "CLASS",
        value_delimiter = ',',
        default_value = "fault"
    )]
    pub(crate) fail_on: Vec<FailOn>,

    /// Exit with 2 if a line of the log could not be followed
    #[arg(long)]
    pub(crate) strict: bool,
}

/// What to report, how, and where to.
#[derive(Debug, Args)]
pub(crate) struct Reporting {
    /// Policies to compare with Linux's own, by default all
    #[arg(long = "policy", value_name = "POLICY", value_delimiter = ',', value_parser = policy_parser())]
    policy: Vec<Policy>,

    /// How the report is written; docs/json.md in the source says what the JSON holds
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: Format,

    /// Write the report to this file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

impl Reporting {
    /// The policies asked for, or all.
    pub(crate) fn policies(&self) -> Vec<Policy> {
        if self.policy.is_empty() {
            return Policy::ALL.to_vec();
        }
        self.policy.clone()
    }
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs: one object a log, each on its own line
    Json,
}

/// Who looks at running processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScanSource {
    /// The kernel where it lets us, else /proc; the report says why
    Auto,
    /// /proc and kcmp(2): needs no privileges for one's own processes
    Proc,
    /// A walk in the kernel (eBPF): the whole machine, every file known by itself; needs root, or CAP_BPF and CAP_PERFMON
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

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

impl From<Color> for anstream::ColorChoice {
    fn from(color: Color) -> anstream::ColorChoice {
        match color {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        }
    }
}

fn policy_parser() -> impl clap::builder::TypedValueParser<Value = Policy> {
    PossibleValuesParser::new(Policy::NAMES).try_map(|name| name.parse::<Policy>())
}

fn with_exit_codes(examples: &str) -> String {
    format!("{examples}\n\n{}", Exit::HELP)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definitions_fit_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_policy_and_class_is_a_value() {
        let names = Policy::NAMES.join(",");
        let cli = Cli::try_parse_from([
            "polter",
            "judge",
            "--policy",
            &names,
            "--fail-on",
            "ghost,stale-batch",
            "x",
        ]);
        let Verb::Judge(judge) = cli.unwrap().verb else {
            panic!("not judge")
        };
        assert_eq!(judge.judging.reporting.policies(), Policy::ALL);
        assert_eq!(judge.judging.fail_on.len(), 2);
    }

    #[test]
    fn a_command_keeps_its_options() {
        let cli = Cli::try_parse_from(["polter", "run", "--stacks", "--", "ls", "--color", "-o"]);
        let Verb::Run(run) = cli.unwrap().verb else {
            panic!("not run")
        };
        assert_eq!(run.command, ["ls", "--color", "-o"]);
    }
}
