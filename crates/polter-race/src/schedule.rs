//! Schedules: whose turn it is, step by step.
//!
//! As text, the tasks' numbers in order: `100*3 101 100*2`; `100t` is the timer
//! of task 100 going off, and `#` begins a comment.

use eventpoll::Pid;
use eventpoll::stepped::Stepped;
use std::fmt;

/// Whose turn it is, step by step: a task's place among the tasks of a race.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Schedule(pub Vec<u8>);

/// Why a text is no schedule of a race.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// A word that names no task and no number of steps.
    #[error("{0:?} is no turn: write a task's pid, or 100*3 for three steps of task 100")]
    Word(String),
    /// A number that no task of the race has.
    #[error("no task of the race has the pid {0}")]
    Task(Pid),
    /// More steps than any schedule has.
    #[error("more than {} steps", Schedule::MAX_STEPS)]
    TooLong,
}

impl Schedule {
    /// No schedule is longer.
    pub const MAX_STEPS: usize = 1 << 20;

    /// Reads the turns of a race's tasks.
    pub fn parse(text: &str, race: &Stepped) -> Result<Schedule, ScheduleError> {
        let mut turns = Vec::new();
        let lines = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or(""));
        for word in lines.flat_map(str::split_whitespace) {
            let turn = turn(word).ok_or_else(|| ScheduleError::Word(word.to_owned()))?;
            let (pid, is_timer, times) = turn;
            let mut tasks = 0..race.tasks();
            let task = tasks
                .find(|task| race.pid(*task) == pid && race.timer_of(*task).is_some() == is_timer);
            let task = task.ok_or(ScheduleError::Task(pid))?;
            if turns.len() + times > Schedule::MAX_STEPS {
                return Err(ScheduleError::TooLong);
            }
            turns.extend(std::iter::repeat_n(task as u8, times));
        }
        Ok(Schedule(turns))
    }

    /// The same turns as text.
    pub fn text<'a>(&'a self, race: &'a Stepped) -> impl fmt::Display + 'a {
        Text(self, race)
    }
}

/// A task's number, whether its timer is meant, and how often.
fn turn(word: &str) -> Option<(Pid, bool, usize)> {
    let (pid, times) = match word.split_once('*') {
        Some((pid, times)) => (pid, times.parse().ok()?),
        None => (word, 1),
    };
    let (pid, is_timer) = match pid.strip_suffix('t') {
        Some(pid) => (pid, true),
        None => (pid, false),
    };
    let is_sane = times <= Schedule::MAX_STEPS;
    is_sane.then_some((Pid(pid.parse().ok()?), is_timer, times))
}

struct Text<'a>(&'a Schedule, &'a Stepped);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = self.0.0.chunk_by(|one, next| one == next);
        for (index, run) in runs.enumerate() {
            let gap = if index > 0 { " " } else { "" };
            let task = run[0].into();
            write!(f, "{gap}{}", self.1.pid(task))?;
            if self.1.timer_of(task).is_some() {
                write!(f, "t")?;
            }
            if run.len() > 1 {
                write!(f, "*{}", run.len())?;
            }
        }
        Ok(())
    }
}
