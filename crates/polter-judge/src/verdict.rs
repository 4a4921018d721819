//! What the judge says: plain values, for a report or for JSON.
//!
//! Text in here comes from the log and may hold anything: whoever prints it
//! escapes it.

use crate::Gap;
use serde::Serialize;

/// The whole of what a log showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// What was read.
    pub log: LogSummary,
    /// What the log does not show, though a verdict would need it; none if it shows all.
    pub gaps: Vec<Gap>,
    /// What is wrong, in the order it came to light; the worst of a kind first to be kept.
    pub findings: Vec<Finding>,
    /// Findings beyond the limit, counted and not kept.
    pub findings_left_out: u64,
    /// What each policy would change, Linux's own first.
    pub policies: Vec<PolicyVerdict>,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct LogSummary {
    /// Lines.
    pub lines: u64,
    /// Lines that are blank, or comments.
    pub blank_lines: u64,
    /// Lines that are not strace's, or are torn.
    pub unread_lines: u64,
    /// Calls that ended.
    pub calls: u64,
    /// Calls that changed descriptors or used an instance.
    pub followed: u64,
    /// Tasks seen.
    pub tasks: u64,
    /// Instances seen.
    pub instances: u64,
    /// Registrations made.
    pub registrations: u64,
    /// Events reported.
    pub events: u64,
    /// Events that could come from several registrations.
    pub ambiguous_events: u64,
    /// Events of registrations made before the log began, or that it does not show.
    pub unknown_events: u64,
    /// Descriptors and instances first seen in use, and taken as given.
    pub assumed: u64,
    /// The first warnings.
    pub warnings: Vec<Warning>,
    /// All warnings, kept or not.
    pub warning_count: u64,
}

/// A line that could not be followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Its number, from 1.
    pub line: u64,
    /// The column, from 1; 0 if the whole line is meant.
    pub column: u64,
    /// What is wrong.
    pub message: String,
}

/// One fault, with its story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What kind of fault.
    pub class: Class,
    /// A fault, or something that did no harm in this log.
    pub severity: Severity,
    /// The process it hurts.
    pub pid: u32,
    /// The number it is about.
    pub fd: i32,
    /// The instance.
    pub instance: Instance,
    /// What is wrong, in one sentence.
    pub summary: String,
    /// How it came about, in order.
    pub story: Vec<Step>,
    /// Who kept the file alive when it was orphaned.
    pub holders: Vec<KeptBy>,
    /// How many events were reported through it since.
    pub events: u64,
    /// The line at which it was gone again; nothing if it lasted to the end.
    pub ended: Option<u64>,
    /// How to mend it, in one sentence.
    pub fix: String,
    /// How many more of the same kind, process and place were seen.
    pub repeated: u64,
}

/// The kinds of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A registration outlives its descriptor in a forked process's copy.
    ForkGhost,
    /// A registration outlives its descriptor in a duplicate.
    DupGhost,
    /// A registration outlives its descriptor in the process it came from.
    HandedOverGhost,
    /// A registration outlives its descriptor in a message or a ring.
    InFlightGhost,
    /// A registration outlives its descriptor; the log does not show who keeps the file.
    UnseenGhost,
    /// Two registrations of one number, one of them a ghost.
    NumberReuse,
    /// `epoll_ctl` answers for a file that had the number before.
    ErrnoAfterReuse,
    /// An event of a batch is handled after its descriptor was closed.
    StaleBatch,
    /// A child's DEL takes its parent's registration.
    ChildRemoves,
    /// A process takes an event another process registered for.
    EventTheft,
    /// A process registers a file the others do not have.
    ForeignEntry,
    /// A signalfd in an instance that another process waits on.
    DeafSignalfd,
    /// An instance's number is used after it was closed.
    DeadEpollFd,
    /// An instance reaches a program that never uses it.
    LeakedEpoll,
    /// A descriptor is closed and its number reused while a thread waits.
    CloseRacesWait,
    /// `EPOLL_CTL_ADD` is used to ask whether two descriptors are one file.
    EpollAsKcmp,
    /// An event is reported again and again, and no call is made on what it is about.
    UnheededEvent,
}

impl Class {
    /// Every class.
    pub const ALL: [Class; 17] = [
        Class::ForkGhost,
        Class::DupGhost,
        Class::HandedOverGhost,
        Class::InFlightGhost,
        Class::UnseenGhost,
        Class::NumberReuse,
        Class::ErrnoAfterReuse,
        Class::StaleBatch,
        Class::ChildRemoves,
        Class::EventTheft,
        Class::ForeignEntry,
        Class::DeafSignalfd,
        Class::DeadEpollFd,
        Class::LeakedEpoll,
        Class::CloseRacesWait,
        Class::EpollAsKcmp,
        Class::UnheededEvent,
    ];

    /// The name, as `--fail-on` and JSON spell it.
    pub fn name(self) -> &'static str {
        match self {
            Class::ForkGhost => "fork-ghost",
            Class::DupGhost => "dup-ghost",
            Class::HandedOverGhost => "handed-over-ghost",
            Class::InFlightGhost => "in-flight-ghost",
            Class::UnseenGhost => "unseen-ghost",
            Class::NumberReuse => "number-reuse",
            Class::ErrnoAfterReuse => "errno-after-reuse",
            Class::StaleBatch => "stale-batch",
            Class::ChildRemoves => "child-removes",
            Class::EventTheft => "event-theft",
            Class::ForeignEntry => "foreign-entry",
            Class::DeafSignalfd => "deaf-signalfd",
            Class::DeadEpollFd => "dead-epoll-fd",
            Class::LeakedEpoll => "leaked-epoll",
            Class::CloseRacesWait => "close-races-wait",
            Class::EpollAsKcmp => "epoll-as-kcmp",
            Class::UnheededEvent => "unheeded-event",
        }
    }

    /// True for the five ghosts.
    pub fn is_ghost(self) -> bool {
        matches!(
            self,
            Class::ForkGhost
                | Class::DupGhost
                | Class::HandedOverGhost
                | Class::InFlightGhost
                | Class::UnseenGhost
        )
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// It did harm, or lasted.
    Fault,
    /// It came and went, or is a way of doing things that a policy would change.
    Note,
}

/// An instance, by the descriptor it was made as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Instance {
    /// The process that made it.
    pub pid: u32,
    /// The number it had there.
    pub fd: i32,
    /// The line it was made on; nothing if that was before the log began.
    pub line: Option<u64>,
}

/// One step of a story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What happened, as a short verb phrase: `registered`, `closed by its owner`.
    pub what: String,
    /// Where.
    pub site: Site,
}

/// A call in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Site {
    /// The line, from 1.
    pub line: u64,
    /// Who called.
    pub pid: u32,
    /// The call as the log has it, cut if it is long.
    pub text: String,
    /// The stack under it, if the log has one (`strace -k`), innermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stack: Vec<String>,
}

/// Somebody who keeps a file alive.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeptBy {
    /// A process's descriptor.
    Fd {
        /// The process.
        pid: u32,
        /// The number.
        fd: i32,
    },
    /// The descriptor of a thread that has a table of its own, in the process that closed the number.
    Thread {
        /// The thread.
        tid: u32,
        /// The number.
        fd: i32,
    },
    /// A message not yet received.
    InFlight,
    /// The fixed files of an io_uring.
    Ring,
    /// Somebody the log does not show.
    Unknown,
}

/// What one policy would change in what the log shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyVerdict {
    /// Its name.
    pub policy: String,
    /// What it comes to.
    pub verdict: Outcome,
    /// Ghosts that would not have been.
    pub mended_ghosts: u64,
    /// Events of ghosts that would not have been reported.
    pub mended_events: u64,
    /// Failed calls that would have succeeded.
    pub mended_calls: u64,
    /// Successful calls that would have failed, and events that would have been lost.
    pub break_count: u64,
    /// The first of them.
    pub breaks: Vec<Break>,
    /// Those of them that another order of two processes' calls would spare, one that nothing in the log rules out.
    pub order_count: u64,
    /// Calls that would have failed in such another order only.
    pub other_order_count: u64,
    /// The first of them.
    pub other_order: Vec<Break>,
    /// Changed results nobody acts on: the close of a number that was not copied.
    pub notices: u64,
}

/// What a policy would change, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing.
    Unchanged,
    /// Results nobody acts on.
    Harmless,
    /// It mends something.
    Mends,
    /// It mends something, and what it breaks hangs on the order of two processes' calls.
    MendsMayBreak,
    /// What it breaks hangs on the order of two processes' calls.
    MayBreak,
    /// It mends something, and breaks something.
    MendsAndBreaks,
    /// It breaks something.
    Breaks,
    /// Nothing that the log shows breaks, and the log does not show all.
    NotKnown,
}

/// Something a policy breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Break {
    /// Where.
    pub site: Site,
    /// What.
    pub what: Broken,
    /// True if it depends on an order of two processes' calls that nothing in the log enforces.
    pub depends_on_order: bool,
}

/// How it breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Broken {
    /// The call's result changes.
    Result {
        /// What it was: `0`, `-1 EEXIST`.
        was: String,
        /// What it would be.
        would_be: String,
    },
    /// An event is not reported.
    EventLost {
        /// The number it was registered under.
        fd: i32,
        /// Who registered it, and where.
        registered: Site,
    },
}

impl PolicyVerdict {
    /// What it comes to, by the counts; a log with gaps may show a break, and never that there is none.
    pub fn outcome(&self, is_log_whole: bool) -> Outcome {
        let mends = self.mended_ghosts + self.mended_events + self.mended_calls > 0;
        match (mends, self.breaks_in_any_order()) {
            (false, true) => Outcome::Breaks,
            (true, true) => Outcome::MendsAndBreaks,
            (false, false) if self.depends_on_order() => Outcome::MayBreak,
            (true, false) if self.depends_on_order() => Outcome::MendsMayBreak,
            _ if !is_log_whole => Outcome::NotKnown,
            (false, false) if self.notices > 0 => Outcome::Harmless,
            (false, false) => Outcome::Unchanged,
            (true, false) => Outcome::Mends,
        }
    }

    /// True if nothing the log shows would change.
    pub fn is_unchanged(&self) -> bool {
        let mends = self.mended_ghosts + self.mended_events + self.mended_calls;
        mends + self.break_count + self.other_order_count + self.notices == 0
    }

    /// True if something breaks in every order of calls that the log leaves open.
    pub fn breaks_in_any_order(&self) -> bool {
        self.break_count > self.order_count
    }

    /// True if it depends on such an order whether anything breaks.
    pub fn depends_on_order(&self) -> bool {
        !self.breaks_in_any_order() && self.order_count + self.other_order_count > 0
    }
}
