//! Reads a log again, with its findings known, and notes what lived when around each of them.
//!
//! ```text
//!   log ─▶ Judge ─▶ verdict        the first time, under all policies
//!   log ─▶ follow ─▶ lives         again, in Linux's world alone, with an eye on what the verdict names
//! ```
//! A judge need not remember for this what it does not need itself. Everything here is bounded: so many findings, so
//! many lives of each, so many marks in all (`budget`).

mod all;
mod budget;
mod copies;
mod excerpt;
mod holders;
mod life;
mod lives;
mod marks;
mod now;
mod processes;
mod subject;

use crate::input::{Place, fd_at};
use crate::judge::Judge;
use crate::verdict::{Finding, KeptBy, LogTime, Verdict};
use all::AllRegistrations;
use budget::Budget;
use copies::Copies;
use eventpoll::FileId;
use excerpt::Wanted;
use polter_trace::{Assembler, Call, Event, EventKind, Line, LineReader};
use processes::Processes;
use rustc_hash::FxHashMap;
use std::io::{self, BufRead};
use subject::{Subject, named};

/// What a followed log gives.
pub use lives::{
    ExcerptLine, FileLife, FindingLives, Followed, HolderLife, MarkKind, Named, Now, NowFile,
    NowInstance, NowRegistration, NowTable, ProcessLife, RegistrationLife, RegistrationOf, Series,
    Span,
};
/// Places in a log.
pub use marks::Marks;

/// Most findings that are followed.
pub const MAX_FOLLOWED: usize = 64;

/// How often `progress_fn` is called, in lines.
const PROGRESS_LINES: u64 = 1 << 14;
/// Most lines whose time is kept.
const MAX_TIMES: usize = 4096;

/// A judge of Linux's world, and an eye on what findings are about.
struct Follower<'a> {
    judge: Judge,
    findings: &'a [Finding],
    subjects: Vec<Subject>,
    /// The lines of the findings' stories, and the finding of each.
    steps: FxHashMap<u64, Vec<usize>>,
    /// The subjects that are about a file.
    of_file: FxHashMap<FileId, Vec<usize>>,
    processes: Processes,
    copies: Copies,
    all: AllRegistrations,
    budget: Budget,
    times: Vec<(u64, LogTime)>,
    /// The time of every so many lines is kept.
    times_every: u64,
}

/// What is known of an event before it takes effect.
#[derive(Default)]
struct Before {
    /// The file that the call names.
    file: Option<FileId>,
    /// The subjects that are about it.
    about: Vec<usize>,
    /// For each finding with a step on this line, the file that its fd named.
    named: Vec<(usize, Option<FileId>)>,
}

impl Judge {
    /// Reads a log again, and notes what lived when around each finding of its verdict. `self` has read nothing yet, or
    /// what was captured before the log; `progress_fn` is called now and then with the number of lines read.
    ///
    /// Errors: those of the reader.
    pub fn read_again(
        self,
        log: impl BufRead,
        verdict: &Verdict,
        mut progress_fn: impl FnMut(u64),
    ) -> io::Result<Followed> {
        let findings = &verdict.findings[..verdict.findings.len().min(MAX_FOLLOWED)];
        let mut wanted = Wanted::of(findings, &verdict.policies);
        let mut follower = Follower::new(self, findings);
        let mut lines = LineReader::new(log);
        let mut assembler = Assembler::default();
        let mut count = 0;
        while let Some(line) = lines.next_line()? {
            count = line.number;
            if count.is_multiple_of(PROGRESS_LINES) {
                progress_fn(count);
                follower.keep_bounded();
            }
            if line.is_too_long {
                continue;
            }
            wanted.pass(line.number, line.text);
            let parsed = Line::parse(line.text);
            let assembled = assembler.push(line.number, &parsed);
            if let Some(pid) = assembled.named {
                follower.processes.name_root(pid);
            }
            let before = assembled.event.as_ref().map(|event| follower.before(event));
            follower.judge.step(&assembled);
            if let Some((event, before)) = assembled.event.as_ref().zip(before) {
                follower.after(&parsed, event, before);
            }
        }
        progress_fn(count);
        Ok(follower.finish(count, wanted))
    }
}

impl<'a> Follower<'a> {
    fn new(mut judge: Judge, findings: &'a [Finding]) -> Follower<'a> {
        judge.reports = Some(Vec::new());
        let mut steps: FxHashMap<u64, Vec<usize>> = FxHashMap::default();
        for (at, finding) in findings.iter().enumerate() {
            let made = finding.instance.line;
            let story = finding.story.iter().map(|step| step.site.line);
            for line in story.chain(made) {
                steps.entry(line).or_default().push(at);
            }
        }
        Follower {
            judge,
            findings,
            subjects: findings.iter().map(|_| Subject::default()).collect(),
            steps,
            of_file: FxHashMap::default(),
            processes: Processes::of(findings),
            copies: Copies::default(),
            all: AllRegistrations::default(),
            budget: Budget::default(),
            times: Vec::new(),
            times_every: 1,
        }
    }

    /// What the call names before it takes effect.
    fn before(&self, event: &Event<'_>) -> Before {
        let mut before = Before::default();
        if let Some(findings) = self.steps.get(&event.line) {
            let named = |at: &usize| (*at, named(&self.judge, &self.findings[*at]));
            before.named = findings.iter().map(named).collect();
        }
        before.file = self.file_of(event);
        if !matches!(event.kind, EventKind::Entry(_)) {
            before.about = self.about(before.file);
        }
        before
    }

    /// The file that a call names now.
    fn file_of(&self, event: &Event<'_>) -> Option<FileId> {
        let (name, args) = match &event.kind {
            EventKind::Call(call) | EventKind::Exit { call, .. } => (call.name, call.args),
            EventKind::Entry(entry) if entry.name == "close" => (entry.name, entry.args),
            _ => return None,
        };
        let at = match name {
            "epoll_ctl" => 2,
            "epoll_wait" | "epoll_pwait" | "epoll_pwait2" => return None,
            _ => 0,
        };
        let tid = self.judge.tasks.tid(event.pid.unwrap_or(0))?;
        self.judge.worlds.base().fd(tid, fd_at(args, at)?)
    }

    /// The subjects that are about a file.
    fn about(&self, file: Option<FileId>) -> Vec<usize> {
        let about = file.and_then(|file| self.of_file.get(&file));
        about.cloned().unwrap_or_default()
    }

    /// What the event has changed.
    fn after(&mut self, line: &Line<'_>, event: &Event<'_>, before: Before) {
        let prefix = &line.prefix;
        self.note_time(event);
        let pid = self
            .processes
            .note(&self.judge, prefix, event, &mut self.budget);
        if let EventKind::Call(call) | EventKind::Exit { call, .. } = &event.kind {
            let task = event.pid.unwrap_or(0);
            (self.copies).note(&self.judge, task, pid, event.line, call);
        }
        self.note_reports(pid, event);
        let files = [before.file, self.file_of(event)];
        self.all.note(&self.judge, &event.kind, files);
        if !moves_nothing(&event.kind) {
            self.look(may_move_references(&event.kind));
        }
        self.find(event, &before);
        if let EventKind::Call(call) | EventKind::Exit { call, .. } = &event.kind {
            let about = match before.about.is_empty() {
                true => self.found_by(event, &before),
                false => before.about,
            };
            for at in about {
                let lives = &mut self.subjects[at].lives;
                note_name(lives, call);
                let (line, key) = (event.line, (pid, MarkKind::Call));
                self.budget.note(lives, key, line, || text_of(event, call));
            }
        }
    }

    /// Looks for what findings are about on the lines of their stories, and takes the state on the last of them.
    fn find(&mut self, event: &Event<'_>, before: &Before) {
        for (at, file) in &before.named {
            let finding = &self.findings[*at];
            let since_fn =
                |file, who: &KeptBy| (self.copies).since(&self.judge, &self.processes, file, who);
            self.subjects[*at].find(&self.judge, finding, *file, since_fn);
            let Some(file) = self.subjects[*at].file else {
                continue;
            };
            let of_file = self.of_file.entry(file).or_default();
            if !of_file.contains(at) {
                of_file.push(*at);
            }
            let last = finding.story.last().map(|step| step.site.line);
            if last == Some(event.line) {
                let subject = &self.subjects[*at];
                self.subjects[*at].lives.state = now::take(&self.judge, &[subject]);
            }
        }
    }

    /// What has begun and ended; files that are gone are not waited for any more.
    fn look(&mut self, may_move: bool) {
        for (at, subject) in self.subjects.iter_mut().enumerate() {
            subject.look(&self.judge, may_move);
            let gone = subject.file.filter(|_| !subject.is_file_alive);
            if let Some(of_file) = gone.and_then(|file| self.of_file.get_mut(&file)) {
                of_file.retain(|it| *it != at);
            }
        }
    }

    /// The subjects that this call's own line has brought to light.
    fn found_by(&self, event: &Event<'_>, before: &Before) -> Vec<usize> {
        let about = self.about(self.file_of(event));
        let named = |at: &usize| before.named.iter().any(|(named, _)| named == at);
        about.into_iter().filter(named).collect()
    }

    /// The events that a wait has reported, of registrations that are followed.
    fn note_reports(&mut self, pid: u32, event: &Event<'_>) {
        let Some(reports) = &mut self.judge.reports else {
            return;
        };
        let (EventKind::Call(call) | EventKind::Exit { call, .. }) = &event.kind else {
            return reports.clear();
        };
        for (epoll, data) in reports.drain(..) {
            for subject in &mut self.subjects {
                if (subject.epoll, subject.data) == (Some(epoll), Some(data)) {
                    let (line, key) = (event.line, (pid, MarkKind::Report));
                    self.budget
                        .note(&mut subject.lives, key, line, || text_of(event, call));
                }
            }
        }
    }

    fn note_time(&mut self, event: &Event<'_>) {
        let Some(time) = LogTime::of(event.clock) else {
            return;
        };
        if event.line < self.times.last().map_or(0, |last| last.0) + self.times_every {
            return;
        }
        self.times.push((event.line, time));
        if self.times.len() >= MAX_TIMES {
            let mut at = 0;
            self.times.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            self.times_every *= 2;
        }
    }

    fn keep_bounded(&mut self) {
        // The lives are taken out for the moment: the longest series of all gives way.
        let taken = self.subjects.iter_mut();
        let mut lives: Vec<FindingLives> = taken
            .map(|subject| std::mem::take(&mut subject.lives))
            .collect();
        let Processes {
            lives: processes,
            others,
            ..
        } = &mut self.processes;
        self.budget.keep(others, processes, &mut lives);
        for (subject, lives) in self.subjects.iter_mut().zip(lives) {
            subject.lives = lives;
        }
    }

    fn finish(mut self, lines: u64, wanted: Wanted) -> Followed {
        self.keep_bounded();
        let all: Vec<&Subject> = self.subjects.iter().collect();
        let now = now::take(&self.judge, &all);
        let (registrations, registrations_left_out) = self.all.finish(&self.judge);
        Followed {
            lines,
            now,
            registrations,
            registrations_left_out,
            processes: self.processes.lives,
            others: self.processes.others,
            other_tasks: self.processes.other_tasks.len() as u64,
            findings: self
                .subjects
                .into_iter()
                .map(|subject| subject.lives)
                .collect(),
            excerpt: wanted.taken(),
            times: self.times,
        }
    }
}

/// True for calls that change no descriptor and no registration.
fn moves_nothing(kind: &EventKind<'_>) -> bool {
    match kind {
        EventKind::Call(call) | EventKind::Exit { call, .. } => matches!(
            call.name,
            "epoll_wait"
                | "epoll_pwait"
                | "epoll_pwait2"
                | "read"
                | "write"
                | "readv"
                | "writev"
                | "pread64"
                | "pwrite64"
                | "recvfrom"
                | "sendto"
                | "poll"
                | "ppoll"
                | "select"
                | "pselect6"
                | "futex"
                | "mmap"
                | "munmap"
                | "mprotect"
                | "brk"
                | "nanosleep"
                | "clock_nanosleep"
                | "getpid"
                | "gettid"
                | "stat"
                | "fstat"
                | "lseek"
        ),
        EventKind::Entry(entry) => entry.name != "close",
        EventKind::Gone(_) => false,
        _ => true,
    }
}

/// True for calls that can change who has a file, and leave the number of references as it was.
fn may_move_references(kind: &EventKind<'_>) -> bool {
    match kind {
        EventKind::Call(call) | EventKind::Exit { call, .. } => matches!(
            call.name,
            "recvmsg"
                | "recvmmsg"
                | "sendmsg"
                | "dup2"
                | "dup3"
                | "execve"
                | "unshare"
                | "io_uring_register"
                | "fork"
                | "vfork"
                | "clone"
                | "clone3"
        ),
        EventKind::Gone(_) => true,
        _ => false,
    }
}

fn text_of(event: &Event<'_>, call: &Call<'_>) -> String {
    let clock = LogTime::of(event.clock);
    let pid = event.pid.unwrap_or(0);
    Place::of_call((event.line, clock), pid, call).site().text
}

/// What `strace -y` calls the file: `pipe:[7]` of `4<pipe:[7]>`.
fn note_name(lives: &mut FindingLives, call: &Call<'_>) {
    let Some(file) = lives.file.as_mut().filter(|file| file.what.is_none()) else {
        return;
    };
    let at = if call.name == "epoll_ctl" { 2 } else { 0 };
    let raw = call.args.get(at).map(|arg| arg.raw).unwrap_or_default();
    let name = raw.iter().position(|byte| *byte == b'<');
    let name = name.and_then(|from| raw[from + 1..].strip_suffix(b">"));
    file.what = name.map(|name| {
        let name = &name[..name.len().min(200)];
        String::from_utf8_lossy(name).into_owned()
    });
}
