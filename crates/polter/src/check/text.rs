//! Writes the results of a check for people.

use std::io::{self, Write};

use eventpoll::Policy;
use polter_check::random::Found;
use polter_check::{Disagreement, Instance, Standing, Verdict};
use polter_trace::encode;

use super::checked::{Checked, Sides};
use super::hunt::Hunt;
use super::suite::Suite;
use crate::report::call_text::fit;
use crate::report::text::WIDTH;
use crate::report::text::style::{ASIDE, CLEAN, FAULT, NOTE, TITLE};
use crate::report::words::{clean, counted, cut, number, width, wrap};

/// The columns of the word that says which side answered.
const WHO: usize = 9;

/// The columns of a fact's name; a longer one takes them from its title.
const NAME: usize = 40;

/// The columns of one side's registration.
const ROW: usize = 44;

/// Writes the verdict on a script, and its first difference.
pub(super) fn write_script(
    out: &mut dyn Write,
    checked: &Checked,
    sides: &Sides,
) -> io::Result<()> {
    let name = clean(&checked.name);
    let who = who(checked, sides);
    let Some(difference) = &checked.comparison.difference else {
        let calls = counted(checked.comparison.calls as u64, "call");
        let Some((line, _)) = checked.not_asked() else {
            return writeln!(
                out,
                "{name}: {CLEAN}agrees{CLEAN:#} {ASIDE}({calls}: {who}){ASIDE:#}"
            );
        };
        return writeln!(
            out,
            "{name}: {NOTE}not asked{NOTE:#} from line {line} on {ASIDE}({calls}: {who}){ASIDE:#}"
        );
    };
    let line = difference.line;
    writeln!(
        out,
        "{name}: {FAULT}differs{FAULT:#} at line {line} {ASIDE}({who}){ASIDE:#}"
    )?;
    for line in wrap(&clean(&checked.title), WIDTH - 2) {
        writeln!(out, "  {ASIDE}{line}{ASIDE:#}")?;
    }
    writeln!(out)?;
    write_answers(out, difference)?;
    write_instances(out, difference)?;
    writeln!(out)
}

/// Says how many agree, if there are several.
pub(super) fn write_sum(out: &mut dyn Write, all: &[Checked]) -> io::Result<()> {
    if all.len() < 2 {
        return Ok(());
    }
    let count = |verdict| {
        let those = all.iter().map(|checked| checked.comparison.verdict());
        those.filter(|its| *its == verdict).count()
    };
    write!(
        out,
        "{}: {} agree, {} differ",
        counted(all.len() as u64, "script"),
        count(Verdict::Agrees),
        count(Verdict::Differs)
    )?;
    match count(Verdict::NotAsked) {
        0 => writeln!(out),
        open => writeln!(out, ", {open} not asked to the end"),
    }
}

/// Which sides were asked, and up to where.
fn who(checked: &Checked, sides: &Sides) -> String {
    let Sides {
        policy, version, ..
    } = sides;
    let stopped = &checked.comparison.kernel_stopped;
    if let (Some(unknown), None) = (checked.comparison.unknown, stopped) {
        return format!("nobody from line {} on: {}", unknown.line, unknown.why);
    }
    match (&sides.kernel, stopped) {
        (Ok(release), None) => format!("model and Linux {}{}", clean(release), under(*policy)),
        (Ok(_), Some(stopped)) => format!(
            "model; Linux up to line {}: {}",
            stopped.line,
            clean(&stopped.error.to_string())
        ),
        (Err(reason), _) => {
            format!("model of {version} under {policy} alone: {}", clean(reason))
        }
    }
}

/// Names a policy that is not Linux's own.
fn under(policy: Policy) -> String {
    match policy {
        Policy::LAST_FPUT => String::new(),
        policy => format!(" under {policy}"),
    }
}

/// Writes the same call three times, one below the other: as written, the model's, the kernel's.
fn write_answers(out: &mut dyn Write, difference: &Disagreement) -> io::Result<()> {
    let answers = [
        ("written", Some(&difference.written), true),
        (
            "model",
            Some(&difference.model),
            difference.is_model_right(),
        ),
        (
            "kernel",
            difference.kernel.as_ref(),
            difference.is_kernel_right(),
        ),
    ];
    let whole = answers.map(|(_, outcome, _)| match outcome {
        Some(outcome) => format!("{} {}", difference.pid, encode(&difference.call, outcome)),
        None => format!("{} not asked", difference.pid),
    });
    let fitted = whole.each_ref().map(|text| fit(text, WIDTH - WHO - 4));
    // Fitting a call cuts parts out. If two answers look alike then, the difference is in those
    // parts.
    let is_hidden = (0..whole.len()).any(|a| {
        let others = 0..whole.len();
        others
            .into_iter()
            .any(|b| fitted[a] == fitted[b] && whole[a] != whole[b])
    });
    let shown = if is_hidden { whole } else { fitted };
    for ((who, _, is_right), answer) in answers.into_iter().zip(shown) {
        let style = if is_right { ASIDE } else { FAULT };
        let mark = if is_right { ' ' } else { '≠' };
        let mut lines = pieces(&answer, WIDTH - WHO - 4).into_iter();
        let first = lines.next().unwrap_or_default();
        writeln!(out, "{style}{mark} {who:<WHO$}{style:#} {first}")?;
        for line in lines {
            writeln!(out, "  {:<WHO$} {line}", "")?;
        }
    }
    Ok(())
}

/// Cuts a text that is too long for a line into lines.
fn pieces(text: &str, columns: usize) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let pieces = characters.chunks(columns.max(1));
    pieces.map(|piece| piece.iter().collect()).collect()
}

/// Writes the registrations of both sides, side by side, as fdinfo has them.
fn write_instances(out: &mut dyn Write, difference: &Disagreement) -> io::Result<()> {
    if difference.instances.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n  {TITLE}{:<WHO$} {:<ROW$}{}{TITLE:#}",
        format!("fds of {}", difference.pid),
        "model",
        if difference.kernel.is_some() {
            "kernel"
        } else {
            ""
        }
    )?;
    for instance in &difference.instances {
        write_instance(out, instance)?;
    }
    Ok(())
}

fn write_instance(out: &mut dyn Write, instance: &Instance) -> io::Result<()> {
    const EMPTY: [String; 0] = [];
    let kernel = instance.kernel.as_deref().unwrap_or(&EMPTY);
    let rows = instance.model.len().max(kernel.len()).max(1);
    for row in 0..rows {
        let fd = if row == 0 {
            instance.fd.to_string()
        } else {
            String::new()
        };
        let side_fn = |rows: &[String]| match rows.get(row) {
            Some(text) => cut(&clean(text), ROW - 2),
            None if row == 0 => "(nothing)".to_owned(),
            None => String::new(),
        };
        let model = side_fn(&instance.model);
        let kernel = instance.kernel.as_deref().map(side_fn).unwrap_or_default();
        let line = format!("  {fd:<WHO$} {model:<ROW$}{kernel}");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Writes the table of facts, then the answers to each that is broken.
pub(super) fn write_suite(out: &mut dyn Write, suite: &Suite) -> io::Result<()> {
    for fact in &suite.facts {
        let (word, style) = match fact.standing {
            Standing::Held => ("held", CLEAN),
            Standing::Broken(_) | Standing::Failed(_) => ("broken", FAULT),
            Standing::Skipped(_) => ("skipped", NOTE),
        };
        let name = width(fact.name).max(NAME);
        let title = cut(&fact.title, WIDTH.saturating_sub(name + 11));
        writeln!(
            out,
            "{style}{word:<7}{style:#}  {:<NAME$}  {ASIDE}{title}{ASIDE:#}",
            fact.name
        )?;
    }
    for fact in &suite.facts {
        let told = match &fact.standing {
            Standing::Held => continue,
            Standing::Skipped(reason) => format!("skipped: {reason}"),
            Standing::Failed(error) => format!("could not be run: {error}"),
            Standing::Broken(difference) => {
                writeln!(out, "\n{FAULT}{}{FAULT:#}", fact.name)?;
                for line in wrap(&fact.title, WIDTH - 2) {
                    writeln!(out, "  {ASIDE}{line}{ASIDE:#}")?;
                }
                let call_fn = |outcome| {
                    let call = encode(&difference.call, outcome);
                    fit(&format!("{} {call}", difference.pid), WIDTH - WHO - 4)
                };
                let (written, came) = (&difference.written, &difference.came);
                writeln!(out, "  line {}", difference.line)?;
                writeln!(out, "  {:<WHO$} {}", "expected", call_fn(written))?;
                writeln!(out, "  {:<WHO$} {}", "came", call_fn(came))?;
                continue;
            }
        };
        writeln!(out, "\n{NOTE}{}{NOTE:#}", fact.name)?;
        for line in wrap(&clean(&told), WIDTH - 2) {
            writeln!(out, "  {line}")?;
        }
    }
    let [held, broken, skipped] = suite.counts();
    writeln!(
        out,
        "\nLinux {}, expected to be as {}{}: {TITLE}{held} held, {broken} broken, {skipped} skipped{TITLE:#}",
        clean(&suite.release),
        suite.version,
        under(suite.policy)
    )
}

/// Writes how much was run, and what differs, each as a script to keep.
pub(super) fn write_random(out: &mut dyn Write, hunt: &Hunt) -> io::Result<()> {
    let (report, total) = (&hunt.report, hunt.report.total());
    for (shape, tally) in &report.by_shape {
        writeln!(
            out,
            "{:<10} {}, {}: {} waited, {} had processes, {} nested instances",
            shape.name(),
            counted(tally.programs, "program"),
            counted(tally.calls, "call"),
            number(tally.waiting),
            number(tally.processes),
            number(tally.nested)
        )?;
    }
    for (reason, count) in &report.open {
        let programs = counted(*count, "program");
        writeln!(
            out,
            "{NOTE}without a verdict{NOTE:#} {programs}: {}",
            clean(reason)
        )?;
    }
    for found in &report.found {
        writeln!(out, "\n{}", found.script.trim_end())?;
        let (steady, runs) = (found.steady, Found::REPEATS);
        writeln!(out, "{ASIDE}# differs in {steady} of {runs} runs; again:")?;
        writeln!(out, "# {}{ASIDE:#}", hunt.rerun(found))?;
    }
    let style = if report.found.is_empty() {
        CLEAN
    } else {
        FAULT
    };
    writeln!(
        out,
        "\nmodel of {}{} and Linux {}: {}, {}, {style}{} differ{style:#} {ASIDE}({:.0} a second){ASIDE:#}",
        hunt.version,
        under(hunt.options.policy),
        clean(&hunt.release),
        counted(total.programs, "program"),
        counted(total.calls, "call"),
        report.found.len(),
        report.rate()
    )
}
