//! Whoever a walk accuses is looked up again, in the kernel, until two looks agree.
//!
//! A walk takes time, and the machine goes on: a registration can be read, removed, its
//! number closed and read as closed. A look is short and in an order that is fair:
//! registration, number, registration. Two in a row must say the same.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use rustc_hash::{FxHashMap, FxHashSet};

use super::assemble::{Found, owners};
use super::load::{ACCUSED, Programs, Question, Refusal};
use super::record::{Address, Answer, Record};
use super::walk::Walk;
use crate::snapshot::{Effort, Held, Instance, Meaning};

/// Looks at most; who still differs then is let go, and counted.
const MAX_LOOKS: u64 = 8;

/// A registration that does not fit.
#[derive(Debug)]
struct Case {
    /// The registration's file.
    file: Address,
    /// The instance's place, and the registration's.
    at: (usize, usize),
    /// What the last look said: is it there, and in which tables does the number name what?
    last: Option<Look>,
    is_settled: bool,
    /// The least that was ever seen to refer to the file.
    refs: Option<u64>,
}

/// What one look says of one case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Look {
    is_gone: bool,
    named: BTreeMap<Address, Address>,
}

/// Looks again at what does not fit, and keeps what stays so.
pub(super) fn hold(
    programs: &mut Programs,
    walk: &Walk,
    mut found: Vec<Found>,
    effort: &mut Effort,
) -> Result<Vec<Instance>, Refusal> {
    let mut cases = cases(&found);
    while effort.looks < MAX_LOOKS && cases.iter().any(|case| !case.is_settled) {
        effort.looks += 1;
        look(programs, &found, &mut cases)?;
    }
    effort.unsettled = cases.iter().filter(|case| !case.is_settled).count() as u64;
    let holders = holders(walk, &cases);
    let mut is_dropped = FxHashSet::default();
    for case in &cases {
        let look = case.last.clone().unwrap_or_default();
        if !case.is_settled || look.is_gone {
            is_dropped.insert(case.at);
        } else {
            judge(walk, &mut found[case.at.0], case, &look, &holders);
        }
    }
    let instances = found.into_iter().enumerate().map(|(at, found)| {
        let mut instance = found.instance;
        let mut nth = 0..;
        let is_kept = |_: &_| {
            nth.next()
                .is_some_and(|nth| !is_dropped.contains(&(at, nth)))
        };
        if !is_dropped.is_empty() {
            instance.registrations.retain(is_kept);
        }
        instance
    });
    Ok(instances.collect())
}

fn cases(found: &[Found]) -> Vec<Case> {
    let mut cases = Vec::new();
    for (at, found) in found.iter().enumerate() {
        for (nth, registration) in found.instance.registrations.iter().enumerate() {
            if !registration.is_plain() {
                cases.push(Case {
                    file: found.files[nth],
                    at: (at, nth),
                    last: None,
                    is_settled: false,
                    refs: None,
                });
            }
        }
    }
    cases
}

/// Asks about all that are not settled, in parts that the kernel takes.
fn look(programs: &mut Programs, found: &[Found], cases: &mut [Case]) -> Result<(), Refusal> {
    let mut looks: Vec<Look> = vec![Look::default(); cases.len()];
    for part in questions(found, cases).chunks(ACCUSED) {
        let asked: Vec<Question> = part.iter().map(|(_, question)| *question).collect();
        programs.confirm(&asked, |record| {
            if let Record::Answer(answer) = record
                && let Some((at, question)) = part.get(answer.index as usize)
                && question.table == answer.table
            {
                take_down(answer, &mut looks[*at], &mut cases[*at]);
            }
            ControlFlow::Continue(())
        })?;
    }
    for (case, mut look) in cases.iter_mut().zip(looks) {
        if case.is_settled {
            continue;
        }
        // Nobody holds the instance any more.
        look.is_gone |= look.named.is_empty();
        case.is_settled = case.last.as_ref() == Some(&look);
        case.last = Some(look);
    }
    Ok(())
}

/// What is asked, of each table that holds the instance, and about which case.
fn questions(found: &[Found], cases: &[Case]) -> Vec<(usize, Question)> {
    let mut questions = Vec::new();
    for (nth, case) in cases
        .iter()
        .enumerate()
        .filter(|(_, case)| !case.is_settled)
    {
        let found_at = &found[case.at.0];
        let fd = found_at.instance.registrations[case.at.1].fd;
        for (table, epfd) in found_at.tables.iter().zip(&found_at.epfds) {
            let question = Question {
                table: *table,
                epfd: *epfd,
                instance: found_at.address,
                file: case.file,
                fd,
            };
            questions.push((nth, question));
        }
    }
    questions.sort_by_key(|(_, question)| question.table);
    questions
}

fn take_down(answer: Answer, look: &mut Look, case: &mut Case) {
    look.named.insert(answer.table, answer.named);
    if answer.is_present {
        case.refs = Some(
            case.refs
                .map_or(answer.refs, |least| least.min(answer.refs)),
        );
    } else {
        look.is_gone = true;
    }
}

/// The numbers of the files in question, and in how many slots they stand.
fn holders(walk: &Walk, cases: &[Case]) -> FxHashMap<Address, (Vec<Held>, u64)> {
    let mut holders: FxHashMap<Address, (Vec<Held>, u64)> = FxHashMap::default();
    for case in cases {
        holders.entry(case.file).or_default();
    }
    if cases.is_empty() {
        return holders;
    }
    for table in &walk.tables {
        for slot in &table.slots {
            if let Some((held, slots)) = holders.get_mut(&slot.file) {
                *slots += 1;
                held.extend(owners(table).map(|pid| Held {
                    pid,
                    fd: slot.fd,
                    is_certain: true,
                }));
            }
        }
    }
    for case in cases {
        if let Some((held, _)) = holders.get_mut(&case.file) {
            held.sort_unstable();
        }
    }
    holders
}

/// Writes down what was found of one.
fn judge(
    walk: &Walk,
    found: &mut Found,
    case: &Case,
    look: &Look,
    holders: &FxHashMap<Address, (Vec<Held>, u64)>,
) {
    let registration = &mut found.instance.registrations[case.at.1];
    for (table, address) in registration.tables.iter_mut().zip(&found.tables) {
        table.meaning = match look.named.get(address) {
            Some(named) if *named == case.file => Meaning::Same,
            Some(Address(0)) | None => Meaning::Closed,
            Some(_) => Meaning::Other,
        };
    }
    if registration.is_plain() {
        return;
    }
    if let Some((held, slots)) = holders.get(&case.file) {
        registration.held_by.clone_from(held);
        let nameless = case.refs.map(|refs| refs.saturating_sub(*slots));
        registration.nameless = nameless.filter(|_| walk.has_every_number());
    }
}
