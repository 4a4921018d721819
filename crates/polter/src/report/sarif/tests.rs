use serde_json::Value;

use super::*;
use crate::report::sample;

#[test]
fn every_result_names_its_rule_and_its_line() {
    let run = run(sample::haunted(), Exit::Findings);
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), Class::IN_LOGS.len());
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 3);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "logs/a%20server.strace");
        assert!(place["region"]["startLine"].as_u64() >= Some(1));
    }
    assert_eq!(results[0]["level"], "error");
    assert_eq!(
        results[0]["locations"][0]["physicalLocation"]["region"]["startLine"],
        1_108
    );
    assert_eq!(results[2]["level"], "note");
}

#[test]
fn a_fingerprint_is_the_same_in_another_run_and_another_for_another_finding() {
    let mut moved = sample::haunted();
    for step in moved
        .findings
        .iter_mut()
        .flat_map(|finding| &mut finding.story)
    {
        (step.site.line, step.site.pid) = (step.site.line + 1_000, 7);
    }
    let prints = |verdict| {
        let run = run(verdict, Exit::Findings);
        let results = run["results"].as_array().unwrap().clone();
        results
            .into_iter()
            .map(|result| result["partialFingerprints"].to_string())
            .collect::<Vec<_>>()
    };
    let first = prints(sample::haunted());
    assert_eq!(first, prints(moved));
    assert!(first[0] != first[1] && first[1] != first[2], "{first:?}");
    let mut twice = sample::haunted();
    twice.findings.push(twice.findings[0].clone());
    let prints = prints(twice);
    assert_ne!(prints[0], prints[3]);
}

#[test]
fn what_is_not_known_is_an_execution_that_failed() {
    let run = run(sample::gappy(), Exit::Error);
    let invocation = &run["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let told = &invocation["toolExecutionNotifications"][0];
    assert_eq!(told["level"], "error");
    assert!(
        told["message"]["text"]
            .as_str()
            .unwrap()
            .contains("older than the log")
    );
    let document = value(&[Judged::failed("x".as_ref(), "no such file")]);
    let invocation = &document["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    assert_eq!(
        invocation["toolExecutionNotifications"][0]["message"]["text"],
        "x: no such file"
    );
}

#[test]
fn hostile_text_is_shown_and_leads_nowhere() {
    let mut verdict = sample::hostile();
    verdict.findings[0].summary = "\u{1b}[31m[a](http://b)".to_owned();
    let value = value(&[judged(verdict, Exit::Findings)]);
    let mut texts = Vec::new();
    strings(&value, &mut texts);
    assert!(
        texts
            .iter()
            .all(|text| !text.contains(['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}', '\r']))
    );
    assert!(texts.iter().all(|text| !text.contains("](")));
}

fn judged(verdict: polter_judge::Verdict, exit: Exit) -> Judged {
    Judged {
        path: "logs/a server.strace".into(),
        verdict: Ok(verdict),
        damage: None,
        exit,
    }
}

fn run(verdict: polter_judge::Verdict, exit: Exit) -> Value {
    value(&[judged(verdict, exit)])["runs"][0].clone()
}

fn value(all: &[Judged]) -> Value {
    let mut out = Vec::new();
    write(&mut out, all).unwrap();
    assert!(out.is_ascii());
    serde_json::from_slice(&out).unwrap()
}

fn strings(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::String(text) => into.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| strings(value, into)),
        Value::Object(fields) => fields.values().for_each(|value| strings(value, into)),
        _ => {}
    }
}
