//! Running a script, and comparing what came with what is written.

use crate::backend::Backend;
use crate::script::{Action, Answer, Script, Step};
use eventpoll::syscall::Kcmp;
use eventpoll::{Out, Outcome, Pid, Policy, Syscall};
use polter_live::ExecutorError;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::ControlFlow;

/// The first step whose answer is not the one written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The line of the step.
    pub line: u64,
    /// Who called.
    pub pid: Pid,
    /// What.
    pub call: Syscall,
    /// What is written.
    pub written: Outcome,
    /// What came.
    pub came: Outcome,
}

/// Runs a script and compares each answer with the one written for `policy`.
///
/// Nothing if all agree. Errors: those of the backend, none of the model.
pub fn run(
    script: &Script,
    policy: Policy,
    backend: &mut impl Backend,
) -> Result<Option<Difference>, ExecutorError> {
    let compared = follow(script, backend, |step, call, came| {
        let written = match &step.action {
            Action::Call { answer, .. } | Action::End { answer } => answer.under(policy),
            // What is written as unfinished still waits when the script ends.
            Action::Begin { .. } => &Outcome::Blocked,
        };
        if agree(call, written, &came) {
            return ControlFlow::Continue(());
        }
        ControlFlow::Break(Difference {
            line: step.line,
            pid: step.pid,
            call: call.clone(),
            written: written.clone(),
            came,
        })
    })?;
    Ok(compared.break_value())
}

/// Runs a script and shows each answer as it comes, until `seen_fn` has seen enough.
///
/// A call that is written as one line and waits is given time to end. One
/// whose end is not written is shown only if it returned, after the last step.
pub fn follow<B>(
    script: &Script,
    backend: &mut impl Backend,
    mut seen_fn: impl FnMut(&Step, &Syscall, Outcome) -> ControlFlow<B>,
) -> Result<ControlFlow<B>, ExecutorError> {
    let mut begun: BTreeMap<Pid, (&Step, &Syscall)> = BTreeMap::new();
    let mut ended: BTreeMap<Pid, Outcome> = BTreeMap::new();
    for step in &script.steps {
        let (call, came) = match &step.action {
            Action::Call { syscall, answer } => {
                match backend.call(step.pid, syscall, child_of(syscall, answer))? {
                    Outcome::Blocked => (syscall, await_end(step.pid, &mut ended, backend)?),
                    came => (syscall, came),
                }
            }
            Action::Begin { syscall } => {
                let came =
                    backend.call(step.pid, syscall, child_begun(script, step.pid, step.line))?;
                begun.insert(step.pid, (step, syscall));
                // A policy may refuse what would wait.
                if came != Outcome::Blocked {
                    ended.insert(step.pid, came);
                }
                continue;
            }
            Action::End { .. } => {
                let came = await_end(step.pid, &mut ended, backend)?;
                let (_, call) = begun.remove(&step.pid).unwrap_or((step, &Syscall::Getpid));
                (call, came)
            }
        };
        ended.extend(backend.completions()?);
        if let ControlFlow::Break(enough) = seen_fn(step, call, came) {
            return Ok(ControlFlow::Break(enough));
        }
    }
    for (pid, (step, call)) in begun {
        let came = ended.remove(&pid);
        if let Some(came @ Outcome::Done(_)) = came
            && let ControlFlow::Break(enough) = seen_fn(step, call, came)
        {
            return Ok(ControlFlow::Break(enough));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// The end of a task's call under way; time passes until it comes, or none will.
fn await_end(
    pid: Pid,
    ended: &mut BTreeMap<Pid, Outcome>,
    backend: &mut impl Backend,
) -> Result<Outcome, ExecutorError> {
    ended.extend(backend.completions()?);
    while !ended.contains_key(&pid) {
        backend.pass_time()?;
        let late = backend.completions()?;
        if late.is_empty() {
            break;
        }
        ended.extend(late);
    }
    Ok(ended.remove(&pid).unwrap_or(Outcome::Blocked))
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

/// True if two answers to a call say the same, where the kernel promises anything.
pub fn agree(call: &Syscall, a: &Outcome, b: &Outcome) -> bool {
    match (a, b) {
        (Outcome::Done(Ok(a)), Outcome::Done(Ok(b))) => {
            let is_same_value = match call {
                // Which of two different files comes first means nothing.
                Syscall::Kcmp {
                    what: Kcmp::File { .. } | Kcmp::Files | Kcmp::EpollTfd { .. },
                    ..
                } => (a.value == 0) == (b.value == 0),
                _ => a.value == b.value,
            };
            is_same_value && same_out(&a.out, &b.out)
        }
        _ => a == b,
    }
}

fn same_out(a: &Out, b: &Out) -> bool {
    let says_nothing = |out: &Out| match out {
        Out::None => true,
        Out::Events(events) => events.is_empty(),
        Out::Rights(fds) => fds.is_empty(),
        _ => false,
    };
    match (a, b) {
        (a, b) if says_nothing(a) && says_nothing(b) => true,
        // poll(2) is printed with the entries that have something to say.
        (Out::Polled(a), Out::Polled(b)) => {
            let ready = |fds: &[eventpoll::PollFd]| {
                let ready = fds.iter().filter(|fd| !fd.revents.is_empty());
                ready.map(|fd| (fd.fd, fd.revents)).collect::<Vec<_>>()
            };
            ready(a) == ready(b)
        }
        (Out::None, Out::Polled(fds)) | (Out::Polled(fds), Out::None) => {
            fds.iter().all(|fd| fd.revents.is_empty())
        }
        // Former settings and masks are not always written.
        (Out::Timer(_) | Out::Mask(_), Out::None) | (Out::None, Out::Timer(_) | Out::Mask(_)) => {
            true
        }
        (a, b) => a == b,
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "line {}:", self.line)?;
        writeln!(
            f,
            "  written  {} {}",
            self.pid,
            polter_trace::encode(&self.call, &self.written)
        )?;
        write!(
            f,
            "  came     {} {}",
            self.pid,
            polter_trace::encode(&self.call, &self.came)
        )
    }
}
