//! Writes the table of policies: what each mends and breaks.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use polter_judge::{Break, Broken, Outcome, PolicyVerdict};

use super::WIDTH;
use super::style::{ASIDE, CLEAN, FAULT, NOTE, TITLE};
use crate::report::call_text;
use crate::report::words::{clean, counted, number};

/// The columns of a call in the table.
const CALL_WIDTH: usize = 46;

/// A line under the header, and nothing else.
const RULED: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─'));

const UNCHANGED: &str = "unchanged";
const HARMLESS: &str = "harmless";
const MENDS: &str = "mends";
const BREAKS: &str = "breaks";
const MENDS_AND_BREAKS: &str = "mends and breaks";
const MAY_BREAK: &str = "may break";
const BY_ORDER: &str = "in this order of two processes' calls";
const MENDS_AND_MAY_BREAK: &str = "mends, may break";
const NOT_KNOWN: &str = "not known";

/// Writes the table, if there is something to put into it.
pub(super) fn write(out: &mut dyn Write, policies: &[PolicyVerdict]) -> io::Result<()> {
    if policies.is_empty() {
        return Ok(());
    }
    let mut table = Table::new();
    table
        .load_style(RULED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH as u16 - 2)
        .set_header(["policy", "mends", "breaks", "verdict"]);
    for policy in policies {
        table.add_row([
            clean(&policy.policy),
            mends(policy),
            breaks(policy),
            verdict(policy),
        ]);
    }
    writeln!(out, "\n{TITLE}What each policy would change{TITLE:#}")?;
    let table = table.to_string();
    table
        .lines()
        .try_for_each(|line| write_line(out, line.trim_end()))
}

/// Writes a line of the table with a coloured verdict. The table library would count colours as
/// columns, so they are added here.
fn write_line(out: &mut dyn Write, line: &str) -> io::Result<()> {
    // The longest first, because some verdicts end with another one.
    let verdicts = [
        (MENDS_AND_MAY_BREAK, NOTE),
        (MAY_BREAK, NOTE),
        (MENDS_AND_BREAKS, NOTE),
        (BREAKS, FAULT),
        (MENDS, CLEAN),
        (UNCHANGED, ASIDE),
        (HARMLESS, ASIDE),
        (NOT_KNOWN, NOTE),
    ];
    if line.starts_with('─') {
        return writeln!(out, "  {ASIDE}{line}{ASIDE:#}");
    }
    for (verdict, style) in verdicts {
        if let Some(before) = line.strip_suffix(verdict) {
            return writeln!(out, "  {before}{style}{verdict}{style:#}");
        }
    }
    writeln!(out, "  {line}")
}

fn mends(policy: &PolicyVerdict) -> String {
    let kinds = [
        (policy.mended_ghosts, "ghost"),
        (policy.mended_events, "event"),
        (policy.mended_calls, "call"),
    ];
    let parts: Vec<String> = kinds
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, noun)| counted(count, noun))
        .collect();
    if parts.is_empty() {
        "–".to_owned()
    } else {
        parts.join(", ")
    }
}

fn breaks(policy: &PolicyVerdict) -> String {
    let mut parts = Vec::new();
    match policy.breaks.first() {
        None if policy.break_count == 0 => {}
        None => parts.push(number(policy.break_count)),
        Some(first) => parts.push(format!(
            "{}, {}",
            number(policy.break_count),
            describe(first)
        )),
    }
    match policy.order_count {
        0 => {}
        count if count == policy.break_count => parts.push(format!("{BY_ORDER} only")),
        count => parts.push(format!("{} {BY_ORDER} only", number(count))),
    }
    if let Some(first) = policy.other_order.first() {
        let count = number(policy.other_order_count);
        parts.push(format!("in another order: {count}, {}", describe(first)));
    }
    if parts.is_empty() {
        return "–".to_owned();
    }
    parts.join("\n")
}

fn describe(first: &Break) -> String {
    let site = &first.site;
    let call = call_text::fit(&site.text, CALL_WIDTH);
    let what = match &first.what {
        Broken::Result { would_be, .. } => format!("would be {}", clean(would_be)),
        Broken::EventLost { fd, registered } => {
            format!("loses fd {fd}'s event, added on line {}", registered.line)
        }
    };
    format!(
        "first on line {} by {}\n{call}\n{what}",
        site.line, site.pid
    )
}

fn verdict(policy: &PolicyVerdict) -> String {
    let verdict = match policy.verdict {
        Outcome::Unchanged => UNCHANGED,
        Outcome::Harmless => HARMLESS,
        Outcome::Mends => MENDS,
        Outcome::MendsMayBreak => MENDS_AND_MAY_BREAK,
        Outcome::MayBreak => MAY_BREAK,
        Outcome::MendsAndBreaks => MENDS_AND_BREAKS,
        Outcome::Breaks => BREAKS,
        Outcome::NotKnown => NOT_KNOWN,
    };
    match policy.notices {
        0 => verdict.to_owned(),
        notices => format!("{verdict}\n{}", counted(notices, "notice")),
    }
}
