//! Draws witnesses: each program in two worlds, one column each.

use polter_page::{Columns, ColumnsRow, Tone};
use polter_witness::{PairPart, Part, WitnessPart};

use crate::report::words::counted;

/// A search as a document.
pub(super) fn document(part: &Part, every: bool) -> String {
    let stories: Vec<Columns> = part
        .pairs
        .iter()
        .flat_map(|pair| of_pair(pair, every))
        .collect();
    let told = part.pairs.iter().filter(|pair| pair.calls.is_some());
    let read = format!(
        "{} of policies, {} told apart by programs of up to {}, made of {}",
        counted(part.pairs.len() as u64, "pair"),
        told.clone().count(),
        counted(part.covered_calls as u64, "call"),
        part.question.vocabulary.join(", ")
    );
    let title = match &part.pairs[..] {
        [pair] => pair.policies.join(" and "),
        _ => "Witnesses".to_owned(),
    };
    of_stories(&title, read, told.count() == 0, &stories)
}

/// A document of such stories.
pub(super) fn of_stories(
    title: &str,
    read: String,
    are_alike: bool,
    stories: &[Columns],
) -> String {
    let verdict = match are_alike {
        true => "nothing tells them apart".to_owned(),
        false => format!("told apart by {}", counted(stories.len() as u64, "program")),
    };
    Columns::document(title, Tone::Note, &verdict, &[read], stories)
}

fn of_pair(pair: &PairPart, every: bool) -> Vec<Columns> {
    let shown: Vec<&WitnessPart> = if every {
        pair.witnesses.iter().collect()
    } else {
        pair.plainest()
    };
    let [a, b] = &pair.policies;
    let stories = shown.into_iter().map(|witness| {
        let title = format!("{a}, {b}: {}", witness.idiom);
        story(&title, &witness.script, [a, b])
    });
    stories.collect()
}

/// A script with the answers of two worlds: what is said under a call, as `# stale: …`, holds for the worlds that are
/// named, and the call's own answer for all others.
pub(super) fn story(title: &str, script: &str, worlds: [&str; 2]) -> Columns {
    let mut story = Columns {
        title: title.to_owned(),
        tone: Tone::Note,
        heads: vec![
            "call".to_owned(),
            worlds[0].to_owned(),
            worlds[1].to_owned(),
        ],
        ..Columns::default()
    };
    for line in script.lines() {
        match line.strip_prefix("# ") {
            Some(said) => match (said.split_once(": "), story.rows.last_mut()) {
                (Some((names, answer)), Some(row)) => {
                    for (world, cell) in worlds.iter().zip(&mut row.cells[1..]) {
                        if names.split(", ").any(|name| name == *world) {
                            *cell = split(answer).1.to_owned();
                        }
                    }
                    row.is_marked = row.cells[1] != row.cells[2];
                }
                _ => said.clone_into(&mut story.sentence),
            },
            None => {
                let (pid, call) = line.split_once(' ').unwrap_or(("", line));
                let (call, answer) = split(call);
                story.rows.push(ColumnsRow {
                    head: pid.to_owned(),
                    cells: vec![call.to_owned(), answer.to_owned(), answer.to_owned()],
                    is_marked: false,
                    is_call: true,
                });
            }
        }
    }
    story.rows.retain(|row| !row.cells[0].is_empty());
    story
}

/// A call, and its answer from the `=` on. What a wait reports stands in the call: it is a part of the answer.
fn split(call: &str) -> (&str, &str) {
    match call.rfind(" = ") {
        Some(at) if call[..at].contains('[') => (&call[..call.find('(').unwrap_or(at)], call),
        Some(at) => (&call[..at], &call[at + 1..]),
        None => (call, ""),
    }
}
