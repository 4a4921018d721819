//! A script as a race: what is set up first, and the calls that race.
//!
//! ```text
//!   100 epoll_create1(0) = 3      in the order written,
//!   100 fork() = 101              up to the last call that makes a task …
//!   # race                        … or to this line
//!   100 close(3) = 0              in any order, but each task's own
//!   101 close(4) = 0
//! ```
//!
//! The answers of what is set up must come out; those of the calls that race
//! depend on the schedule and are not looked at.

use eventpoll::stepped::{Program, Rules, Stepped, Unsuitable};
use eventpoll::{Kernel, Outcome, Pid, Policy, Syscall, Version};
use polter_check::{Action, Backend as _, Model, Script, Step};

/// A script, set up to the point from which its calls race.
#[derive(Debug, Clone)]
pub struct Race {
    /// What the script shows: its first comment.
    pub title: String,
    kernel: Kernel,
    programs: Vec<Program>,
}

/// Why a script is no race.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum RaceError {
    #[error("{0}")]
    Script(#[from] polter_check::ScriptError),
    #[error("{line}:0: while the race is set up this answers {came}, not what is written")]
    Setting { line: u64, came: String },
    #[error("{line}:0: a call that waits cannot set up a race")]
    Waits { line: u64 },
    #[error("no call is left to race: at least two tasks must have some")]
    NothingRaces,
    #[error("{0}")]
    Unsuitable(#[from] Unsuitable),
}

impl Race {
    /// Reads a script and runs what sets the race up.
    pub fn parse(text: &[u8]) -> Result<Race, RaceError> {
        let script = Script::parse(text)?;
        let start = start_line(text, &script);
        let (setting, racing) = script
            .steps
            .iter()
            .partition::<Vec<&Step>, _>(|step| step.line < start);
        let kernel = set_up(&script, &setting)?;
        let programs = programs(&racing);
        if programs.is_empty() {
            return Err(RaceError::NothingRaces);
        }
        Ok(Race {
            title: script.title,
            kernel,
            programs,
        })
    }

    /// The race at its start.
    pub fn start(&self, rules: Rules) -> Result<Stepped, RaceError> {
        Ok(Stepped::new(
            self.kernel.clone(),
            self.programs.clone(),
            rules,
        )?)
    }
}

/// The line from which calls race: `# race`, or behind the last call that makes a task.
fn start_line(text: &[u8], script: &Script) -> u64 {
    let is_mark = |line: &[u8]| {
        let line = line.trim_ascii();
        line.strip_prefix(b"#").is_some_and(|rest| {
            let rest = rest.trim_ascii();
            rest == b"race" || rest.starts_with(b"race:")
        })
    };
    let marked = text.split(|byte| *byte == b'\n').position(is_mark);
    let makers = script.steps.iter().rev();
    let last_maker = makers
        .map(|step| (step.line, &step.action))
        .find(|(_, action)| {
            matches!(
                action,
                Action::Call {
                    syscall: Syscall::Fork | Syscall::Clone { .. },
                    ..
                }
            )
        });
    match (marked, last_maker) {
        (Some(line), _) => line as u64 + 1,
        (None, Some((line, _))) => line + 1,
        (None, None) => 1,
    }
}

fn set_up(script: &Script, setting: &[&Step]) -> Result<Kernel, RaceError> {
    let version = Version::default();
    let mut model = Model::new(Policy::LAST_FPUT, version, script.first());
    for step in setting {
        let line = step.line;
        let Action::Call { syscall, answer } = &step.action else {
            return Err(RaceError::Waits { line });
        };
        let written = answer.under(Policy::LAST_FPUT, version);
        let came = model.call(step.pid, syscall, child_of(syscall, written));
        let came = came.expect("a model can always be asked");
        if came == Outcome::Blocked {
            return Err(RaceError::Waits { line });
        }
        if came != *written {
            let came = format!("{came:?}");
            return Err(RaceError::Setting { line, came });
        }
    }
    Ok(model.kernel().clone())
}

/// Each task's calls, the tasks in the order in which they come.
fn programs(racing: &[&Step]) -> Vec<Program> {
    let mut programs: Vec<Program> = Vec::new();
    for step in racing {
        let (syscall, child) = match &step.action {
            Action::Call { syscall, answer } => (syscall, child_of(syscall, &answer.usual)),
            Action::Begin { syscall } => (syscall, None),
            Action::End { .. } => continue,
        };
        let known = programs.iter().position(|program| program.pid == step.pid);
        let place = known.unwrap_or_else(|| {
            programs.push(Program {
                pid: step.pid,
                calls: Vec::new(),
                children: Vec::new(),
            });
            programs.len() - 1
        });
        let program = &mut programs[place];
        program
            .children
            .extend(child.map(|pid| (program.calls.len(), pid)));
        program.calls.push(syscall.clone());
    }
    programs
}

/// The number that the script gives to the task a call makes.
fn child_of(syscall: &Syscall, answer: &Outcome) -> Option<Pid> {
    match (syscall, answer) {
        (Syscall::Fork | Syscall::Clone { .. }, Outcome::Done(Ok(ret))) => {
            Some(Pid(ret.value as i32))
        }
        _ => None,
    }
}
