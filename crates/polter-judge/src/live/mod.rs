//! The judge of a log that grows: findings while the programs run.
//!
//! ```text
//!   bytes ─▶ push ─▶ lines ─▶ events ─▶ Judge ─▶ fresh: what is new, each finding under a number
//!                                         ▲
//!                        pass_time ───────┘   what has lasted since the last time is suspected
//! ```
//! Most findings come with the line that shows them. A ghost is one as soon as an event comes through it. What
//! only time can tell (a ghost without an event, an instance that a program never uses, a close too many) is a
//! suspicion once it has lasted from one [`pass_time`](LiveJudge::pass_time) to the next, and a finding when what it is
//! about is over, or the log.
//!
//! Only the end of the log tells what a whole log tells: its gaps, and what policies would change. A suspicion that
//! has not ended is decided there too.

mod names;

use crate::judge::Judge;
use crate::verdict::{LogSummary, LogTime, News, Verdict};
use eventpoll::Policy;
pub(crate) use names::Names;
use polter_trace::{
    Assembled, Assembler, DEFAULT_MAX_LEN, Diagnostic, ErrorKind, EventKind, Line, Problem,
};

/// Replays a log that grows, and tells what is new.
///
/// It keeps a bounded amount, however long the log: a finding that was told is kept until a thousand newer ones
/// are, and changes of it are told until then.
///
/// ```
/// use polter_judge::LiveJudge;
///
/// let mut judge = LiveJudge::new(&[]);
/// judge.push(b"100 epoll_create1(0) = 3\n100 eventfd2(1, 0) = 4\n100 dup(4) = 5\n");
/// judge.push(b"100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data=0x4}) = 0\n100 close(4) = 0\n");
/// assert!(judge.fresh().is_empty());
/// judge.push(b"100 epoll_wait(3, [{events=EPOLLIN, data=0x4}], 8, -1) = 1\n");
/// let news = judge.fresh();
/// assert_eq!((news[0].id, news[0].finding.class.name()), (1, "dup-ghost"));
/// let (last, verdict) = judge.finish();
/// assert_eq!((last.len(), verdict.findings.len()), (0, 1));
/// ```
#[derive(Debug)]
pub struct LiveJudge {
    judge: Judge,
    assembler: Assembler,
    names: Names,
    /// The beginning of a line whose end has not come.
    partial: Vec<u8>,
    /// The line under way is too long: its rest is skipped.
    is_skipping: bool,
    /// Lines that have ended.
    lines: u64,
    /// The newest line that is no stack frame.
    newest: u64,
    /// The log has stacks (`strace -k`): those of the newest line may still come.
    has_stacks: bool,
}

impl LiveJudge {
    /// A judge that compares these policies with Linux's own; for findings alone none is needed.
    pub fn new(policies: &[Policy]) -> LiveJudge {
        LiveJudge::from(Judge::new(policies))
    }

    /// Takes the next bytes of the log. A line without its end waits for the rest.
    pub fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = (&rest[..end], &rest[end + 1..]);
            if self.partial.is_empty() && !self.is_skipping && line.len() <= DEFAULT_MAX_LEN {
                self.line(line);
            } else {
                self.keep(line);
                self.end_line();
            }
            rest = after;
        }
        self.keep(rest);
    }

    /// Time passes: what was suspected when it passed last is told now, and no stack frame of the newest line is
    /// waited for any more. Call it every few seconds, whether or not lines come.
    pub fn pass_time(&mut self) {
        self.pause();
        let next = self.judge.findings.next_index();
        self.judge.pass_time();
        self.name_since(next);
    }

    /// No line has come for a moment: no stack frame of the newest line is waited for any more.
    pub fn pause(&mut self) {
        self.newest = self.lines + 1;
    }

    /// What is new since the last time: findings, and changes of those that were told. Counts of events alone are
    /// told again when they have grown tenfold.
    pub fn fresh(&mut self) -> Vec<News> {
        let before = if self.has_stacks {
            self.newest
        } else {
            u64::MAX
        };
        self.judge.findings.take_news(before, false)
    }

    /// Counts of what was read so far, and the first warnings.
    pub fn summary(&self) -> &LogSummary {
        &self.judge.findings.summary
    }

    /// How many events the recorder has lost, by its own account, as `# lost 12 events` on a line.
    pub fn lost(&self) -> u64 {
        self.judge.coverage.lost.count
    }

    /// Findings that were only counted: nobody asked for those before them, of which there were a thousand.
    pub fn left_out(&self) -> u64 {
        self.judge.findings.left_out()
    }

    /// The log is over: decides what was only suspected. Gives what is new by that, and the verdict on the whole,
    /// whose findings are those that are still kept.
    pub fn finish(mut self) -> (Vec<News>, Verdict) {
        if !self.partial.is_empty() || self.is_skipping {
            self.end_line();
        }
        let next = self.judge.findings.next_index();
        self.judge.decide_all();
        self.name_since(next);
        let news = self.judge.findings.take_news(u64::MAX, true);
        (news, self.judge.into_verdict())
    }

    /// Forgets a line whose end has not come: whoever wrote it was interrupted.
    pub fn drop_partial(&mut self) {
        self.partial.clear();
        self.is_skipping = false;
    }

    /// Adds to the line under way.
    fn keep(&mut self, part: &[u8]) {
        if self.is_skipping || self.partial.len() + part.len() > DEFAULT_MAX_LEN {
            self.is_skipping = true;
            self.partial = Vec::new();
        } else {
            self.partial.extend_from_slice(part);
        }
    }

    /// The line under way has ended.
    fn end_line(&mut self) {
        if std::mem::take(&mut self.is_skipping) {
            self.lines += 1;
            let warning = Diagnostic {
                line: self.lines,
                column: 1,
                problem: Problem::Line(ErrorKind::TooLong),
            };
            self.judge.findings.summary.lines += 1;
            return self.judge.step(&Assembled {
                event: None,
                warning: Some(warning),
                named: None,
            });
        }
        let mut line = std::mem::take(&mut self.partial);
        self.line(&line);
        line.clear();
        self.partial = line;
    }

    /// Handles a whole line.
    fn line(&mut self, text: &[u8]) {
        self.lines += 1;
        let line = Line::parse(text);
        let assembled = self.assembler.push(self.lines, &line);
        let findings = &mut self.judge.findings;
        findings.summary.lines += 1;
        let clock = LogTime::of(line.prefix.clock);
        findings.now = (self.lines, clock.or(findings.now.1));
        let next = findings.next_index();
        let event = assembled.event.as_ref();
        if event.is_some_and(|event| matches!(event.kind, EventKind::StackFrame { .. })) {
            self.has_stacks = true;
        } else {
            self.newest = self.lines;
        }
        if let Some(pid) = assembled.named {
            self.names.name_root(pid);
        }
        self.names.note(&line.prefix, event);
        self.judge.step(&assembled);
        let gone = event.filter(|event| matches!(event.kind, EventKind::Gone(_)));
        let gone = gone.and_then(|event| event.pid);
        self.name_since(next);
        if let Some(pid) = gone {
            self.names.forget(pid);
        }
    }

    /// Names the processes of the findings that were made since this index was the next.
    fn name_since(&mut self, index: usize) {
        for at in index..self.judge.findings.next_index() {
            let names = &self.names;
            (self.judge.findings).name(at, |pid| names.get(pid).map(str::to_owned));
        }
    }
}

impl From<Judge> for LiveJudge {
    /// Goes on with a judge that has read nothing yet, or what was captured before the log.
    fn from(mut judge: Judge) -> LiveJudge {
        judge.findings.is_live = true;
        LiveJudge {
            judge,
            assembler: Assembler::default(),
            names: Names::default(),
            partial: Vec::new(),
            is_skipping: false,
            lines: 0,
            newest: 0,
            has_stacks: false,
        }
    }
}
