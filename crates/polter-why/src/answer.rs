//! The answer: what each process does, and why.

use std::collections::BTreeMap;
use std::time::Duration;

use polter_scan::{Choice, Limits, Proc, Report, ScanError, Scope, Snapshot, Source};
use polter_stack::StackCopy;
use serde::Serialize;

use crate::cause::{Case, Cause, deaf, spinning};
use crate::facts::{CallCounts, Facts};
use crate::stacks::Namer;
use crate::watch::{Watched, watch};

/// Processes that are watched at once; the rest is counted.
const MAX_PROCESSES: usize = 256;

/// Why some processes spin, or are deaf.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// How long they were watched.
    pub window_ms: u64,
    /// Where the registrations come from.
    pub source: Source,
    /// Why the kernel did not count calls; `None` if it did, or was not asked to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not_counted: Option<String>,
    /// A process each, the worst first.
    pub processes: Vec<Told>,
    /// Processes that were asked for and not watched, because they are too many.
    pub left_out: u64,
    /// What the scan could not tell.
    pub untold: u64,
}

/// One process: what it does, and why.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    /// What it does.
    pub state: State,
    /// Why, the likeliest first.
    pub causes: Vec<Cause>,
    /// What was not seen, in words: with any of it, no cause does not mean that there is none.
    pub unseen: Vec<String>,
    /// Its own calls, where the kernel counted them.
    pub calls: Option<CallCounts>,
    /// What was seen.
    #[serde(flatten)]
    pub facts: Facts,
}

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It uses a core, or its wake-ups are in vain, for a cause that is named.
    Spins,
    /// It sleeps, and input waits; or it has a ghost that has nothing to report now.
    Deaf,
    /// It uses a core, and no cause was found.
    Busy,
    /// It works now and then, or sleeps, and nothing waits for it.
    Idle,
}

impl Answer {
    /// Watches the processes of `scope` for `window`, and says why each does what it does.
    ///
    /// # Errors
    ///
    /// As [`Snapshot::take_by`]: if there is no such process, or it may not be read.
    pub fn of(
        proc: &Proc,
        scope: &Scope,
        choice: Choice,
        window: Duration,
    ) -> Result<Answer, ScanError> {
        let mut snapshot = Snapshot::take_by(proc, scope, choice, &Limits::default())?;
        snapshot.gather_evidence(proc, window / 4);
        let report = Report::of(&snapshot);
        let mut pids = asked(&snapshot, scope);
        let left_out = pids.len().saturating_sub(MAX_PROCESSES) as u64;
        pids.truncate(MAX_PROCESSES);
        let with_count = choice != Choice::Proc;
        let mut watched = watch(proc, &snapshot, &report, &pids, window, with_count);
        let copies = std::mem::take(&mut watched.copies);
        if let (Choice::Bpf, Some(why)) = (choice, &watched.why_not_counted) {
            return Err(ScanError::NoWalk(why.clone()));
        }
        let mut answer = Answer::from(&snapshot, &report, watched, left_out);
        answer.add_stacks(proc, &copies);
        Ok(answer)
    }

    fn from(snapshot: &Snapshot, report: &Report, watched: Watched, left_out: u64) -> Answer {
        let seconds = watched.window.as_secs_f64();
        let told = watched.facts.into_iter().map(|facts| {
            let case = Case {
                snapshot,
                report,
                facts: &facts,
                seconds,
            };
            let mut causes = spinning(&case);
            let is_busy = facts.busy().next().is_some();
            let mut state = match causes.is_empty() {
                false => State::Spins,
                true if is_busy => State::Busy,
                true => State::Idle,
            };
            if state == State::Idle {
                causes = deaf(&case);
                causes.extend(case.sleeping_ghosts());
                state = if causes.is_empty() {
                    State::Idle
                } else {
                    State::Deaf
                };
            }
            let unseen = unseen(&facts, state, watched.why_not_counted.as_deref());
            Told {
                state,
                causes,
                unseen,
                calls: facts.calls.as_ref().map(|calls| calls.of(facts.pid)),
                facts,
            }
        });
        let mut processes: Vec<Told> = told.collect();
        processes.sort_by_key(|it| (it.state, it.facts.pid));
        Answer {
            window_ms: watched.window.as_millis() as u64,
            source: report.source.clone(),
            why_not_counted: watched.why_not_counted,
            processes,
            left_out,
            untold: report.untold(),
        }
    }

    /// Adds where in its program each process is, if it does anything to ask about.
    fn add_stacks(&mut self, proc: &Proc, copies: &BTreeMap<u32, StackCopy>) {
        if !proc.is_live() {
            return;
        }
        let mut namer = Namer::new();
        let told = self.processes.iter_mut();
        for told in told.filter(|it| it.state != State::Idle) {
            namer.add(proc, &mut told.facts, copies);
        }
    }

    /// True if a cause was found for some process.
    pub fn has_cause(&self) -> bool {
        self.processes.iter().any(|it| !it.causes.is_empty())
    }

    /// True if something could not be seen, without which nothing can be called healthy.
    pub fn is_blind(&self) -> bool {
        self.left_out > 0
            || self.untold > 0
            || self.processes.iter().any(|it| !it.unseen.is_empty())
    }
}

/// The processes asked for: threads with a table of their own belong to theirs.
fn asked(snapshot: &Snapshot, scope: &Scope) -> Vec<u32> {
    let is_asked = |pid: &u32| match scope {
        Scope::All => true,
        Scope::Pids(pids) => pids.contains(pid),
        Scope::Families(pids) => {
            pids.contains(pid) || pids.iter().any(|it| snapshot.is_descendant(*pid, *it))
        }
        Scope::Name(name) => snapshot
            .processes
            .get(pid)
            .is_some_and(|it| it.comm == *name),
    };
    let processes = snapshot
        .processes
        .values()
        .filter(|it| it.thread_of.is_none());
    processes.map(|it| it.pid).filter(is_asked).collect()
}

/// What was not seen of a process and could be a cause.
fn unseen(facts: &Facts, state: State, why_not_counted: Option<&str>) -> Vec<String> {
    let mut unseen = Vec::new();
    if facts.threads.is_empty() {
        unseen.push("its threads: their times may not be read".to_owned());
    } else if state == State::Idle && !facts.knows_all_threads() {
        unseen.push(
            "what each of its threads waits for: /proc/PID/task/TID/syscall may not be read"
                .to_owned(),
        );
    }
    if facts.threads_left_out > 0 {
        unseen.push(format!("{} more threads", facts.threads_left_out));
    }
    if state == State::Busy && facts.busy().all(crate::facts::ThreadFacts::is_starved) {
        unseen.push(
            "what it does with a CPU: it wants one and hardly gets it; ask for longer (--for 5s)"
                .to_owned(),
        );
    }
    if facts.files_refused > 0 {
        unseen.push(format!(
            "whether its {} files are ready: pidfd_getfd(2) is refused",
            facts.files_refused
        ));
    }
    if facts.files_left_out > 0 {
        unseen.push(format!("{} more files", facts.files_left_out));
    }
    if let Some(calls) = &facts.calls {
        if calls.lost > 0 {
            unseen.push(format!(
                "{} calls that did not fit into the count",
                calls.lost
            ));
        }
        if calls.foreign > 0 {
            unseen.push(format!("{} calls of a 32-bit program", calls.foreign));
        }
    }
    let serves = facts.files_served > 0;
    if state == State::Busy && facts.calls.is_none() && !serves {
        let why = why_not_counted.unwrap_or("they were not counted");
        unseen.push(format!(
            "which calls it makes, and which events it is told of: {why}"
        ));
    }
    unseen
}
