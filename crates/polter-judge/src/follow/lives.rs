//! What a followed log gives: plain values, for a page or a trace.
//!
//! Text in here comes from the log and may hold anything.

use super::marks::Marks;
use crate::verdict::{Instance, KeptBy, LogTime};

/// A log, followed with its findings known.
#[derive(Debug, Clone, Default)]
pub struct Followed {
    /// Its lines.
    pub lines: u64,
    /// The processes that the findings name, and a few more.
    pub processes: Vec<ProcessLife>,
    /// The calls of all other processes.
    pub others: Marks,
    /// How many other tasks there were, as far as they were counted.
    pub other_tasks: u64,
    /// All registrations, in the order they were made.
    pub registrations: Vec<RegistrationOf>,
    /// How many more there were.
    pub registrations_left_out: u64,
    /// For each finding that was followed, in their order.
    pub findings: Vec<FindingLives>,
    /// The lines that findings and policies name, and those around them.
    pub excerpt: Vec<ExcerptLine>,
    /// The state at the end of the log.
    pub now: Now,
    /// When some of the lines were written, ascending; empty if the log has no dates.
    pub times: Vec<(u64, LogTime)>,
}

/// A stretch of the log, in lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Its first line; `None` if it was there before the log.
    pub from: Option<u64>,
    /// The line that ended it; `None` if it lasted to the end.
    pub to: Option<u64>,
}

/// A process of the log.
#[derive(Debug, Clone, Default)]
pub struct ProcessLife {
    /// Its pid.
    pub pid: u32,
    /// Its name, as far as the log shows it.
    pub name: Option<String>,
    /// The process that made it.
    pub parent: Option<u32>,
    /// How long it lived.
    pub life: Span,
    /// All its calls.
    pub calls: Marks,
}

/// What lived around a finding.
#[derive(Debug, Clone, Default)]
pub struct FindingLives {
    /// The file it is about, if the log shows it.
    pub file: Option<FileLife>,
    /// The file's registrations in the finding's instance.
    pub registrations: Vec<RegistrationLife>,
    /// Who had the file, and how long.
    pub holders: Vec<HolderLife>,
    /// The calls about the file, and the reports of its registration.
    pub series: Vec<Series>,
    /// The state when it came to light.
    pub state: Now,
}

/// An open file description.
#[derive(Debug, Clone, Default)]
pub struct FileLife {
    /// What `strace -y` calls it.
    pub what: Option<String>,
    /// How long it lived.
    pub life: Span,
}

/// A registration.
#[derive(Debug, Clone)]
pub struct RegistrationLife {
    /// The fd it was made under.
    pub fd: i32,
    /// How long it lived.
    pub life: Span,
    /// While it was a ghost.
    pub ghost: Option<Span>,
}

/// A registration, whoever made it.
#[derive(Debug, Clone)]
pub struct RegistrationOf {
    /// The instance.
    pub instance: Instance,
    /// The process that made it.
    pub pid: u32,
    /// The registration.
    pub registration: RegistrationLife,
}

/// Somebody who had a file.
#[derive(Debug, Clone)]
pub struct HolderLife {
    /// Who.
    pub who: KeptBy,
    /// How long.
    pub life: Span,
}

/// Marks of one kind, of one process.
#[derive(Debug, Clone)]
pub struct Series {
    /// The process.
    pub pid: u32,
    /// What is marked.
    pub kind: MarkKind,
    /// Where.
    pub marks: Marks,
    /// The call's text where it changes: it holds for the marks that follow, too.
    pub texts: Vec<(u64, String)>,
}

/// What a mark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    /// A call about the file.
    Call,
    /// A report of the registration.
    Report,
}

/// A line of the log, as it stands there, cut if it is long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExcerptLine {
    /// Its number.
    pub line: u64,
    /// Its text.
    pub text: String,
}

/// Who has what, at one moment.
#[derive(Debug, Clone, Default)]
pub struct Now {
    /// The line after which it was so.
    pub line: u64,
    /// When.
    pub time: Option<LogTime>,
    /// The descriptor tables.
    pub tables: Vec<NowTable>,
    /// The open files that are no instances.
    pub files: Vec<NowFile>,
    /// The instances.
    pub instances: Vec<NowInstance>,
    /// There is more than what is shown.
    pub is_part: bool,
}

/// A descriptor table.
#[derive(Debug, Clone)]
pub struct NowTable {
    /// The processes that use it.
    pub pids: Vec<u32>,
    /// Its fds, as far as they name what is shown.
    pub fds: Vec<(i32, Named)>,
}

/// What an fd names, by index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// One of the files.
    File(usize),
    /// One of the instances.
    Instance(usize),
}

/// An open file.
#[derive(Debug, Clone)]
pub struct NowFile {
    /// Who made it, and where.
    pub made: Instance,
    /// What `strace -y` calls it.
    pub what: Option<String>,
    /// References that are no fd: messages on their way, rings.
    pub nameless: u32,
}

/// An instance.
#[derive(Debug, Clone)]
pub struct NowInstance {
    /// Who made it, and where.
    pub made: Instance,
    /// Its registrations, as far as their files are shown.
    pub registrations: Vec<NowRegistration>,
    /// How many more it has.
    pub more: usize,
}

/// A registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NowRegistration {
    /// The fd it was made under.
    pub fd: i32,
    /// The index of its file.
    pub file: usize,
    /// The processes that use the table that made it; none if it is gone.
    pub owners: Vec<u32>,
    /// Its fd does not name its file.
    pub is_ghost: bool,
    /// Its fd names nothing in the table that made it.
    pub is_closed: bool,
}
