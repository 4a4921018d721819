//! Writes the results of a check for programs; docs/json.md describes the keys.

use std::io::{self, Write};

use eventpoll::{Outcome, Syscall};
use polter_check::random::Found;
use polter_check::{Disagreement, Fact, Instance, Standing, Verdict};
use polter_trace::encode;
use serde::Serialize;

use super::checked::{Checked, Sides};
use super::hunt::Hunt;
use super::suite::Suite;
use crate::report::json::{VERSION, write_line};

#[derive(Serialize)]
struct ScriptDocument<'a> {
    version: u32,
    file: &'a str,
    title: &'a str,
    verdict: &'static str,
    policy: String,
    model: String,
    kernel: Option<&'a str>,
    kernel_not_asked: Option<String>,
    not_asked: Option<NotAskedDocument>,
    calls: usize,
    difference: Option<DifferenceDocument>,
}

#[derive(Serialize)]
struct NotAskedDocument {
    line: u64,
    reason: String,
}

#[derive(Serialize)]
struct DifferenceDocument {
    line: u64,
    pid: i32,
    written: String,
    model: String,
    kernel: Option<String>,
    instances: Vec<InstanceDocument>,
}

#[derive(Serialize)]
struct InstanceDocument {
    fd: i32,
    model: Vec<String>,
    kernel: Option<Vec<String>>,
}

#[derive(Serialize)]
struct SuiteDocument<'a> {
    version: u32,
    kernel: &'a str,
    expected: String,
    policy: String,
    held: usize,
    broken: usize,
    skipped: usize,
    facts: Vec<FactDocument<'a>>,
}

#[derive(Serialize)]
struct FactDocument<'a> {
    name: &'a str,
    title: &'a str,
    standing: &'static str,
    reason: Option<String>,
    difference: Option<BrokenDocument>,
}

#[derive(Serialize)]
struct BrokenDocument {
    line: u64,
    pid: i32,
    written: String,
    kernel: String,
}

#[derive(Serialize)]
struct RandomDocument<'a> {
    version: u32,
    kernel: &'a str,
    model: String,
    policy: String,
    seed: u64,
    programs: u64,
    calls: u64,
    open: Vec<OpenDocument<'a>>,
    found: Vec<FoundDocument<'a>>,
}

#[derive(Serialize)]
struct OpenDocument<'a> {
    reason: &'a str,
    programs: u64,
}

#[derive(Serialize)]
struct FoundDocument<'a> {
    index: u64,
    shape: &'static str,
    script: &'a str,
    steady: u32,
    runs: u32,
}

/// Writes one script's object.
pub(super) fn write_script(
    out: &mut dyn Write,
    checked: &Checked,
    sides: &Sides,
) -> io::Result<()> {
    let comparison = &checked.comparison;
    let stopped = comparison.kernel_stopped.as_ref();
    let stopped = stopped.map(|stopped| format!("line {}: {}", stopped.line, stopped.error));
    let document = ScriptDocument {
        version: VERSION,
        file: &checked.name,
        title: &checked.title,
        verdict: match comparison.verdict() {
            Verdict::Differs => "differs",
            Verdict::NotAsked => "not-asked",
            Verdict::Agrees => "agrees",
        },
        policy: sides.policy.to_string(),
        model: sides.version.to_string(),
        kernel: sides.kernel.as_deref().ok(),
        kernel_not_asked: sides.kernel.as_ref().err().cloned().or(stopped),
        not_asked: checked
            .not_asked()
            .map(|(line, reason)| NotAskedDocument { line, reason }),
        calls: comparison.calls,
        difference: comparison.difference.as_ref().map(difference),
    };
    write_line(out, &document)
}

/// Writes the suite's object.
pub(super) fn write_suite(out: &mut dyn Write, suite: &Suite) -> io::Result<()> {
    let [held, broken, skipped] = suite.counts();
    let document = SuiteDocument {
        version: VERSION,
        kernel: &suite.release,
        expected: suite.version.to_string(),
        policy: suite.policy.to_string(),
        held,
        broken,
        skipped,
        facts: suite.facts.iter().map(fact).collect(),
    };
    write_line(out, &document)
}

/// Writes the object of all random programs.
pub(super) fn write_random(out: &mut dyn Write, hunt: &Hunt) -> io::Result<()> {
    let total = hunt.report.total();
    let open = hunt.report.open.iter();
    let found = hunt.report.found.iter();
    let document = RandomDocument {
        version: VERSION,
        kernel: &hunt.release,
        model: hunt.version.to_string(),
        policy: hunt.options.policy.to_string(),
        seed: hunt.options.seed,
        programs: total.programs,
        calls: total.calls,
        open: open
            .map(|(reason, &programs)| OpenDocument { reason, programs })
            .collect(),
        found: found
            .map(|found| FoundDocument {
                index: found.index,
                shape: found.shape.name(),
                script: &found.script,
                steady: found.steady,
                runs: Found::REPEATS,
            })
            .collect(),
    };
    write_line(out, &document)
}

fn difference(difference: &Disagreement) -> DifferenceDocument {
    let call_fn = |outcome: &Outcome| call(&difference.call, outcome);
    DifferenceDocument {
        line: difference.line,
        pid: difference.pid.0,
        written: call_fn(&difference.written),
        model: call_fn(&difference.model),
        kernel: difference.kernel.as_ref().map(call_fn),
        instances: difference.instances.iter().map(instance).collect(),
    }
}

fn instance(instance: &Instance) -> InstanceDocument {
    InstanceDocument {
        fd: instance.fd.0,
        model: instance.model.clone(),
        kernel: instance.kernel.clone(),
    }
}

fn fact(fact: &Fact) -> FactDocument<'_> {
    let (standing, reason, difference) = match &fact.standing {
        Standing::Held => ("held", None, None),
        Standing::Skipped(reason) => ("skipped", Some(reason.clone()), None),
        Standing::Failed(error) => ("broken", Some(error.to_string()), None),
        Standing::Broken(difference) => ("broken", None, Some(difference)),
    };
    FactDocument {
        name: fact.name,
        title: &fact.title,
        standing,
        reason,
        difference: difference.map(|difference| BrokenDocument {
            line: difference.line,
            pid: difference.pid.0,
            written: call(&difference.call, &difference.written),
            kernel: call(&difference.call, &difference.came),
        }),
    }
}

fn call(call: &Syscall, outcome: &Outcome) -> String {
    encode(call, outcome)
}
