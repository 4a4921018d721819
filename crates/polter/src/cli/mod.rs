//! The command line: one definition for parsing, help, completions and man pages.
//!
//! Each verb's options stand in a file of their own; `examples` holds the end of each help text.

mod check;
mod demo;
mod examples;
mod exorcise;
mod export;
mod format;
mod judge;
mod lab;
mod race;
mod record;
mod report;
mod run;
mod scan;
mod top;
mod watch;
mod why;
mod witness;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::exit::Exit;

pub(crate) use check::{CheckArgs, CheckFormat, ModelVersion};
pub(crate) use demo::{DemoArgs, WorkerArgs};
pub(crate) use exorcise::ExorciseArgs;
pub(crate) use export::ExportArgs;
pub(crate) use format::{DrawnFormat, Format, ListedFormat};
pub(crate) use judge::{JudgeArgs, JudgeFormat, Judging, Reporting};
pub(crate) use lab::{LabArgs, LabOptions};
pub(crate) use race::RaceArgs;
#[cfg(feature = "bpf")]
pub(crate) use record::{HoldArgs, RecordArgs, Targets};
pub(crate) use report::{ReportArgs, ReportFormat};
pub(crate) use run::{FollowArgs, RunArgs, Via};
pub(crate) use scan::ScanArgs;
pub(crate) use top::TopArgs;
pub(crate) use watch::WatchArgs;
pub(crate) use why::WhyArgs;
pub(crate) use witness::{Side, To, Which, WitnessArgs, WitnessVerb};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Finds, explains and judges what epoll leaves behind.
///
/// epoll remembers a descriptor until the last copy of its file is closed, in whatever process that
/// copy is. polter finds the consequences: ghosts, stolen events, children that remove their
/// parent's registrations. It also says what each proposed rule for the kernel would mend and
/// break.
#[derive(Debug, Parser)]
#[command(
    name = "polter",
    version,
    styles = STYLES,
    max_term_width = 100,
    arg_required_else_help = true,
    after_help = with_exit_codes(examples::POLTER, Exit::HELP)
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
    /// Show a ghost in a log that comes with polter, and live in a program of its own
    ///
    /// First polter judges a log. Then it starts a program with a ghost, finds the ghost and
    /// removes it while the program runs. Needs neither strace nor root. In a format that is not for
    /// people, only the log's part is written.
    #[command(after_help = examples::DEMO)]
    Demo(DemoArgs),

    /// Judge strace logs: say what was wrong, and what each policy would change
    ///
    /// A log is what `strace -f` writes into one file; -yy and -k make the report say more. It may
    /// be compressed (gzip, xz, zstd), in UTF-16, or indented or quoted as in a report. Each log is
    /// judged by itself, except the files of `strace -ff -ttt` (LOG.100, LOG.101, …), which are
    /// merged by their time stamps; with -T the ends of calls are known too.
    #[command(after_help = with_exit_codes(examples::JUDGE, Exit::HELP))]
    Judge(JudgeArgs),

    /// Draw a log's verdict: one HTML file, with timelines and graphs
    ///
    /// The page says the same as `polter judge`, and shows for each finding what lived when, and who
    /// kept what; it has the lines that matter, and what each policy would change. It works from disk,
    /// without a network, and can be read without JavaScript. The log is read twice; what is piped in
    /// is kept in a temporary file meanwhile.
    ///
    /// With --format perfetto it writes a trace with the lives of all registrations.
    #[command(after_help = with_exit_codes(examples::REPORT, Exit::HELP))]
    Report(ReportArgs),

    /// Run a command, watch its calls, and judge what it did
    ///
    /// The command keeps its standard input, output and error; the report goes to standard error,
    /// or with -o to a file, when the command and all its descendants have ended. If the command
    /// fails, its exit code is passed on (128 and the signal's number if a signal ended it);
    /// otherwise the exit code is the judge's. Signals are passed to the command; when it has ended
    /// and a descendant still runs, a signal ends the watch, and the descendant runs on.
    ///
    /// As root, or with CAP_BPF and CAP_PERFMON, the kernel records by eBPF, at a fraction of strace's cost; elsewhere strace does (--via),
    /// under which programs are slower, and setuid has no effect.
    #[command(after_help = with_exit_codes(examples::RUN, Exit::HELP))]
    Run(RunArgs),

    /// Tell each fault while the programs run: a line each, at once
    ///
    /// Reads what strace writes while it writes it, from a pipe or from a file that grows. A finding
    /// is told when it comes to light. What only time can tell, such as a ghost through which no event
    /// comes, is told as a suspicion after five to ten seconds, and taken back if it was none. Counts of
    /// events are told again when they have grown tenfold. At the end, or at Ctrl-C, comes a sum. A
    /// line that cannot be read, and events that the recorder has lost, are said at once, and are
    /// never exit code 0. Memory stays the same for days.
    #[command(after_help = with_exit_codes(examples::WATCH, Exit::WATCH_HELP))]
    Watch(WatchArgs),

    /// Record the calls of running programs, at a fraction of strace's cost
    ///
    /// The kernel itself records, by eBPF: nobody is stopped, a call that matters takes some hundred nanoseconds longer, and
    /// everything else a little. The recording is what strace would write, and `polter judge` reads it. A command is
    /// recorded from its first call on, with all that it forks, and its exit code is passed on.
    ///
    /// Needs root, or CAP_BPF and CAP_PERFMON, and a kernel with BTF from Linux 5.17 on; elsewhere, `polter run` uses
    /// strace.
    #[cfg(feature = "bpf")]
    #[command(after_help = examples::RECORD)]
    Record(RecordArgs),

    /// A command that waits until it is recorded
    #[cfg(feature = "bpf")]
    #[command(hide = true)]
    Hold(HoldArgs),

    /// Run scripts on the model and on the running kernel, and compare
    ///
    /// A script is what `strace -f` prints, with the answers it expects; scenarios/ in the source
    /// holds many. The model and the kernel are asked call by call. The first call that one of them
    /// does not answer as written is shown, with the registrations of the caller's instances on
    /// both sides. On the kernel, real processes make the calls, confined so that they end with
    /// polter.
    #[command(after_help = examples::check())]
    Check(CheckArgs),

    /// Find the shortest programs that tell two policies apart
    ///
    /// All programs run in the worlds of both policies, the shortest first, each state only once.
    /// The first program that gets different answers is a shortest one, and is written as a script
    /// with both answers. Longer programs follow that show something else and need each of their
    /// calls. Against `kernel`, all programs run on the model and on the running kernel.
    #[command(after_help = examples::witness())]
    Witness(WitnessArgs),

    /// Search every order in which a few tasks' calls can interleave inside the kernel
    ///
    /// A script is what `strace -f` prints. Up to its last call that makes a task, or a line `#
    /// race`, it sets up; from there on each task makes its calls, and polter searches every
    /// interleaving, at the points where Linux drops a lock or takes a reference. Every error is
    /// shown with a shortest schedule: memory used after it is freed, files polled after their end,
    /// lost wake-ups, deadlocks. A fix can be taken out (--fix), and a mistake put in (--seed-bug).
    #[command(after_help = examples::race())]
    Race(RaceArgs),

    /// Scan running processes for ghosts, and for shared and leaked instances
    ///
    /// A scan stops nothing and changes nothing. Only root may read another user's processes, and a
    /// file's holder is found only among the processes that may be read. As root, the kernel itself
    /// walks its tables (--source): it sees every descriptor table, and tells every file from every
    /// other. The report says which way was taken, and what could not be seen.
    ///
    /// A scan sees the present. Events that leave nothing behind (a stale batch, a child's DEL, an
    /// event that another process took) are in a log: `polter run` and `polter judge`.
    #[command(after_help = with_exit_codes(examples::SCAN, Exit::SCAN_HELP))]
    Scan(ScanArgs),

    /// Say why a process spins, or why it is deaf
    ///
    /// polter watches the process for a second, without stopping it, and names the registration: a
    /// ghost, a hang-up that nobody acts on, input that nobody reads, an EPOLLOUT left on, an accept
    /// that fails for want of an fd, a zero timeout; or, of a process that answers nobody, input that
    /// is registered nowhere, disarmed, masked out, or taken by another process. The answer comes
    /// first, then what was seen, and last what to do now.
    ///
    /// Anybody may ask about processes of their own. As root, or with CAP_BPF and CAP_PERFMON, the
    /// kernel counts calls and reports meanwhile, and the answer is surer.
    #[command(after_help = with_exit_codes(examples::WHY, Exit::WHY_HELP))]
    Why(WhyArgs),

    /// Show the processes that use epoll, live: registrations, ghosts, wake-ups in vain, CPU
    ///
    /// As root, or with CAP_BPF and CAP_PERFMON, the kernel counts wake-ups, in a tenth of the time, and scans by a walk. Scans come
    /// as often as a hundredth of a core allows. `?` shows the keys; `x` removes a process's ghosts, after asking.
    #[command(after_help = examples::TOP)]
    Top(TopArgs),

    /// Serve the number of ghosts and of other findings to Prometheus
    ///
    /// Scans all processes every now and then, and serves the counts at /metrics, in the text of OpenMetrics. Labels name the
    /// class of a finding, the program, its systemd unit, its container and its pod; never a pid or an fd. /livez says whether
    /// scans go on, /readyz whether one has succeeded. A scan takes at most a twentieth of a core, or comes less often.
    /// What could not be seen is a metric of its own: polter_processes_unseen, polter_registrations_unknown.
    #[command(after_help = examples::EXPORT)]
    Export(ExportArgs),

    /// Write down the parts of /proc that a scan reads, for `polter scan --root` elsewhere
    ///
    /// Writes names, paths and fds of all processes that may be read, and no contents. There is no
    /// kernel to ask where it is read, so eventfds, timerfds and signalfds cannot be told apart
    /// there.
    #[command(after_help = with_exit_codes(examples::CAPTURE, Exit::CAPTURE_HELP))]
    Capture {
        /// The directory to write; it must not exist yet
        dir: PathBuf,
    },

    /// Remove a running process's ghosts, without stopping it
    ///
    /// Says what it is going to do, and asks. A registration in use is never touched, and one whose
    /// fd comes and goes is left alone. A registration that a forked process can name too, and does
    /// not wait for, is removed if the process spins on it, or with --likely. Ghosts that cannot be
    /// removed are listed with the reason.
    #[command(after_help = with_exit_codes(examples::EXORCISE, Exit::EXORCISE_HELP))]
    Exorcise(ExorciseArgs),

    /// Run a command on a real kernel that has a policy
    ///
    /// The kernel is Linux as an ordinary process, built once by kernels/build in polter's source.
    /// The command sees this machine's files and may write to them, but its writes are kept in the
    /// guest's memory and end with the guest. There is no network but the guest's own loopback, and
    /// no standard input. Its output and its exit code are passed on (128 and the signal's number
    /// if a signal ended it, 124 if the time was over). System calls are slow there: right for
    /// behaviour, wrong for timing.
    #[command(after_help = examples::LAB)]
    Lab(LabArgs),

    /// A guest's first process
    #[command(hide = true)]
    LabGuest {
        /// The directory with the guest's job
        place: PathBuf,

        /// Arguments that the kernel adds, which are ignored
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<OsString>,
    },

    /// The demo's program with a ghost
    #[command(name = "demo-worker", hide = true)]
    DemoWorker(WorkerArgs),

    /// A program that ends with the process that started it
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
        /// The directory for polter.1, polter-judge.1, …
        dir: Option<PathBuf>,
    },
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

fn with_exit_codes(examples: &str, codes: &str) -> String {
    format!("{examples}\n\n{codes}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;
    use eventpoll::Policy;

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
        assert_eq!(judge.judging.reporting.compared.policies(), Policy::ALL);
        assert_eq!(judge.judging.failing.fail_on.len(), 2);
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
