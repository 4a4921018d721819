//! A script on one backend, a step at a time.

use crate::backend::Backend;
use crate::script::{Action, Answer, Script, Step};
use eventpoll::{Outcome, Pid, Syscall};
use polter_live::ExecutorError;
use std::collections::BTreeMap;

/// How far a script has come on one backend.
#[derive(Debug)]
pub(crate) struct ScriptRun<'a> {
    script: &'a Script,
    /// The calls that have begun and whose end is not come to, by their callers.
    begun: BTreeMap<Pid, (&'a Step, &'a Syscall)>,
    /// What waited and has ended, and the script has not come to it.
    ended: BTreeMap<Pid, Outcome>,
}

impl<'a> ScriptRun<'a> {
    pub(crate) fn new(script: &'a Script) -> ScriptRun<'a> {
        ScriptRun {
            script,
            begun: BTreeMap::new(),
            ended: BTreeMap::new(),
        }
    }

    /// Takes the next step. Gives the call that it ends and its answer; nothing
    /// for a call that only begins.
    pub(crate) fn step(
        &mut self,
        step: &'a Step,
        backend: &mut impl Backend,
    ) -> Result<Option<(&'a Syscall, Outcome)>, ExecutorError> {
        let ended = match &step.action {
            Action::Call { syscall, answer } => {
                let child = child_of(syscall, answer).or_else(|| self.spare_child(syscall));
                match backend.call(step.pid, syscall, child)? {
                    Outcome::Blocked => (syscall, self.await_end(step.pid, backend)?),
                    came => (syscall, came),
                }
            }
            Action::Begin { syscall } => {
                let child = child_begun(self.script, step.pid, step.line);
                let came = backend.call(step.pid, syscall, child)?;
                self.begun.insert(step.pid, (step, syscall));
                // A policy may refuse what would wait.
                if came != Outcome::Blocked {
                    self.ended.insert(step.pid, came);
                }
                return Ok(None);
            }
            Action::End { .. } => {
                let came = self.await_end(step.pid, backend)?;
                let begun = self.begun.remove(&step.pid);
                (begun.map_or(&Syscall::Getpid, |(_, call)| call), came)
            }
        };
        self.ended.extend(backend.completions()?);
        Ok(Some(ended))
    }

    /// A number nobody has, for a task that should not come to be.
    fn spare_child(&self, call: &Syscall) -> Option<Pid> {
        let used = self.script.steps.iter().map(|step| match &step.action {
            Action::Call { syscall, answer } => {
                let child = child_of(syscall, answer).unwrap_or(step.pid);
                child.max(step.pid)
            }
            _ => step.pid,
        });
        let last = used.max().unwrap_or(self.script.first());
        makes_task(call).then(|| Pid(last.0.saturating_add(1)))
    }

    /// The calls whose end the script does not have, after the last step.
    pub(crate) fn rest(mut self) -> impl Iterator<Item = (&'a Step, &'a Syscall, Outcome)> {
        let begun = self.begun.into_iter();
        begun.map(move |(pid, (step, call))| {
            let came = self.ended.remove(&pid);
            (step, call, came.unwrap_or(Outcome::Blocked))
        })
    }

    /// The end of a task's call under way; time passes until it comes, or none will.
    fn await_end(
        &mut self,
        pid: Pid,
        backend: &mut impl Backend,
    ) -> Result<Outcome, ExecutorError> {
        self.ended.extend(backend.completions()?);
        while !self.ended.contains_key(&pid) {
            backend.pass_time()?;
            let late = backend.completions()?;
            if late.is_empty() {
                break;
            }
            self.ended.extend(late);
        }
        Ok(self.ended.remove(&pid).unwrap_or(Outcome::Blocked))
    }
}

fn makes_task(call: &Syscall) -> bool {
    matches!(call, Syscall::Fork | Syscall::Vfork | Syscall::Clone { .. })
}

/// The number the script gives to the task a call makes.
fn child_of(call: &Syscall, answer: &Answer) -> Option<Pid> {
    match &answer.usual {
        Outcome::Done(Ok(ret)) if makes_task(call) => Some(Pid(ret.value as i32)),
        _ => None,
    }
}

/// The number of a task whose maker waits for it (`vfork(2)`): in its end's
/// answer, or else, as of a maker that is killed, the next one that is new.
fn child_begun(script: &Script, pid: Pid, line: u64) -> Option<Pid> {
    let (before, later): (Vec<&Step>, Vec<&Step>) =
        script.steps.iter().partition(|step| step.line <= line);
    let end = later.iter().find(|step| step.pid == pid);
    if let Some(Action::End { answer }) = end.map(|step| &step.action)
        && let Outcome::Done(Ok(ret)) = &answer.usual
    {
        return Some(Pid(ret.value as i32));
    }
    let is_new = |other: Pid| {
        let made = |step: &&Step| match &step.action {
            Action::Call { syscall, answer } => child_of(syscall, answer) == Some(other),
            _ => false,
        };
        before.iter().all(|step| step.pid != other && !made(step))
    };
    later.iter().map(|step| step.pid).find(|pid| is_new(*pid))
}
