//! Scripts: what `strace -f` prints, read as a program with its answers.
//!
//! ```text
//! 100 epoll_create1(0) = 3                       a call, and what it answers
//! 101 epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = 0
//! # owner, owner-adopt: = -1 ENOENT (…)          what it answers under these policies
//! # close: epoll_wait(3, [], 8, 0) = 0           the same, where more than the result differs
//! # before 6.10: = -1 EINVAL (…)                 what it answered up to that version of Linux
//! # before 6.10, owner: = -1 ENOENT (…)          … and under this policy
//! 100 epoll_wait(3,  <unfinished ...>            a call that waits
//! 100 <... epoll_wait resumed>[], 8, -1) = 0     … and its end
//! 100 epoll_wait(3, 0x7ffc00000000, 8, -1 <unfinished ...>    one that still waits at the end of the script
//! 100 epoll_wait(3, [], 8, 20) = 0               one that waits by itself: time passes until it ends
//! ```
//!
//! Where strace leaves arguments out of a call that waits, they come from the
//! line of its end; a call without one is written with all of them. Time
//! passes while the script awaits an end, and at no other place.

use eventpoll::{Outcome, Pid, Policy, Syscall, Version};
use polter_trace::{EventKind, Line, Stream, decode_exact};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// A program, with the answers it expects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The first comment: what the script shows.
    pub title: String,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// One thing that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The line it stands on, from 1.
    pub line: u64,
    /// The task that calls, or whose call ends.
    pub pid: Pid,
    /// A call, the begin of one, or its end.
    pub action: Action,
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A call that ends at once.
    Call {
        /// The call.
        syscall: Syscall,
        /// Its answer, by policy.
        answer: Answer,
    },
    /// A call that waits.
    Begin {
        /// The call.
        syscall: Syscall,
    },
    /// The end of a call that waited.
    End {
        /// Its answer, by policy.
        answer: Answer,
    },
}

/// What a call answers: one thing, except under some policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Under Linux's own policy, and every one that has no answer of its own.
    pub usual: Outcome,
    /// Elsewhere: under some policies, before some version, or both.
    pub elsewhere: Vec<(Where, Outcome)>,
}

/// Where a call answers otherwise than usual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Where {
    /// Under these policies; none: under each that is not named at the same call.
    pub policies: Vec<Policy>,
    /// Before this version of Linux; none: in all.
    pub before: Option<Version>,
}

/// Why a text is no script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ScriptError {
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1; 0 if the whole line is meant.
    pub column: u64,
    /// What a script may not have there.
    pub message: String,
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

impl Answer {
    /// The answer under a policy, in a version.
    ///
    /// One that names the policy beats one that does not; then one for older
    /// versions beats one for all, the oldest that is still newer than this one
    /// first.
    pub fn under(&self, policy: Policy, version: Version) -> &Outcome {
        let fits = |place: &Where| {
            let is_policy = place.policies.is_empty() || place.policies.contains(&policy);
            is_policy && place.before.is_none_or(|before| version < before)
        };
        let fitting = self.elsewhere.iter().filter(|(place, _)| fits(place));
        let nearest = fitting.min_by_key(|(place, _)| {
            let before = place
                .before
                .map_or((true, None), |before| (false, Some(before)));
            (place.policies.is_empty(), before)
        });
        nearest.map_or(&self.usual, |(_, outcome)| outcome)
    }
}

impl Step {
    /// What is written as its answer: a call whose end is not still waits when the
    /// script ends.
    pub fn written(&self, policy: Policy, version: Version) -> &Outcome {
        match &self.action {
            Action::Call { answer, .. } | Action::End { answer } => answer.under(policy, version),
            Action::Begin { .. } => &Outcome::Blocked,
        }
    }
}

impl FromStr for Where {
    type Err = ();

    /// Reads `close, owner`, `before 6.10`, or both.
    fn from_str(names: &str) -> Result<Where, ()> {
        let mut place = Where {
            policies: Vec::new(),
            before: None,
        };
        for name in names.split(',').map(str::trim) {
            match name.strip_prefix("before ") {
                Some(version) if place.before.is_none() => {
                    place.before = Some(version.parse().map_err(drop)?);
                }
                Some(_) => return Err(()),
                None => place.policies.push(name.parse().map_err(drop)?),
            }
        }
        Ok(place)
    }
}

impl Script {
    /// Reads a script.
    pub fn parse(text: &[u8]) -> Result<Script, ScriptError> {
        let mut reader = Reader::default();
        let mut stream = Stream::new(text);
        while let Some(assembled) = stream.next_step().expect("bytes in memory can be read") {
            if let Some(warning) = assembled.warning {
                return Err(error(
                    warning.line,
                    warning.column,
                    warning.problem.to_string(),
                ));
            }
            if let Some(event) = assembled.event {
                let pid = Pid(event.pid.map_or(100, |pid| pid as i32));
                reader.read(pid, event.line, &event.kind)?;
            }
        }
        reader.finish()
    }

    /// The process the script begins with.
    pub fn first(&self) -> Pid {
        self.steps.first().map_or(Pid(100), |step| step.pid)
    }
}

/// A script half read.
#[derive(Debug, Default)]
struct Reader {
    title: Option<String>,
    steps: Vec<Step>,
    /// The steps that have begun and not ended, by their line.
    begun: BTreeMap<u64, usize>,
    /// Those of them whose arguments strace prints only at the end.
    unknown: BTreeSet<u64>,
    /// The text of the last answer's call, for answers that give a result only.
    last_call: Option<(String, String)>,
}

impl Reader {
    fn read(&mut self, pid: Pid, line: u64, kind: &EventKind<'_>) -> Result<(), ScriptError> {
        match kind {
            EventKind::Call(call) => {
                let (syscall, usual) = whole(call, line)?;
                self.keep_text(call);
                let answer = Answer {
                    usual,
                    elsewhere: Vec::new(),
                };
                self.steps.push(Step {
                    line,
                    pid,
                    action: Action::Call { syscall, answer },
                });
            }
            EventKind::Entry(call) => {
                let known = polter_trace::decode_entry_exact(call)
                    .map_err(|bad| error(line, bad.column, bad.to_string()))?;
                if known.is_none() {
                    self.unknown.insert(line);
                }
                self.begun.insert(line, self.steps.len());
                let syscall = known.unwrap_or(Syscall::Getpid);
                self.steps.push(Step {
                    line,
                    pid,
                    action: Action::Begin { syscall },
                });
            }
            EventKind::Exit { entry, call } => {
                let (syscall, usual) = whole(call, line)?;
                self.keep_text(call);
                if let Some(begun) = self.begun.remove(entry) {
                    self.steps[begun].action = Action::Begin { syscall };
                    self.unknown.remove(entry);
                }
                let answer = Answer {
                    usual,
                    elsewhere: Vec::new(),
                };
                self.steps.push(Step {
                    line,
                    pid,
                    action: Action::End { answer },
                });
            }
            EventKind::Comment(text) => self.comment(line, text)?,
            EventKind::Signal(_)
            | EventKind::Gone(_)
            | EventKind::StackFrame { .. }
            | EventKind::Note(_) => {}
        }
        Ok(())
    }

    fn keep_text(&mut self, call: &polter_trace::Call<'_>) {
        let args = String::from_utf8_lossy(call.args.raw).into_owned();
        self.last_call = Some((call.name.to_string(), args));
    }

    /// A comment is an answer if it begins with names of policies or a version.
    fn comment(&mut self, line: u64, text: &[u8]) -> Result<(), ScriptError> {
        let text = String::from_utf8_lossy(text);
        let Some(text) = text.trim().strip_prefix('#').map(str::trim) else {
            return Ok(());
        };
        let answered = text
            .split_once(": ")
            .and_then(|(names, answer)| Some((names.parse::<Where>().ok()?, answer.trim())));
        let Some((place, answer)) = answered else {
            self.title.get_or_insert_with(|| text.to_string());
            return Ok(());
        };
        if place.before.is_none() && place.policies.contains(&Policy::LAST_FPUT) {
            return Err(error(
                line,
                1,
                "Linux's own answer stands with the call itself".to_string(),
            ));
        }
        let Some((name, args)) = &self.last_call else {
            return Err(error(
                line,
                1,
                "an answer stands before any call".to_string(),
            ));
        };
        let full = if answer.starts_with('=') {
            format!("{name}({args}) {answer}")
        } else {
            answer.to_string()
        };
        let parsed = Line::parse(full.as_bytes());
        let polter_trace::Body::Call(call) = parsed.body else {
            return Err(error(
                line,
                1,
                "an answer is a result or a whole call".to_string(),
            ));
        };
        let (_, outcome) = whole(&call, line)?;
        match self.steps.last_mut().map(|step| &mut step.action) {
            Some(Action::Call { answer, .. } | Action::End { answer }) => {
                answer.elsewhere.push((place, outcome));
                Ok(())
            }
            _ => Err(error(
                line,
                1,
                "an answer follows a call that has ended".to_string(),
            )),
        }
    }

    fn finish(self) -> Result<Script, ScriptError> {
        if let Some(line) = self.unknown.first() {
            let message = "a call whose end is not written needs all its arguments";
            return Err(error(*line, 0, message.to_string()));
        }
        Ok(Script {
            title: self.title.unwrap_or_default(),
            steps: self.steps,
        })
    }
}

/// A call of the text as a call of the model, with what it answered.
fn whole(call: &polter_trace::Call<'_>, line: u64) -> Result<(Syscall, Outcome), ScriptError> {
    let exact = decode_exact(call).map_err(|bad| error(line, bad.column, bad.to_string()))?;
    let outcome = exact.outcome.expect("an exact call has an outcome");
    Ok((exact.syscall, outcome))
}

fn error(line: u64, column: usize, message: String) -> ScriptError {
    ScriptError {
        line,
        column: column as u64,
        message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventpoll::Errno;

    const SCRIPT: &str = "\
# One file?
100 fcntl(3, F_DUPFD_QUERY, 4) = 0
# owner: = -1 ENOENT (No such file or directory)
# before 6.10: = -1 EINVAL (Invalid argument)
# before 6.2: = -1 EPERM (Operation not permitted)
# before 6.2, stale: = -1 ESTALE (Stale file handle)
";

    #[test]
    fn the_nearest_answer_counts() {
        check(Policy::LAST_FPUT, (6, 10), None);
        check(Policy::LAST_FPUT, (6, 9), Some(Errno::EINVAL));
        check(Policy::LAST_FPUT, (6, 1), Some(Errno::EPERM));
        check(Policy::OWNER, (6, 10), Some(Errno::ENOENT));
        check(Policy::OWNER, (6, 9), Some(Errno::ENOENT));
        check(Policy::STALE, (6, 1), Some(Errno::ESTALE));
    }

    #[test]
    fn a_comment_that_names_no_place_is_a_comment() {
        for comment in [
            "# before lunch: = 0",
            "# before 6.1, before 6.2: = 0",
            "# note: = 0",
        ] {
            let script = Script::parse(format!("{comment}\n").as_bytes()).unwrap();
            assert_eq!(script.steps, []);
        }
    }

    #[test]
    fn an_answer_to_nothing_is_an_error() {
        let error = Script::parse(b"# before 6.1: = 0\n").unwrap_err();
        assert_eq!((error.line, error.column), (1, 1));
    }

    #[track_caller]
    fn check(policy: Policy, (major, minor): (u16, u16), expected: Option<Errno>) {
        let script = Script::parse(SCRIPT.as_bytes()).unwrap();
        assert_eq!(script.title, "One file?");
        let outcome = script.steps[0].written(policy, Version::new(major, minor));
        let errno = match outcome {
            Outcome::Done(Ok(_)) => None,
            Outcome::Done(Err(errno)) => Some(*errno),
            other => panic!("{other:?}"),
        };
        assert_eq!(errno, expected);
    }
}
