//! Everything that can go wrong in a verb, with the file and the way out.

use std::io;
use std::path::{Path, PathBuf};

use polter_input::{InputError, Refusal};
use polter_scan::ScanError;
use thiserror::Error;

use crate::permission::{Here, Purpose, advice, own_command};

/// Why there is no report.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// No log was named, and a terminal is no log.
    #[error(
        "no log: name a file, or pipe one in\n  \
         record one:  strace -f -yy -o LOG COMMAND   (or: polter run -- COMMAND)\n  \
         or look at:  polter demo"
    )]
    NoLog,
    /// Nothing was named to be watched, and a terminal is no log.
    #[error(
        "nothing to watch: pipe strace's text in, or name a file\n  \
         a process:  strace -f -yy -ttt -o /dev/stdout -p PID | polter watch --local\n  \
         a file:     polter watch --follow LOG"
    )]
    NothingToWatch,
    /// A log cannot be opened or read.
    #[error("{}: {source}", .path.display())]
    Read {
        /// The path that was named.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The input is no log.
    #[error("{}: {refusal}", .path.display())]
    NoLogAtAll {
        /// The path that was named.
        path: PathBuf,
        /// What it looks like instead.
        refusal: Refusal,
    },
    /// A log is empty.
    #[error(
        "{}: the log is empty: strace has recorded nothing, or has not written it yet",
        .path.display()
    )]
    EmptyLog {
        /// The path that was named.
        path: PathBuf,
    },
    /// Compressed data holds nothing that can be read.
    #[error("{}: {what}, and nothing of it can be read; fetch the file again", .path.display())]
    DamagedLog {
        /// The path that was named.
        path: PathBuf,
        /// The damage, in words.
        what: String,
    },
    /// The files of `strace -ff` cannot be merged.
    #[error(
        "{}: {count} files of strace -ff, one for each task, {what}, and cannot be merged; \
         record with -ttt: strace -ff -ttt -yy -o LOG COMMAND",
        .path.display()
    )]
    Family {
        /// The path that was named.
        path: PathBuf,
        /// The number of files.
        count: usize,
        /// What their time stamps lack.
        what: &'static str,
    },
    /// A page is about one log.
    #[error(
        "a page is about one log, or about the files of one `strace -ff`: make a page for each"
    )]
    SeveralLogs,
    /// A page or a trace would be written to a terminal.
    #[error("this is not for a terminal: name a file, as in -o page.html")]
    NotForATerminal,
    /// A directory was given for a log.
    #[error("{0}: Is a directory; name the logs in it: polter judge {0}/*", .path.display())]
    Directory {
        /// The path that was named.
        path: PathBuf,
    },
    /// A file cannot be made or written.
    #[error("{}: cannot write: {source}", .path.display())]
    WriteFile {
        /// The path that was named.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Standard output cannot be written.
    #[error("cannot write: {0}")]
    Write(#[from] io::Error),
    /// strace is not installed.
    #[error(
        "strace is not installed, and `polter run` watches the command with it\n  \
         install it:         apt install strace | dnf install strace | pacman -S strace | apk add strace\n  \
         record elsewhere:   strace -f -yy -o LOG COMMAND, then here: polter judge LOG\n  \
         see what it shows:  polter demo"
    )]
    NoStrace,
    /// strace is installed but cannot trace.
    #[error("strace cannot watch a command here\n{}\n{hint}", indent(.said))]
    StraceRefused {
        /// Its own message.
        said: String,
        /// What may help.
        hint: String,
    },
    /// A program cannot be started.
    #[error("{}: cannot start: {source}", .program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The command did not start; whoever was to start it has reported why.
    #[error("the command did not start: nothing was recorded")]
    NothingRecorded,
    /// This kernel runs no scripts, or this user may not.
    #[error(
        "no script can be run on this kernel: {0}\n  \
         the model alone:  polter check --no-kernel SCRIPT"
    )]
    Executor(#[from] polter_live::ExecutorError),
    /// The two sides to compare are the same.
    #[error("two different sides are needed: policies, or a policy and `kernel`")]
    OneSide,
    /// The parts of a search do not fit together.
    #[error("the parts do not fit together: {0}")]
    Merge(#[from] polter_witness::MergeError),
    /// Running processes cannot be scanned, or their ghosts not removed.
    #[error("{source}{}", hint(.source))]
    Scan {
        /// The scan's error, which says enough.
        #[from]
        source: ScanError,
    },
    /// A command cannot be run in a guest.
    #[error(transparent)]
    Lab(#[from] polter_lab::LabError),
    /// A guest has no standard input.
    #[error("standard input does not reach a guest: name a file")]
    NoInput,
    /// The hidden verb of a guest was used outside a guest, or the guest failed.
    #[error("{0}")]
    Guest(String),
    /// There is no terminal to ask on.
    #[error(
        "nothing is removed without asking, and there is nobody to ask\n  say --yes to remove them, --dry-run to see"
    )]
    NobodyToAsk,
    /// eBPF is asked for, and not there.
    #[cfg(not(feature = "bpf"))]
    #[error("this polter was built without eBPF: polter run --via strace -- COMMAND")]
    NoBpf,
    /// Cgroups of the second version are not there.
    #[cfg(feature = "bpf")]
    #[error(
        "no cgroup2 is mounted here, and only its cgroups can be recorded\n  \
         mount it:  mount -t cgroup2 none /sys/fs/cgroup/unified"
    )]
    NoCgroups,
    /// The kernel does not record.
    #[cfg(feature = "bpf")]
    #[error(
        "nothing can be recorded here: {refusal}{}\n  with strace instead:  polter run -- COMMAND",
        advised(Purpose::Record)
    )]
    Recorder {
        /// What is missing.
        refusal: polter_record::Refusal,
    },
    /// Signals cannot be caught.
    #[error("cannot catch signals: {0}")]
    Signals(io::Error),
    /// A screen without a terminal.
    #[error("there is no terminal to draw on; for scripts: polter scan --format json")]
    NoTerminal,
    /// The terminal or a scan failed.
    #[error("{0}")]
    Screen(io::Error),
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {source}; another one: --listen 127.0.0.1:0")]
    Listen {
        /// The address that was asked for.
        address: std::net::SocketAddr,
        /// What the kernel says.
        source: io::Error,
    },
    /// Nobody can be served.
    #[error("cannot serve: {0}")]
    Serve(io::Error),
}

impl Failure {
    /// Names the file that could not be read.
    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Failure {
        let path = path.to_owned();
        move |source| Failure::Read { path, source }
    }

    /// Names the log that cannot be judged.
    pub(crate) fn input(path: &Path) -> impl FnOnce(InputError) -> Failure {
        let path = path.to_owned();
        move |error| match error {
            InputError::Refused(refusal) => Failure::NoLogAtAll { path, refusal },
            InputError::Damaged(what) => Failure::DamagedLog { path, what },
            InputError::Empty => Failure::EmptyLog { path },
            InputError::Read(source) => Failure::Read { path, source },
        }
    }

    /// True if it concerns one log only, so that the other logs can still be judged.
    pub(crate) fn is_of_a_log(&self) -> bool {
        matches!(
            self,
            Failure::Read { .. }
                | Failure::NoLogAtAll { .. }
                | Failure::EmptyLog { .. }
                | Failure::DamagedLog { .. }
                | Failure::Directory { .. }
                | Failure::Family { .. }
        )
    }

    /// Names the file that could not be written.
    pub(crate) fn write_file(path: &Path) -> impl FnOnce(io::Error) -> Failure {
        let path = path.to_owned();
        move |source| Failure::WriteFile { path, source }
    }

    /// True if the reader of the report has closed the pipe.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        match self {
            Failure::Write(source) | Failure::Lab(polter_lab::LabError::Output(source)) => {
                source.kind() == io::ErrorKind::BrokenPipe
            }
            _ => false,
        }
    }
}

/// The way out of a scan's error, on lines of its own.
fn hint(error: &ScanError) -> String {
    let said = match error {
        ScanError::Refused(_) | ScanError::AllRefused(_) => return advised(Purpose::LookInside),
        ScanError::NoWalk(_) => return advised(Purpose::UseBpf),
        ScanError::NoSuchProcess(_) | ScanError::NoSuchName(_) => {
            "\n  is it in another pid namespace? look from the host, or from inside\n  \
             is it another user's, and hidden (hidepid in proc(5))? run as root"
        }
        ScanError::NoneInSight => {
            "\n  /proc hides other users' processes (hidepid in proc(5)): run as root"
        }
        ScanError::NotCaptured(_) => {
            "\n  `polter capture DIR` writes all that is needed, for `polter scan --root DIR`"
        }
        ScanError::System { .. } => {
            "\n  Linux 5.9 or later, and a seccomp filter that lets it pass"
        }
        _ => "",
    };
    said.to_owned()
}

/// What is missing here for a purpose, and the line that grants it, each on a line of its own.
fn advised(purpose: Purpose) -> String {
    let lines = advice(&Here::now(), purpose, &own_command());
    lines.iter().map(|line| format!("\n  {line}")).collect()
}

fn indent(said: &str) -> String {
    let lines: Vec<String> = said.lines().map(|line| format!("  | {line}")).collect();
    lines.join("\n")
}
