//! Writes a search for people.

use std::io::{self, Write};

use polter_witness::{PairPart, Part, WitnessPart};

use crate::report::words::{clean, counted, number};

/// Writes the matrix if there are many pairs, else the pair with its programs.
pub(super) fn write(out: &mut dyn Write, part: &Part, every: bool) -> io::Result<()> {
    if let [pair] = &part.pairs[..] {
        write_pair(out, pair, part)?;
    } else {
        write_matrix(out, part)?;
        for pair in &part.pairs {
            writeln!(out)?;
            write_pair(out, pair, part)?;
            write_witnesses(out, pair, every)?;
        }
        writeln!(out)?;
        return write_effort(out, part);
    }
    write_witnesses(out, &part.pairs[0], every)?;
    writeln!(out)?;
    write_effort(out, part)
}

/// Writes the matrix: the length of the shortest programs for every pair.
fn write_matrix(out: &mut dyn Write, part: &Part) -> io::Result<()> {
    let names = &part.question.policies;
    let first = names.iter().map(String::len).max().unwrap_or(0);
    write!(out, "{:first$}", "")?;
    for name in names {
        write!(out, "  {}", clean(name))?;
    }
    writeln!(out)?;
    for a in names {
        write!(out, "{:first$}", clean(a))?;
        for b in names {
            write!(out, "  {:>1$}", cell(part, a, b), b.len())?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn cell(part: &Part, a: &str, b: &str) -> String {
    let is_pair = |pair: &&PairPart| {
        let [one, other] = &pair.policies;
        (one, other) == (&a.to_string(), &b.to_string())
            || (other, one) == (&a.to_string(), &b.to_string())
    };
    match part.pairs.iter().find(is_pair) {
        None => "·".to_string(),
        Some(pair) => pair
            .calls
            .map_or("-".to_string(), |calls| calls.to_string()),
    }
}

fn write_pair(out: &mut dyn Write, pair: &PairPart, part: &Part) -> io::Result<()> {
    let [a, b] = pair.policies.each_ref().map(|name| clean(name));
    let Some(calls) = pair.calls else {
        let covered = counted(part.covered_calls as u64, "call");
        write!(out, "{a} and {b}: nothing tells them apart up to {covered}")?;
        return match pair.alike {
            Some(alike) => writeln!(out, "; {} answered alike", counted(alike, "program")),
            None => writeln!(out),
        };
    };
    let length = counted(calls as u64, "call");
    write!(out, "{a} and {b}: {length} tell them apart")?;
    if let (Some(alike), Some(compared)) = (pair.alike, pair.compared) {
        let alike = counted(alike, "shorter program");
        write!(
            out,
            "; {alike} answered alike, {} of this length compared",
            number(compared)
        )?;
    }
    writeln!(out)
}

fn write_witnesses(out: &mut dyn Write, pair: &PairPart, every: bool) -> io::Result<()> {
    let shown: Vec<&WitnessPart> = if every {
        pair.witnesses.iter().collect()
    } else {
        pair.plainest()
    };
    for witness in shown {
        let like_it = pair.witnesses.iter().filter(|other| {
            (other.acts.len(), &other.idiom) == (witness.acts.len(), &witness.idiom)
        });
        let programs: usize = if every {
            witness.programs
        } else {
            like_it.map(|other| other.programs).sum()
        };
        let is_shortest = Some(witness.acts.len()) == pair.calls;
        let count = if is_shortest {
            format!(" ({})", counted(programs as u64, "program"))
        } else {
            format!(" ({})", counted(witness.acts.len() as u64, "call"))
        };
        writeln!(out, "\n{}{count}", clean(&witness.idiom))?;
        for line in witness.script.lines() {
            writeln!(out, "  {}", clean(line))?;
        }
    }
    Ok(())
}

/// Writes the bounds of the search, and what it took.
fn write_effort(out: &mut dyn Write, part: &Part) -> io::Result<()> {
    let question = &part.question;
    writeln!(
        out,
        "programs of up to {}, made of {}",
        counted(part.covered_calls as u64, "call"),
        clean(&question.vocabulary.join(", "))
    )?;
    if !question.observed.is_empty() {
        writeln!(
            out,
            "told apart by the answers of {} alone",
            clean(&question.observed.join(", "))
        )?;
    }
    writeln!(
        out,
        "at most {} at once, {} and {} in a table",
        counted(question.processes as u64, "process"),
        counted(question.numbers as u64, "fd"),
        counted(question.instances as u64, "instance")
    )?;
    writeln!(
        out,
        "{} met, {} made in them",
        counted(part.states, "state"),
        counted(part.calls_made, "call")
    )?;
    if let Some((number, of)) = part.shard {
        writeln!(out, "part {number} of {of}")?;
    }
    if !part.is_complete {
        writeln!(
            out,
            "stopped at a limit: longer programs than of {} were not all tried, {} asked for",
            counted(part.covered_calls as u64, "call"),
            question.calls
        )?;
    }
    Ok(())
}
