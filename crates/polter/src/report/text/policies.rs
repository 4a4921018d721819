//! Writes the table of policies: what each mends and breaks.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use polter_judge::{Break, Outcome, PolicyVerdict};

use super::WIDTH;
use super::style::{ASIDE, CLEAN, FAULT, NOTE, TITLE};
use crate::report::call_text;
use crate::report::sentences::{BY_ORDER, broken, mends, outcome};
use crate::report::words::{clean, counted, number};

/// The columns of a call in the table.
const CALL_WIDTH: usize = 46;

/// A line under the header, and nothing else.
const RULED: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─'));

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
        (Outcome::MendsMayBreak, NOTE),
        (Outcome::MayBreak, NOTE),
        (Outcome::MendsAndBreaks, NOTE),
        (Outcome::Breaks, FAULT),
        (Outcome::Mends, CLEAN),
        (Outcome::Unchanged, ASIDE),
        (Outcome::Harmless, ASIDE),
        (Outcome::NotKnown, NOTE),
    ];
    if line.starts_with('─') {
        return writeln!(out, "  {ASIDE}{line}{ASIDE:#}");
    }
    for (verdict, style) in verdicts.map(|(verdict, style)| (outcome(verdict), style)) {
        if let Some(before) = line.strip_suffix(verdict) {
            return writeln!(out, "  {before}{style}{verdict}{style:#}");
        }
    }
    writeln!(out, "  {line}")
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
    let what = broken(&first.what);
    format!(
        "first on line {} by {}\n{call}\n{what}",
        site.line, site.pid
    )
}

fn verdict(policy: &PolicyVerdict) -> String {
    let verdict = outcome(policy.verdict);
    match policy.notices {
        0 => verdict.to_owned(),
        notices => format!("{verdict}\n{}", counted(notices, "notice")),
    }
}
