//! What is drawn: plain values. Every text in here may come from outside and hold anything.

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tone {
    /// It did harm, or lasts.
    Fault,
    /// It did none, or is not known.
    #[default]
    Note,
    /// Nothing to say of it.
    Plain,
    /// All is well.
    Clean,
}

/// The report on one log.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The log's name.
    pub title: String,
    /// The verdict in a few words: `2 faults, 1 note`.
    pub verdict: String,
    /// How bad that is.
    pub tone: Tone,
    /// What was read, and what was not certain: sentences.
    pub read: Vec<String>,
    /// The findings, the worst first.
    pub findings: Vec<Card>,
    /// What is said of findings that are not shown.
    pub left_out: Option<String>,
    /// What the log does not show.
    pub gaps: Vec<Gap>,
    /// The whole log, a lane for each process.
    pub overview: Option<Timeline>,
    /// The state at the end.
    pub now: Option<Graph>,
    /// What each policy would change.
    pub policies: Matrix,
    /// Lines that could not be followed: place and message.
    pub warnings: Vec<(String, String)>,
    /// Lines of the log.
    pub excerpt: Vec<Excerpt>,
    /// When some of the lines were written: line and seconds since the first.
    pub times: Vec<(u64, f64)>,
}

/// A finding.
#[derive(Debug, Clone, Default)]
pub struct Card {
    /// Its kind: `fork ghost`.
    pub class: String,
    /// How bad it is.
    pub tone: Tone,
    /// Where: `process 100, fd 4, instance 3 (line 2)`.
    pub place: String,
    /// What is wrong: a sentence.
    pub summary: String,
    /// How it came about.
    pub story: Vec<Step>,
    /// Facts about it: label and text.
    pub facts: Vec<(String, String)>,
    /// What to do.
    pub fix: String,
    /// By what it is filtered.
    pub filter: Filter,
    /// What lived when.
    pub timeline: Option<Timeline>,
    /// Who kept what when it came to light.
    pub state: Option<Graph>,
}

/// By what a finding is filtered.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The processes that it names.
    pub processes: Vec<u32>,
    /// Its instance.
    pub instance: String,
}

/// A call of a story.
#[derive(Debug, Clone, Default)]
pub struct Step {
    /// The line of the log.
    pub line: u64,
    /// The process or thread.
    pub pid: u32,
    /// The call.
    pub text: String,
    /// What it means.
    pub what: String,
    /// The stack under it, innermost first.
    pub stack: Vec<String>,
}

/// Something that the log does not show.
#[derive(Debug, Clone, Default)]
pub struct Gap {
    /// What.
    pub text: String,
    /// What to do about it.
    pub advice: String,
}

/// A line of the log.
#[derive(Debug, Clone, Default)]
pub struct Excerpt {
    /// Its number.
    pub line: u64,
    /// Its text.
    pub text: String,
    /// Something above names it; else it is there for what is around it.
    pub is_named: bool,
}

/// A part of the log as lanes.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    /// What it shows, for those who do not see it.
    pub label: String,
    /// The first line.
    pub from: u64,
    /// The last line.
    pub to: u64,
    /// The lanes, from top to bottom.
    pub lanes: Vec<Lane>,
    /// Stretches that stand out in all lanes.
    pub bands: Vec<(u64, u64)>,
}

/// A row of a timeline.
#[derive(Debug, Clone, Default)]
pub struct Lane {
    /// Its name.
    pub label: String,
    /// More about it, smaller.
    pub detail: String,
    /// It belongs to the lane above.
    pub is_part: bool,
    /// The process that it is about, if it is about one.
    pub pid: Option<u32>,
    /// Stretches of time.
    pub bars: Vec<Bar>,
    /// Marks.
    pub series: Vec<Series>,
    /// Marks with a text of their own.
    pub steps: Vec<Step>,
}

/// A stretch of time in a lane.
#[derive(Debug, Clone)]
pub struct Bar {
    /// Its first line.
    pub from: u64,
    /// Its last line.
    pub to: u64,
    /// What it is.
    pub kind: BarKind,
    /// What is said of it.
    pub label: String,
    /// Where a click leads: an id of the page.
    pub link: Option<String>,
}

/// What a bar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BarKind {
    /// A process lives.
    Process,
    /// An fd names the file.
    Fd,
    /// The file is open.
    File,
    /// A registration lives, and its fd names its file.
    Registration,
    /// It is a ghost.
    Ghost,
    /// A finding that is no ghost.
    Finding,
}

/// Many marks of one kind in a lane.
#[derive(Debug, Clone)]
pub struct Series {
    /// What they are.
    pub kind: SeriesKind,
    /// What one of them is called: `report`.
    pub noun: String,
    /// How many each stands for.
    pub every: u64,
    /// How many there were.
    pub count: u64,
    /// Their lines, ascending.
    pub lines: Vec<u64>,
    /// The text from a line on, until the next one.
    pub texts: Vec<(u64, String)>,
}

/// What the marks of a series are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeriesKind {
    /// Calls.
    Call,
    /// Reports.
    Report,
}

/// Who keeps what, at one moment.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    /// When that is: a sentence.
    pub caption: String,
    /// Descriptor tables.
    pub tables: Vec<GraphTable>,
    /// Files.
    pub files: Vec<GraphFile>,
    /// Instances.
    pub instances: Vec<GraphInstance>,
}

/// A descriptor table, or somebody else who keeps files.
#[derive(Debug, Clone, Default)]
pub struct GraphTable {
    /// Who uses it.
    pub label: String,
    /// Its fds.
    pub fds: Vec<GraphFd>,
}

/// An fd.
#[derive(Debug, Clone)]
pub struct GraphFd {
    /// Its name: `fd 4`.
    pub label: String,
    /// What it names.
    pub target: Target,
    /// It keeps a ghost's file.
    pub is_keeper: bool,
}

/// What an fd names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// The file with this index.
    File(usize),
    /// The instance with this index.
    Instance(usize),
    /// Nothing: it is closed.
    Closed,
}

/// A file.
#[derive(Debug, Clone, Default)]
pub struct GraphFile {
    /// What it is.
    pub label: String,
    /// Where it comes from, and what else keeps it.
    pub detail: String,
    /// A ghost watches it.
    pub is_haunted: bool,
}

/// An instance.
#[derive(Debug, Clone, Default)]
pub struct GraphInstance {
    /// Its name.
    pub label: String,
    /// More about it.
    pub detail: String,
    /// Its registrations.
    pub registrations: Vec<GraphRegistration>,
}

/// A registration.
#[derive(Debug, Clone)]
pub struct GraphRegistration {
    /// Its name: `fd 4 of process 100`.
    pub label: String,
    /// The index of its file.
    pub file: usize,
    /// Its fd does not name its file.
    pub is_ghost: bool,
}

/// What each policy would change.
#[derive(Debug, Clone, Default)]
pub struct Matrix {
    /// The policies.
    pub rows: Vec<PolicyRow>,
    /// The findings that have a column, by index.
    pub findings: Vec<usize>,
}

/// What one policy would change.
#[derive(Debug, Clone, Default)]
pub struct PolicyRow {
    /// Its name.
    pub policy: String,
    /// For each finding with a column.
    pub cells: Vec<Cell>,
    /// What it mends: `1 ghost, 3 events`.
    pub mends: String,
    /// How many breaks, in words; empty for none.
    pub breaks: String,
    /// The first breaks, each with its line.
    pub links: Vec<Link>,
    /// What it comes to.
    pub verdict: String,
    /// How bad that is.
    pub tone: Tone,
}

/// What a policy does to a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cell {
    /// It would not have been.
    Mended,
    /// It would be as it was.
    #[default]
    Stays,
    /// Nobody can tell.
    Unknown,
}

/// A break, and its line.
#[derive(Debug, Clone, Default)]
pub struct Link {
    /// The line.
    pub line: u64,
    /// What breaks.
    pub text: String,
}

/// A story in columns: two worlds, or the tasks of a schedule.
#[derive(Debug, Clone, Default)]
pub struct Columns {
    /// Its name.
    pub title: String,
    /// What it shows, in a sentence.
    pub sentence: String,
    /// More sentences.
    pub notes: Vec<String>,
    /// How bad it is.
    pub tone: Tone,
    /// The columns' heads.
    pub heads: Vec<String>,
    /// The rows.
    pub rows: Vec<ColumnsRow>,
    /// What is said below.
    pub footer: Vec<String>,
}

/// A row of a story in columns.
#[derive(Debug, Clone, Default)]
pub struct ColumnsRow {
    /// Its number or its caller.
    pub head: String,
    /// A text for each column; empty where it says nothing.
    pub cells: Vec<String>,
    /// The columns say different things, or it is where it goes wrong.
    pub is_marked: bool,
    /// It is a call; else it is what happens inside one.
    pub is_call: bool,
}
