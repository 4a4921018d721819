//! The table of policies: what each mends, and what it breaks.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use polter_judge::{Break, Broken, PolicyVerdict};

use super::WIDTH;
use super::style::{ASIDE, TITLE};
use crate::report::words::{clean, counted, cut_call, number};

/// The columns of a call in the table.
const CALL_WIDTH: usize = 38;

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
    for line in table.to_string().lines() {
        let line = line.trim_end();
        let is_rule = line.starts_with('─');
        let style = if is_rule {
            ASIDE
        } else {
            anstyle::Style::new()
        };
        writeln!(out, "  {style}{line}{style:#}")?;
    }
    Ok(())
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
    let Some(first) = policy.breaks.first() else {
        return if policy.break_count == 0 {
            "–".to_owned()
        } else {
            number(policy.break_count)
        };
    };
    format!("{}, {}", number(policy.break_count), describe(first))
}

fn describe(first: &Break) -> String {
    let site = &first.site;
    let call = cut_call(&clean(&site.text), CALL_WIDTH);
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
    let mends = policy.mended_ghosts + policy.mended_events + policy.mended_calls > 0;
    let verdict = match (mends, policy.break_count > 0) {
        (false, false) if policy.notices > 0 => "harmless",
        (false, false) => "unchanged",
        (true, false) => "mends",
        (false, true) => "breaks",
        (true, true) => "mends and breaks",
    };
    match policy.notices {
        0 => verdict.to_owned(),
        notices => format!("{verdict}\n{}", counted(notices, "notice")),
    }
}
