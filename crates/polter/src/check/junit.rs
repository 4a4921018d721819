//! Writes the results of a check for CI: JUnit's XML.

use std::io::{self, Write};

use polter_check::Standing;
use polter_trace::encode;

use super::checked::{Checked, Sides};
use super::hunt::Hunt;
use super::suite::Suite;
use crate::report::xml::{self, Case, Ending};

/// Writes a suite of scripts.
pub(super) fn write_scripts(out: &mut dyn Write, all: &[Checked], sides: &Sides) -> io::Result<()> {
    let cases = all
        .iter()
        .map(|checked| case(&checked.name, &checked.title, script(checked)));
    let suite = match &sides.kernel {
        Ok(release) => format!("model and Linux {release}"),
        Err(_) => format!("model of {} under {}", sides.version, sides.policy),
    };
    write(out, suite, cases.collect())
}

/// Writes the suite that comes with polter.
pub(super) fn write_suite(out: &mut dyn Write, suite: &Suite) -> io::Result<()> {
    let cases = suite.facts.iter().map(|fact| {
        let ending = match &fact.standing {
            Standing::Held => Ending::Passed(None),
            Standing::Broken(difference) => failed(difference.to_string()),
            Standing::Failed(error) => failed(error.to_string()),
            Standing::Skipped(reason) => Ending::Skipped(reason.clone()),
        };
        case(fact.name, &fact.title, ending)
    });
    write(
        out,
        format!("epoll on Linux {}", suite.release),
        cases.collect(),
    )
}

/// Writes a suite of one case: all random programs.
pub(super) fn write_random(out: &mut dyn Write, hunt: &Hunt) -> io::Result<()> {
    let found = &hunt.report.found;
    let scripts: Vec<&str> = found.iter().map(|found| found.script.as_str()).collect();
    let ending = match scripts.is_empty() {
        true => Ending::Passed(None),
        false => failed(scripts.join("\n")),
    };
    let seed = format!("seed {}", hunt.options.seed);
    let name = format!("model and Linux {}", hunt.release);
    write(out, name, vec![case("random programs", &seed, ending)])
}

fn script(checked: &Checked) -> Ending {
    let Some(difference) = &checked.comparison.difference else {
        return match checked.not_asked() {
            Some((line, why)) => Ending::Skipped(format!("not asked from line {line} on: {why}")),
            None => Ending::Passed(None),
        };
    };
    let call_fn = |outcome| encode(&difference.call, outcome);
    let kernel = difference.kernel.as_ref().map(call_fn);
    failed(format!(
        "line {}:\n  written  {}\n  model    {}\n  kernel   {}",
        difference.line,
        call_fn(&difference.written),
        call_fn(&difference.model),
        kernel.as_deref().unwrap_or("not asked")
    ))
}

fn failed(text: String) -> Ending {
    Ending::Failed {
        message: None,
        text,
    }
}

fn case(name: &str, title: &str, ending: Ending) -> Case {
    Case {
        class: "epoll".to_owned(),
        name: format!("{name}: {title}"),
        file: None,
        ending,
    }
}

fn write(out: &mut dyn Write, name: String, cases: Vec<Case>) -> io::Result<()> {
    xml::write(out, &[xml::Suite { name, cases }])
}
