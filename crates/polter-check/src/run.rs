//! Running a script, and comparing what came with what is written.

use crate::backend::Backend;
use crate::script::{Action, Answer, Script};
use eventpoll::{Out, Outcome, Pid, Policy, Syscall};
use polter_live::ExecutorError;
use std::collections::BTreeMap;
use std::fmt;

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
    let mut begun: BTreeMap<Pid, Syscall> = BTreeMap::new();
    let mut ended: BTreeMap<Pid, Outcome> = BTreeMap::new();
    for step in &script.steps {
        let (call, written, came) = match &step.action {
            Action::Call { syscall, answer } => {
                let written = answer.under(policy).clone();
                let came = backend.call(step.pid, syscall, child_of(syscall, answer))?;
                (syscall.clone(), written, came)
            }
            Action::Begin { syscall } => {
                let came =
                    backend.call(step.pid, syscall, child_begun(script, step.pid, step.line))?;
                begun.insert(step.pid, syscall.clone());
                // A policy may refuse what would wait.
                match came {
                    Outcome::Blocked => continue,
                    came => {
                        ended.insert(step.pid, came);
                        continue;
                    }
                }
            }
            Action::End { answer } => {
                ended.extend(backend.completions()?);
                if !ended.contains_key(&step.pid) {
                    backend.pass_time()?;
                    ended.extend(backend.completions()?);
                }
                let came = ended.remove(&step.pid).unwrap_or(Outcome::Blocked);
                let call = begun.remove(&step.pid).unwrap_or(Syscall::Getpid);
                (call, answer.under(policy).clone(), came)
            }
        };
        ended.extend(backend.completions()?);
        if !agree(&call, &written, &came) {
            return Ok(Some(Difference {
                line: step.line,
                pid: step.pid,
                call,
                written,
                came,
            }));
        }
    }
    Ok(None)
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
                // Which of two different things comes first means nothing.
                Syscall::Kcmp { .. } => (a.value == 0) == (b.value == 0),
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
