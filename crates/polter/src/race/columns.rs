//! The rows of a schedule: who did what at which step, each in its task's column.

use eventpoll::Outcome as Answer;
use eventpoll::stepped::Stepped;
use polter_race::Run;
use polter_trace::encode;

/// A row.
#[derive(Debug)]
pub(super) struct Row {
    /// The step, from 0; a call's beginning and end are none of their own.
    pub(super) step: Option<usize>,
    /// The column.
    pub(super) task: usize,
    /// What is said there.
    pub(super) said: Said,
}

/// What a row says.
#[derive(Debug)]
pub(super) enum Said {
    /// A call begins: `close(3)`.
    Called(String),
    /// What happens inside the kernel.
    Inside(Vec<String>),
    /// A call ends: `= 0`.
    Answered(String),
    /// What the task waits for at the end.
    Waits(String),
}

/// How many columns there are: a timer's steps stand in its task's.
pub(super) fn count(start: &Stepped) -> usize {
    (0..start.tasks())
        .filter(|task| start.timer_of(*task).is_none())
        .count()
}

/// The rows of a run, in order.
pub(super) fn rows(start: &Stepped, run: &Run) -> Vec<Row> {
    let mut rows = Vec::new();
    let count = count(start);
    let mut is_in_call = vec![false; count];
    for step in 0..run.turns {
        let Some(task) = task_of(run, step) else {
            continue;
        };
        let mut push = |step, task, said| rows.push(Row { step, task, said });
        if !is_in_call[task] {
            if let Some(call) = start.program(task).get(next_call(run, task, step)) {
                push(None, task, Said::Called(called(call)));
            }
            is_in_call[task] = true;
        }
        let told = run.story.told.iter().filter(|told| told.step == step);
        let told = told.map(|told| match told.function {
            "" => "in one step".to_owned(),
            function => format!("{function}(): {}", told.text),
        });
        push(Some(step), task, Said::Inside(told.collect()));
        for ended in run.story.ended.iter().filter(|ended| ended.step == step) {
            let call = next_call(run, ended.task, step);
            if let Some(call) = start.program(ended.task).get(call) {
                let answer = answered(call, &ended.outcome);
                push(None, ended.task, Said::Answered(answer));
            }
            is_in_call[ended.task] = false;
        }
    }
    let waits = (0..count).filter_map(|task| Some((task, run.end.waits_for(task)?)));
    rows.extend(waits.map(|(task, waits)| Row {
        step: None,
        task,
        said: Said::Waits(format!("… {waits}")),
    }));
    rows
}

/// The task that made a step; a timer's step counts as its task's.
fn task_of(run: &Run, step: usize) -> Option<usize> {
    let told = run.story.told.iter().find(|told| told.step == step);
    told.map(|told| told.task).or_else(|| run.story.taker(step))
}

/// The index of the call a task is in at a step.
fn next_call(run: &Run, task: usize, step: usize) -> usize {
    let ended = run.story.ended.iter();
    ended
        .filter(|ended| ended.task == task && ended.step < step)
        .count()
}

/// `close(3)`
fn called(call: &eventpoll::Syscall) -> String {
    let text = encode(call, &Answer::Gone);
    text.strip_suffix(" = ?").unwrap_or(&text).to_owned()
}

/// `= 0`, or the whole call where it wrote something.
fn answered(call: &eventpoll::Syscall, outcome: &Answer) -> String {
    let text = encode(call, outcome);
    match (outcome, text.rfind(" = ")) {
        (Answer::Done(Ok(ret)), _) if ret.out != eventpoll::Out::None => text,
        (_, Some(place)) => text[place + 1..].to_owned(),
        _ => text,
    }
}
