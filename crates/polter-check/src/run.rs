//! Running a script, and comparing what came with what is written.

use crate::backend::Backend;
use crate::script::{Script, Step};
use crate::script_run::ScriptRun;
use eventpoll::{Out, Outcome, Pid, Policy, Syscall};
use polter_live::ExecutorError;
use std::fmt;
use std::ops::ControlFlow;

/// The first step whose answer is not the one written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The line of the step.
    pub line: u64,
    /// The task that called.
    pub pid: Pid,
    /// The call that was answered otherwise.
    pub call: Syscall,
    /// What the script says for the policy.
    pub written: Outcome,
    /// What was answered instead.
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
    let version = backend.version();
    let compared = follow(script, backend, |step, call, came| {
        let written = step.written(policy, version);
        if fits(call, written, &came) {
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
    let mut run = ScriptRun::new(script);
    for step in &script.steps {
        if let Some((call, came)) = run.step(step, backend)?
            && let ControlFlow::Break(enough) = seen_fn(step, call, came)
        {
            return Ok(ControlFlow::Break(enough));
        }
    }
    for (step, call, came) in run.rest() {
        if matches!(came, Outcome::Done(_))
            && let ControlFlow::Break(enough) = seen_fn(step, call, came)
        {
            return Ok(ControlFlow::Break(enough));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// True if an answer is the one that is written, as far as it is: data that the model does
/// not keep may be written or not, and so may what a call tells besides.
pub fn fits(call: &Syscall, written: &Outcome, came: &Outcome) -> bool {
    let (Outcome::Done(Ok(a)), Outcome::Done(Ok(b))) = (written, came) else {
        return agree(call, written, came);
    };
    let is_open = match call {
        // Bytes of a pipe may look like a counter.
        Syscall::Read { .. } => a.out == Out::None || b.out == Out::None,
        Syscall::Wait4 { .. } => a.out == Out::None,
        _ => false,
    };
    is_open && a.value == b.value || agree(call, written, came)
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
            // A counter that came in pieces is not put together.
            let is_cut = matches!(call, Syscall::Readv { .. });
            is_same_value && (is_cut || same_out(&a.out, &b.out))
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
