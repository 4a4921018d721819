//! Draws races: a document with a column for each task.

use eventpoll::stepped::{Fix, Seed};
use polter_page::{Columns, ColumnsRow, Tone};

use super::columns::{Row, Said, count, rows};
use super::text::{covered, replayed};
use super::{RaceOutcome, Raced, rules};
use crate::cli::RaceArgs;
use crate::report::words::counted;

/// One script's result.
pub(super) fn story(raced: &Raced, args: &RaceArgs) -> Columns {
    let rules = rules(args);
    let without = Fix::ALL.into_iter().filter(|fix| !rules.has(*fix));
    let seeded = Seed::ALL.into_iter().filter(|seed| rules.errs(*seed));
    let mut notes = Vec::new();
    if !raced.title.is_empty() {
        notes.push(raced.title.clone());
    }
    notes.extend(without.map(|fix| format!("without {}: {}", fix.name(), fix.summary())));
    notes.extend(seeded.map(|seed| format!("with {}: {}", seed.name(), seed.summary())));
    let tasks = count(&raced.start);
    let mut story = Columns {
        title: raced.name.clone(),
        notes,
        tone: if raced.is_wrong() {
            Tone::Fault
        } else {
            Tone::Clean
        },
        heads: (0..tasks)
            .map(|task| format!("task {}", raced.start.pid(task)))
            .collect(),
        footer: match &raced.outcome {
            RaceOutcome::Searched {
                covered: what,
                limit,
                walked,
                found,
            } => covered(*what, *limit, walked.as_ref(), found.is_some()),
            RaceOutcome::Replayed(_, run) => vec![replayed(run)],
        },
        ..Columns::default()
    };
    if let Some((schedule, run)) = raced.run() {
        if let Some((_, sentence)) = &run.found {
            story.sentence.clone_from(sentence);
        }
        let all = rows(&raced.start, run);
        let last = run.turns.checked_sub(1).filter(|_| run.found.is_some());
        story.rows = all.into_iter().map(|it| row(it, tasks, last)).collect();
        let schedule = format!("schedule: {}", schedule.text(&raced.start));
        story.footer.insert(0, schedule);
    }
    story
}

fn row(row: Row, tasks: usize, last: Option<usize>) -> ColumnsRow {
    let is_call = matches!(row.said, Said::Called(_) | Said::Answered(_));
    let text = match row.said {
        Said::Called(text) | Said::Answered(text) | Said::Waits(text) => text,
        Said::Inside(told) if told.is_empty() => "…".to_owned(),
        Said::Inside(told) => told.join("; "),
    };
    let mut cells = vec![String::new(); tasks];
    cells[row.task] = text;
    ColumnsRow {
        head: row
            .step
            .map_or(String::new(), |step| (step + 1).to_string()),
        cells,
        is_marked: row.step.is_some() && row.step == last,
        is_call,
    }
}

/// All scripts' results.
pub(super) fn document(stories: &[Columns]) -> String {
    let wrong = stories.iter().filter(|story| story.tone == Tone::Fault);
    let wrong = wrong.count() as u64;
    let (tone, verdict) = match wrong {
        0 => (Tone::Clean, "nothing was found".to_owned()),
        wrong => (
            Tone::Fault,
            format!("something can go wrong in {}", counted(wrong, "script")),
        ),
    };
    let read = ["Every order in which the tasks' calls can interleave inside the kernel. A column is a task; steps go from top to bottom.".to_owned()];
    Columns::document("Races", tone, &verdict, &read, stories)
}
