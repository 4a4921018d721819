//! `REFRESH=1 cargo test -p polter-check` writes what the model answers under
//! the other policies into the scenarios. Read the change before you keep it.

use eventpoll::{Outcome, Policy, Version};
use polter_check::{Action, Model, Script, agree, follow};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

/// Rewrites the answers of a scenario that are not Linux's own.
pub(crate) fn rewrite(path: &Path) {
    let text = std::fs::read_to_string(path).expect("a scenario can be read");
    let is_answer = |line: &&str| {
        let names = line
            .strip_prefix("# ")
            .and_then(|line| line.split_once(": "));
        names.is_some_and(|(names, _)| names.split(", ").all(|name| name.parse::<Policy>().is_ok()))
    };
    let plain: Vec<&str> = text.lines().filter(|line| !is_answer(line)).collect();
    let script = Script::parse(plain.join("\n").as_bytes()).expect("a scenario is a script");
    let by_policy: Vec<Vec<Option<Outcome>>> = Policy::ALL
        .iter()
        .map(|policy| answers(&script, *policy))
        .collect();
    let mut out = String::new();
    for (index, line) in plain.iter().enumerate() {
        out.push_str(line);
        out.push('\n');
        let Some(at) = script
            .steps
            .iter()
            .position(|step| step.line == index as u64 + 1)
        else {
            continue;
        };
        let (syscall, usual) = match &script.steps[at].action {
            Action::Call { syscall, answer } => (syscall, &answer.usual),
            Action::End { answer } => (begun(&script, at), &answer.usual),
            Action::Begin { .. } => continue,
        };
        let mut said: Vec<(String, Vec<&str>)> = Vec::new();
        // Linux's own answers are written by hand, and come from the running kernel.
        for (policy, outcomes) in Policy::NAMES.iter().zip(&by_policy).skip(1) {
            let outcome = outcomes[at].clone().unwrap_or(Outcome::Gone);
            if !agree(syscall, usual, &outcome) {
                let answer = polter_trace::encode(syscall, &outcome);
                match said.iter_mut().find(|(other, _)| *other == answer) {
                    Some((_, names)) => names.push(policy),
                    None => said.push((answer, vec![policy])),
                }
            }
        }
        for (answer, names) in said {
            out.push_str(&format!("# {}: {answer}\n", names.join(", ")));
        }
    }
    std::fs::write(path, out).expect("a scenario can be written");
}

fn begun(script: &Script, end: usize) -> &eventpoll::Syscall {
    let pid = script.steps[end].pid;
    let earlier = script.steps[..end]
        .iter()
        .rev()
        .find(|step| step.pid == pid);
    match &earlier.expect("what ends has begun").action {
        Action::Begin { syscall } => syscall,
        _ => panic!("what ends has begun"),
    }
}

/// What each step answers under a policy; what began and did not end still waits.
fn answers(script: &Script, policy: Policy) -> Vec<Option<Outcome>> {
    let mut model = Model::new(policy, Version::default(), script.first());
    let mut by_line = BTreeMap::new();
    let followed = follow(script, &mut model, |step, _, came| {
        by_line.insert(step.line, came);
        ControlFlow::<()>::Continue(())
    });
    assert!(followed.is_ok(), "a model cannot fail");
    let lines = script.steps.iter().map(|step| step.line);
    lines.map(|line| by_line.remove(&line)).collect()
}
