//! One script on two sides at once: the model and the running kernel in step.
//!
//! ```text
//!    script ─▶ call ─┬─▶ model ──▶ answer ─┐
//!                    │                     ├─ the same as written?
//!                    └─▶ kernel ─▶ answer ─┘
//! ```

use crate::backend::{Backend, Model, Running};
use crate::run::{agree, fits};
use crate::script::{Action, Script, Step};
use crate::script_run::ScriptRun;
use eventpoll::{Fd, Outcome, Pid, Policy, Syscall};
use polter_live::ExecutorError;
use std::collections::BTreeMap;

/// What came of a script on both sides.
#[derive(Debug)]
pub struct Comparison {
    /// The calls that were compared; all of them if nothing differs.
    pub calls: usize,
    /// The first call that was not answered as written by both.
    pub difference: Option<Disagreement>,
    /// Why the kernel did not run it to the end.
    pub kernel_stopped: Option<Stopped>,
    /// The call from which on the model does not know the answers, so nobody was asked.
    pub unknown: Option<Unknown>,
}

/// What a comparison comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All that is written was asked, and answered so.
    Agrees,
    /// Nothing was answered otherwise, but something was not asked.
    NotAsked,
    /// Something was answered otherwise.
    Differs,
}

/// Where the model does not claim to know the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unknown {
    /// The line of the call.
    pub line: u64,
    /// What the model does not hold, for a report.
    pub why: &'static str,
}

impl Comparison {
    /// What it comes to; a side that is left out on purpose does not count.
    pub fn verdict(&self) -> Verdict {
        if self.difference.is_some() {
            Verdict::Differs
        } else if self.unknown.is_some() || self.kernel_stopped.is_some() {
            Verdict::NotAsked
        } else {
            Verdict::Agrees
        }
    }
}

/// Where the kernel's side ended early.
#[derive(Debug)]
pub struct Stopped {
    /// The line of the call that could not be made.
    pub line: u64,
    /// What kept the kernel from being asked.
    pub error: ExecutorError,
}

/// A call that was not answered as written by both sides, and how things stood.
#[derive(Debug)]
pub struct Disagreement {
    /// The line of the step.
    pub line: u64,
    /// The task that called.
    pub pid: Pid,
    /// The call that was answered otherwise.
    pub call: Syscall,
    /// What the script says for the policy and the version compared with.
    pub written: Outcome,
    /// What the model answers.
    pub model: Outcome,
    /// What the kernel answered, if it was asked.
    pub kernel: Option<Outcome>,
    /// The caller's instances, afterwards.
    pub instances: Vec<Instance>,
}

/// What fdinfo says of an instance: its rows, without what only a kernel knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its number in the caller's table.
    pub fd: Fd,
    /// The model's rows, in the tree's order.
    pub model: Vec<String>,
    /// On the kernel, if it was asked.
    pub kernel: Option<Vec<String>>,
}

impl Disagreement {
    /// Does the model answer what is written?
    pub fn is_model_right(&self) -> bool {
        fits(&self.call, &self.written, &self.model)
    }

    /// Did the kernel answer what is written, and read what the model read where that is
    /// not written? True if it was not asked.
    pub fn is_kernel_right(&self) -> bool {
        self.kernel.as_ref().is_none_or(|kernel| {
            let is_same = || match self.call {
                Syscall::Read { .. } => agree(&self.call, &self.model, kernel),
                _ => true,
            };
            fits(&self.call, &self.written, kernel) && is_same()
        })
    }
}

/// Runs a script on the model, and in step on the kernel if there is one, up to
/// the first difference from what is written for the model's version.
pub fn compare(
    script: &Script,
    policy: Policy,
    model: &mut Model,
    mut kernel: Option<&mut Running>,
) -> Comparison {
    let version = model.version();
    let mut comparison = Comparison {
        calls: 0,
        difference: None,
        kernel_stopped: None,
        unknown: None,
    };
    let (mut here, mut there) = (ScriptRun::new(script), ScriptRun::new(script));
    for step in &script.steps {
        if let Action::Call { syscall, .. } | Action::Begin { syscall } = &step.action
            && let Some(why) = model.unknown(step.pid, syscall)
        {
            let line = step.line;
            comparison.unknown = Some(Unknown { line, why });
            return comparison;
        }
        let ours = here.step(step, model).expect("a model cannot fail");
        let theirs = kernel.as_deref_mut().map(|kernel| there.step(step, kernel));
        let theirs = theirs.transpose().unwrap_or_else(|error| {
            let line = step.line;
            comparison.kernel_stopped = Some(Stopped { line, error });
            kernel = None;
            None
        });
        let Some((call, ours)) = ours else {
            continue;
        };
        comparison.calls += 1;
        let theirs = theirs.flatten().map(|(_, came)| came);
        let answers = Answers {
            written: step.written(policy, version).clone(),
            model: ours,
            kernel: theirs,
        };
        if let Some(difference) = answers.differ(step, call, model, kernel.as_deref()) {
            comparison.difference = Some(difference);
            return comparison;
        }
    }
    let mut theirs: BTreeMap<Pid, Outcome> = match kernel {
        Some(_) => there
            .rest()
            .map(|(step, _, came)| (step.pid, came))
            .collect(),
        None => BTreeMap::new(),
    };
    for (step, call, ours) in here.rest() {
        let answers = Answers {
            written: Outcome::Blocked,
            model: ours,
            kernel: theirs.remove(&step.pid),
        };
        // One that is gone has no answer.
        if answers.has_ended()
            && let Some(difference) = answers.differ(step, call, model, kernel.as_deref())
        {
            comparison.difference = Some(difference);
            break;
        }
    }
    comparison
}

/// Three answers to one call.
struct Answers {
    written: Outcome,
    model: Outcome,
    kernel: Option<Outcome>,
}

impl Answers {
    fn has_ended(&self) -> bool {
        let is_done = |outcome: &Outcome| matches!(outcome, Outcome::Done(_));
        is_done(&self.model) || self.kernel.as_ref().is_some_and(is_done)
    }

    /// The disagreement, if there is one, with how things stand now.
    fn differ(
        self,
        step: &Step,
        call: &Syscall,
        model: &Model,
        kernel: Option<&Running>,
    ) -> Option<Disagreement> {
        let mut difference = Disagreement {
            line: step.line,
            pid: step.pid,
            call: call.clone(),
            written: self.written,
            model: self.model,
            kernel: self.kernel,
            instances: Vec::new(),
        };
        if difference.is_model_right() && difference.is_kernel_right() {
            return None;
        }
        difference.instances = instances(step, model, kernel);
        Some(difference)
    }
}

/// The instances that the caller has open on either side.
fn instances(step: &Step, model: &Model, kernel: Option<&Running>) -> Vec<Instance> {
    /// Further than this a side's numbers hardly run ahead of the other's.
    const AHEAD: i32 = 8;
    let known = model.instances(step.pid);
    let last = known.iter().map(|fd| fd.0).max().unwrap_or(2) + AHEAD;
    let instance_fn = |fd| {
        let kernel = kernel.map(|kernel| rows(&kernel.fdinfo(step.pid, fd)));
        let has_rows = kernel.as_ref().is_some_and(|rows| !rows.is_empty());
        (has_rows || known.contains(&fd)).then(|| Instance {
            fd,
            model: rows(&model.fdinfo(step.pid, fd)),
            kernel,
        })
    };
    (0..=last).map(Fd).filter_map(instance_fn).collect()
}

/// The registrations of an fdinfo, each as `tfd: 4 events: 19 data: 4`, sorted:
/// their order is that of addresses.
fn rows(fdinfo: &str) -> Vec<String> {
    let rows = fdinfo.lines().filter(|line| line.starts_with("tfd:"));
    let mut rows: Vec<String> = rows
        .map(|row| {
            let words: Vec<&str> = row.split_whitespace().take(6).collect();
            words.join(" ")
        })
        .collect();
    rows.sort();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventpoll::Version;

    #[test]
    fn a_script_that_is_right_agrees() {
        check("100 epoll_create1(0) = 3\n100 close(3) = 0\n", None);
    }

    #[test]
    fn the_first_difference_comes_with_the_callers_instances() {
        let text = "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 close(4) = -1 EBADF (Bad file descriptor)
100 close(4) = 0
";
        let difference = check(text, Some(4)).unwrap();
        assert!(!difference.is_model_right());
        assert!(difference.is_kernel_right());
        assert_eq!(difference.instances.len(), 1);
        assert_eq!(difference.instances[0].model, [""; 0]);
    }

    #[test]
    fn rows_are_those_of_registrations() {
        let text = "pos:\t0\nflags:\t02\ntfd:        5 events:       19 data:                5  pos:0 ino:1 sdev:d\ntfd:        4 events:       19 data:                4\n";
        assert_eq!(
            rows(text),
            ["tfd: 4 events: 19 data: 4", "tfd: 5 events: 19 data: 5"]
        );
    }

    #[track_caller]
    fn check(text: &str, line: Option<u64>) -> Option<Disagreement> {
        let script = Script::parse(text.as_bytes()).unwrap();
        let policy = Policy::LAST_FPUT;
        let mut model = Model::new(policy, Version::default(), script.first());
        let comparison = compare(&script, policy, &mut model, None);
        assert_eq!(comparison.difference.as_ref().map(|d| d.line), line);
        comparison.difference
    }
}
