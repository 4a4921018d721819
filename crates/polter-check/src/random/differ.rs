//! One program on a model and somewhere else, compared call by call.

use super::generate::{Act, Program};
use super::model_run::{Effect, ModelRun, makes_process, perform};
use crate::backend::Backend;
use crate::run::agree;
use eventpoll::syscall::{Buffer, TimerSpec};
use eventpoll::{Events, Fd, Out, Outcome, Pid, Policy, PollFd, Syscall};
use polter_live::ExecutorError;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What came of running a program.
#[derive(Debug)]
pub struct ProgramRun {
    /// What was done, and what was answered.
    pub scenes: Vec<Scene>,
    /// True if some call waited.
    pub has_waited: bool,
    /// True if there were two processes or more.
    pub has_processes: bool,
    /// True if some instance watched another.
    pub has_nesting: bool,
    /// Whether the two sides agreed to the end.
    pub verdict: Verdict,
}

/// One act, with both answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scene {
    /// The call that was made.
    pub act: Act,
    /// What the model answered to it.
    pub model: Outcome,
    /// The waiting calls that ended with it on the model.
    pub model_ended: Vec<(Pid, Outcome)>,
    /// The other side's answer.
    pub kernel: Outcome,
    /// The waiting calls that ended with it there.
    pub kernel_ended: Vec<(Pid, Outcome)>,
}

/// How a comparison ended.
#[derive(Debug)]
pub enum Verdict {
    /// They did the same.
    Same,
    /// They did not, first in this.
    Different(Disagreement),
    /// The other side could not go on.
    Open(ExecutorError),
}

/// What differs; the last act of what was run is the one after which it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disagreement {
    /// The answer of the last act.
    Answer,
    /// The waiting calls that ended, or their answers, or their order.
    Ends,
    /// What fdinfo says of an instance: the number, the mask, the word of each registration.
    Interest {
        /// A task that has it open.
        pid: Pid,
        /// The fd that task has for it.
        fd: Fd,
        /// What the model has.
        model: Vec<String>,
        /// What the other side has.
        kernel: Vec<String>,
    },
    /// The model panicked, with this message.
    Panic(String),
    /// The model is not whole any more.
    Broken(String),
}

/// What is compared when a program has come to its end, beside the registrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Nothing: the program looks for itself.
    Plain,
    /// Every instance is asked for its events, and every table polled whole.
    Readiness,
}

/// Runs a program on a fresh model of `other`'s version and on `other`, which must be fresh as well.
pub fn run_program(
    program: &Program,
    ending: Ending,
    policy: Policy,
    other: &mut impl Backend,
) -> ProgramRun {
    let mut comparison = Comparison {
        model_run: ModelRun::new(policy, other.version()),
        other,
        waiting: BTreeMap::new(),
        run: ProgramRun {
            scenes: Vec::new(),
            has_waited: false,
            has_processes: false,
            has_nesting: false,
            verdict: Verdict::Same,
        },
    };
    let end = comparison.run_program(program, ending);
    comparison.run.verdict = end.err().unwrap_or(Verdict::Same);
    comparison.run
}

struct Comparison<'b, B> {
    model_run: ModelRun,
    other: &'b mut B,
    /// The calls under way.
    waiting: BTreeMap<Pid, Syscall>,
    run: ProgramRun,
}

/// Nothing, or the verdict that ends the comparison.
type Step = Result<(), Verdict>;

impl ProgramRun {
    /// The program as it was run, with the looks at readiness.
    pub fn program(&self) -> Program {
        let steps = self.scenes.iter().map(|scene| scene.act.clone()).collect();
        Program { steps }
    }
}

impl<B: Backend> Comparison<'_, B> {
    fn run_program(&mut self, program: &Program, ending: Ending) -> Step {
        for act in &program.steps {
            self.take(act)?;
        }
        self.run.has_nesting |= self.model_run.is_nested();
        if ending == Ending::Readiness {
            self.look_at_readiness()?;
        }
        self.look_at_interest()?;
        let whole = self.model_run.kernel().check_invariants();
        whole.map_err(|why| Verdict::Different(Disagreement::Broken(why)))
    }

    /// One act on both sides, if its task can act.
    fn take(&mut self, act: &Act) -> Step {
        let Act { pid, call, child } = act;
        if self.model_run.admits(*pid, call).is_err() {
            return Ok(());
        }
        let on_model = AssertUnwindSafe(|| self.model_run.perform(*pid, call, *child));
        let model = catch_unwind(on_model).map_err(|panic| {
            let what = panic.downcast_ref::<String>().cloned();
            let what = what.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
            Verdict::Different(Disagreement::Panic(what.unwrap_or_default()))
        });
        let model = match model {
            Ok(model) => model,
            Err(verdict) => {
                let nothing = Effect {
                    outcome: Outcome::Gone,
                    ended: Vec::new(),
                };
                self.keep(act, nothing.clone(), nothing);
                return Err(verdict);
            }
        };
        let kernel = perform(self.other, *pid, call, *child).map_err(Verdict::Open)?;
        self.compare(act, model, kernel)
    }

    fn compare(&mut self, act: &Act, model: Effect, kernel: Effect) -> Step {
        let is_same_answer = same(&act.call, &model.outcome, &kernel.outcome);
        let makes_process = makes_process(&act.call) && !is_refusal(&model.outcome);
        self.run.has_processes |= makes_process;
        if model.outcome == Outcome::Blocked {
            self.run.has_waited = true;
            self.waiting.insert(act.pid, act.call.clone());
        }
        let is_same_end = self.same_ends(&model.ended, &kernel.ended);
        for (pid, _) in &model.ended {
            self.waiting.remove(pid);
        }
        if matches!(act.call, Syscall::EpollCtl { .. }) && !self.run.has_nesting {
            self.run.has_nesting = self.model_run.is_nested();
        }
        self.keep(act, model, kernel);
        match (is_same_answer, is_same_end) {
            (true, true) => Ok(()),
            (false, _) => Err(Verdict::Different(Disagreement::Answer)),
            (true, false) => Err(Verdict::Different(Disagreement::Ends)),
        }
    }

    fn keep(&mut self, act: &Act, model: Effect, kernel: Effect) {
        self.run.scenes.push(Scene {
            act: act.clone(),
            model: model.outcome,
            model_ended: model.ended,
            kernel: kernel.outcome,
            kernel_ended: kernel.ended,
        });
    }

    /// The same calls ended, in the same order, with the same answers. Who
    /// was killed in a call comes last: those have no order.
    fn same_ends(&self, model: &[(Pid, Outcome)], kernel: &[(Pid, Outcome)]) -> bool {
        let split = |ends: &[(Pid, Outcome)]| {
            let (mut gone, ended): (Vec<_>, Vec<_>) =
                (ends.iter().cloned()).partition(|(_, outcome)| *outcome == Outcome::Gone);
            gone.sort_by_key(|(pid, _)| *pid);
            (ended, gone)
        };
        let ((model, model_gone), (kernel, kernel_gone)) = (split(model), split(kernel));
        model_gone == kernel_gone
            && model.len() == kernel.len()
            && model.iter().zip(&kernel).all(|(model, kernel)| {
                model.0 == kernel.0
                    && (self.waiting.get(&model.0))
                        .is_some_and(|call| same(call, &model.1, &kernel.1))
            })
    }

    /// Every instance is asked for its events, and every table polled whole.
    fn look_at_readiness(&mut self) -> Step {
        for (_, pid, epfd) in self.model_run.instances() {
            self.take(&Act {
                pid,
                call: Syscall::EpollWait {
                    epfd,
                    buffer: Buffer::Mapped,
                    maxevents: 64,
                    timeout_ms: 0,
                },
                child: None,
            })?;
        }
        for pid in self.model_run.able() {
            let kernel = self.model_run.kernel();
            let Some(tid) = kernel.tid(pid) else { continue };
            let last = kernel.fds(tid).map(|(fd, ..)| fd.0).max().unwrap_or(0);
            let fds = (0..=last.min(40) + 1)
                .map(|fd| PollFd {
                    fd: Fd(fd),
                    events: Events::from_bits_retain(0xffff),
                    revents: Events::empty(),
                })
                .collect();
            let call = Syscall::Poll { fds, timeout_ms: 0 };
            let child = None;
            self.take(&Act { pid, call, child })?;
        }
        Ok(())
    }

    fn look_at_interest(&mut self) -> Step {
        for (_, pid, fd) in self.model_run.instances() {
            let model = rows(&self.model_run.model_mut().fdinfo(pid, fd));
            let kernel = rows(&self.other.fdinfo(pid, fd));
            if model != kernel {
                return Err(Verdict::Different(Disagreement::Interest {
                    pid,
                    fd,
                    model,
                    kernel,
                }));
            }
        }
        Ok(())
    }
}

/// The registrations in a text of fdinfo, in no order: number, mask, word.
///
/// Without `EPOLLWAKEUP`: a kernel that cannot suspend does not keep it.
fn rows(fdinfo: &str) -> Vec<String> {
    let rows = fdinfo.lines().filter_map(|line| {
        let mut words = line.strip_prefix("tfd:")?.split_whitespace();
        let (fd, mask, word) = (words.next()?, words.nth(1)?, words.nth(1)?);
        let mask = u32::from_str_radix(mask, 16).ok()? & !Events::WAKEUP.bits();
        Some(format!("tfd: {fd} events: {mask:x} data: {word}"))
    });
    let mut rows: Vec<String> = rows.collect();
    rows.sort_unstable();
    rows
}

/// As [`agree`], and of a timer only whether it runs: real time passes in between.
fn same(call: &Syscall, model: &Outcome, kernel: &Outcome) -> bool {
    let coarse = |spec: TimerSpec| (spec.interval_ns, spec.value_ns > 0);
    match (model, kernel) {
        (Outcome::Done(Ok(a)), Outcome::Done(Ok(b))) => match (&a.out, &b.out) {
            (Out::Timer(a), Out::Timer(b)) => coarse(*a) == coarse(*b),
            // What the bytes mean was asked when the read began; a signal may
            // have made it begin anew, on another file.
            (Out::Counter(_) | Out::None, Out::Signals(_))
            | (Out::Signals(_) | Out::None, Out::Counter(_))
            | (Out::Signals(_) | Out::Counter(_), Out::None)
                if matches!(call, Syscall::Read { .. }) =>
            {
                a.value == b.value
            }
            _ => agree(call, model, kernel),
        },
        _ => agree(call, model, kernel),
    }
}

fn is_refusal(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Done(Err(_)) | Outcome::Gone)
}
