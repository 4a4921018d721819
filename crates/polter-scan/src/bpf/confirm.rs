//! Asks the kernel again about every registration that does not fit, until two answers agree.
//!
//! A walk takes time, and the machine runs on: a registration can be read, then removed, its fd
//! closed, and read as closed. A look is short, and its order accuses nobody wrongly: registration,
//! fd, registration. Two looks in a row must have the same answers.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use rustc_hash::{FxHashMap, FxHashSet};

use super::assemble::KernelInstance;
use super::load::{MAX_QUESTIONS, Programs, Question};
use super::record::{Address, Answer, Record};
use super::walk::Walk;
use polter_bpf::Refusal;

use crate::snapshot::{Effort, Held, Instance, Meaning};

/// Looks at most. A registration that still changes then is dropped, and counted as unsettled.
const MAX_LOOKS: u64 = 8;

/// A registration that does not fit.
#[derive(Debug)]
struct Suspect {
    /// The address of the registration's `struct file`, as the walk read it.
    file: Address,
    /// The places of the instance and of the registration.
    at: (usize, usize),
    /// The answers of the last look.
    last: Option<Answers>,
    is_settled: bool,
    /// The fewest references to the file that any look saw: a call under way adds one for a moment.
    refs: Option<u64>,
}

/// The answers of one look about one registration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Answers {
    /// True if the registration was not there.
    is_gone: bool,
    /// The file that the fd names in each table.
    named: BTreeMap<Address, Address>,
}

/// Looks again at the registrations that do not fit, and drops those that are gone or keep
/// changing.
pub(super) fn confirm(
    programs: &mut Programs,
    walk: &Walk,
    mut found: Vec<KernelInstance>,
    effort: &mut Effort,
) -> Result<Vec<Instance>, Refusal> {
    let mut suspects = suspects(&found);
    while effort.looks < MAX_LOOKS && suspects.iter().any(|suspect| !suspect.is_settled) {
        effort.looks += 1;
        look(programs, &found, &mut suspects)?;
    }
    effort.unsettled = suspects
        .iter()
        .filter(|suspect| !suspect.is_settled)
        .count() as u64;
    let holders = holders(walk, &suspects);
    let mut is_dropped = FxHashSet::default();
    for suspect in &suspects {
        let answers = suspect.last.clone().unwrap_or_default();
        if !suspect.is_settled || answers.is_gone {
            is_dropped.insert(suspect.at);
        } else {
            settle(walk, &mut found[suspect.at.0], suspect, &answers, &holders);
        }
    }
    let instances = found.into_iter().enumerate().map(|(at, found)| {
        let mut instance = found.instance;
        let mut places = 0..;
        let is_kept = |_: &_| {
            places
                .next()
                .is_some_and(|place| !is_dropped.contains(&(at, place)))
        };
        if !is_dropped.is_empty() {
            instance.registrations.retain(is_kept);
        }
        instance
    });
    Ok(instances.collect())
}

fn suspects(found: &[KernelInstance]) -> Vec<Suspect> {
    let mut suspects = Vec::new();
    for (at, found) in found.iter().enumerate() {
        for (place, registration) in found.instance.registrations.iter().enumerate() {
            if !registration.is_plain() {
                suspects.push(Suspect {
                    file: found.files[place],
                    at: (at, place),
                    last: None,
                    is_settled: false,
                    refs: None,
                });
            }
        }
    }
    suspects
}

/// Asks about every registration that is not settled, in parts of [`MAX_QUESTIONS`].
fn look(
    programs: &mut Programs,
    found: &[KernelInstance],
    suspects: &mut [Suspect],
) -> Result<(), Refusal> {
    let mut answers: Vec<Answers> = vec![Answers::default(); suspects.len()];
    for part in questions(found, suspects).chunks(MAX_QUESTIONS) {
        let asked: Vec<Question> = part.iter().map(|(_, question)| *question).collect();
        programs.confirm(&asked, |record| {
            if let Record::Answer(answer) = record
                && let Some((at, question)) = part.get(answer.index as usize)
                && question.table == answer.table
            {
                note(answer, &mut answers[*at], &mut suspects[*at]);
            }
            ControlFlow::Continue(())
        })?;
    }
    for (suspect, mut answers) in suspects.iter_mut().zip(answers) {
        if suspect.is_settled {
            continue;
        }
        // No table answered: nobody holds the instance any more.
        answers.is_gone |= answers.named.is_empty();
        suspect.is_settled = suspect.last.as_ref() == Some(&answers);
        suspect.last = Some(answers);
    }
    Ok(())
}

/// One question for each unsettled registration and each table that holds its instance, with the
/// registration's place; sorted by table, because the program answers a table at a time.
fn questions(found: &[KernelInstance], suspects: &[Suspect]) -> Vec<(usize, Question)> {
    let mut questions = Vec::new();
    for (place, suspect) in suspects
        .iter()
        .enumerate()
        .filter(|(_, suspect)| !suspect.is_settled)
    {
        let found_at = &found[suspect.at.0];
        let fd = found_at.instance.registrations[suspect.at.1].fd;
        for (table, epfd) in found_at.tables.iter().zip(&found_at.epfds) {
            let question = Question {
                table: *table,
                epfd: *epfd,
                instance: found_at.address,
                file: suspect.file,
                fd,
            };
            questions.push((place, question));
        }
    }
    questions.sort_by_key(|(_, question)| question.table);
    questions
}

/// Notes the answer to one question.
fn note(answer: Answer, answers: &mut Answers, suspect: &mut Suspect) {
    answers.named.insert(answer.table, answer.named);
    if answer.is_present {
        suspect.refs = Some(
            suspect
                .refs
                .map_or(answer.refs, |least| least.min(answer.refs)),
        );
    } else {
        answers.is_gone = true;
    }
}

/// The fds of the files in question, and in how many slots of tables each file stands.
///
/// Several processes share a table, so a file may have more fds than slots. Each slot is one
/// reference.
fn holders(walk: &Walk, suspects: &[Suspect]) -> FxHashMap<Address, (Vec<Held>, u64)> {
    let mut holders: FxHashMap<Address, (Vec<Held>, u64)> = FxHashMap::default();
    for suspect in suspects {
        holders.entry(suspect.file).or_default();
    }
    if suspects.is_empty() {
        return holders;
    }
    for table in &walk.tables {
        for slot in &table.slots {
            if let Some((held, slots)) = holders.get_mut(&slot.file) {
                *slots += 1;
                held.extend(table.owners().map(|pid| Held {
                    pid,
                    fd: slot.fd,
                    is_certain: true,
                }));
            }
        }
    }
    for suspect in suspects {
        if let Some((held, _)) = holders.get_mut(&suspect.file) {
            held.sort_unstable();
        }
    }
    holders
}

/// Writes the answers about one registration into it.
fn settle(
    walk: &Walk,
    found: &mut KernelInstance,
    suspect: &Suspect,
    answers: &Answers,
    holders: &FxHashMap<Address, (Vec<Held>, u64)>,
) {
    let registration = &mut found.instance.registrations[suspect.at.1];
    for (table, address) in registration.tables.iter_mut().zip(&found.tables) {
        table.meaning = match answers.named.get(address) {
            Some(named) if *named == suspect.file => Meaning::Same,
            Some(Address(0)) | None => Meaning::Closed,
            Some(_) => Meaning::Other,
        };
    }
    if registration.is_plain() {
        return;
    }
    if let Some((held, slots)) = holders.get(&suspect.file) {
        registration.held_by.clone_from(held);
        let nameless = suspect.refs.map(|refs| refs.saturating_sub(*slots));
        registration.nameless = nameless.filter(|_| walk.has_every_fd());
    }
}
