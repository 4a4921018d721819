//! A script on one backend, a step at a time.

use crate::backend::Backend;
use crate::script::{Action, Answer, Script, Step};
use eventpoll::{Outcome, Pid, Syscall};
use polter_live::ExecutorError;
use std::collections::BTreeMap;

/// How far a script has come on one backend.
#[derive(Debug)]
pub(crate) struct Play<'a> {
    script: &'a Script,
    /// The calls that wait, by their callers.
    begun: BTreeMap<Pid, Syscall>,
    /// What waited and has ended, and the script has not come to it.
    ended: BTreeMap<Pid, Outcome>,
}

impl<'a> Play<'a> {
    pub(crate) fn new(script: &'a Script) -> Play<'a> {
        Play {
            script,
            begun: BTreeMap::new(),
            ended: BTreeMap::new(),
        }
    }

    /// Takes the next step. Gives the call that it ends and its answer; nothing
    /// for a call that only begins.
    pub(crate) fn step(
        &mut self,
        step: &Step,
        backend: &mut impl Backend,
    ) -> Result<Option<(Syscall, Outcome)>, ExecutorError> {
        let ended = match &step.action {
            Action::Call { syscall, answer } => {
                let came = backend.call(step.pid, syscall, child_of(syscall, answer))?;
                Some((syscall.clone(), came))
            }
            Action::Begin { syscall } => {
                let child = child_begun(self.script, step.pid, step.line);
                let came = backend.call(step.pid, syscall, child)?;
                self.begun.insert(step.pid, syscall.clone());
                // A policy may refuse what would wait.
                if came != Outcome::Blocked {
                    self.ended.insert(step.pid, came);
                }
                return Ok(None);
            }
            Action::End { .. } => Some(self.end(step.pid, backend)?),
        };
        self.ended.extend(backend.completions()?);
        Ok(ended)
    }

    fn end(
        &mut self,
        pid: Pid,
        backend: &mut impl Backend,
    ) -> Result<(Syscall, Outcome), ExecutorError> {
        self.ended.extend(backend.completions()?);
        if !self.ended.contains_key(&pid) {
            backend.pass_time()?;
            self.ended.extend(backend.completions()?);
        }
        let came = self.ended.remove(&pid).unwrap_or(Outcome::Blocked);
        let call = self.begun.remove(&pid).unwrap_or(Syscall::Getpid);
        Ok((call, came))
    }
}

/// The number the script gives to the task a call makes.
fn child_of(call: &Syscall, answer: &Answer) -> Option<Pid> {
    let makes = matches!(call, Syscall::Fork | Syscall::Vfork | Syscall::Clone { .. });
    match &answer.usual {
        Outcome::Done(Ok(ret)) if makes => Some(Pid(ret.value as i32)),
        _ => None,
    }
}

/// The number of a task whose maker waits for it (`vfork(2)`): in its end's answer.
fn child_begun(script: &Script, pid: Pid, line: u64) -> Option<Pid> {
    let mut later = script
        .steps
        .iter()
        .filter(|step| step.pid == pid && step.line > line);
    match &later.next()?.action {
        Action::End { answer } => match &answer.usual {
            Outcome::Done(Ok(ret)) => Some(Pid(ret.value as i32)),
            _ => None,
        },
        _ => None,
    }
}
