//! Every line that strace itself wrote is understood, and printed back.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use polter_trace::{Assembler, Body, Call, EventKind, Line, Prefix, Value, escape};

#[test]
fn every_line_is_understood_and_printed_back() {
    let mut lines = 0;
    for (name, text) in samples() {
        for (text, number) in text.split(|&b| b == b'\n').zip(1..) {
            let line = Line::parse(text);
            assert_eq!(line.to_bytes(), text, "{name}:{number}");
            if let Body::Unparsed(unparsed) = line.body {
                panic!("{name}:{number}: {}: {}", unparsed.error, escape(text));
            }
            lines += 1;
        }
    }
    assert!(lines > 2000, "{lines}");
}

#[test]
fn every_argument_is_understood() {
    for (name, text) in samples() {
        for (text, number) in text.split(|&b| b == b'\n').zip(1..) {
            let Body::Call(Call { args, .. }) = Line::parse(text).body else {
                continue;
            };
            for arg in args {
                let value = arg
                    .value()
                    .unwrap_or_else(|error| panic!("{name}:{number}: {error}"));
                let is_expression = is_known_expression(arg.raw);
                assert!(
                    is_expression || !has_other(&value),
                    "{name}:{number}: {}",
                    escape(arg.raw)
                );
            }
        }
    }
}

#[test]
fn every_log_fits_together() {
    for (name, text) in samples() {
        let mut assembler = Assembler::default();
        for (text, number) in text.split(|&b| b == b'\n').zip(1..) {
            let line = Line::parse(text);
            if let Some(warning) = assembler.push(number, &line).warning {
                panic!("{name}:{warning}: {}", escape(text));
            }
        }
        assert_eq!(assembler.pending().count(), 0, "{name}");
    }
}

#[test]
fn the_same_program_makes_the_same_calls_under_every_option() {
    let mut counts = BTreeMap::new();
    for (name, text) in samples() {
        if name.starts_with("ff_") || name.contains("inject") || name == "plain" {
            continue;
        }
        let mut assembler = Assembler::default();
        let mut calls = 0;
        for (text, number) in text.split(|&b| b == b'\n').zip(1..) {
            let line = Line::parse(text);
            let event = assembler.push(number, &line).event;
            if let Some(EventKind::Call(call) | EventKind::Exit { call, .. }) =
                event.map(|event| event.kind)
            {
                calls += usize::from(call.name == "epoll_ctl");
            }
        }
        counts.insert(name, calls);
    }
    assert_eq!(counts.remove("stderr_k"), Some(0));
    assert!(counts.values().all(|&calls| calls == 11), "{counts:?}");
}

#[test]
fn tasks_are_told_apart_on_a_terminal() {
    let (_, text) = samples()
        .into_iter()
        .find(|(name, _)| name == "stderr_tt")
        .unwrap();
    let mut assembler = Assembler::default();
    let mut named = Vec::new();
    let mut nameless_after = 0;
    for (text, number) in text.split(|&b| b == b'\n').zip(1..) {
        let line = Line::parse(text);
        let assembled = assembler.push(number, &line);
        named.extend(assembled.named);
        let is_call = assembled.event.is_some_and(|event| {
            event.pid.is_none() && matches!(event.kind, EventKind::Call(_) | EventKind::Exit { .. })
        });
        nameless_after += usize::from(is_call && !named.is_empty());
    }
    assert_eq!(named.len(), 1, "{named:?}");
    assert_eq!(nameless_after, 0);
}

#[test]
fn options_show_in_the_prefix() {
    check("f", |prefix| prefix.pid.is_some() && prefix.clock.is_none());
    check("t", |prefix| {
        prefix.clock.is_some() && prefix.relative.is_none()
    });
    check("tt_T", |prefix| prefix.clock.is_some());
    check("ttt", |prefix| prefix.clock.is_some());
    check("unix_ns", |prefix| prefix.clock.is_some());
    check("unix_s", |prefix| prefix.clock.is_some());
    check("r", |prefix| {
        prefix.relative.is_some() && prefix.clock.is_none()
    });
    check("r_s", |prefix| {
        prefix.relative.is_some() && prefix.pid.is_some()
    });
    check("r_t", |prefix| {
        prefix.relative.is_some() && prefix.clock.is_some()
    });
    check("r_tt", |prefix| {
        prefix.relative.is_some() && prefix.clock.is_some()
    });
    check("i_n", |prefix| prefix.pid.is_some());
    check("Y", |prefix| prefix.command.is_some());
}

/// Checks the prefix of every line of a sample.
#[track_caller]
fn check(name: &str, is_right: fn(&Prefix<'_>) -> bool) {
    let (_, text) = samples()
        .into_iter()
        .find(|(sample, _)| sample == name)
        .unwrap();
    for line in text.split(|&b| b == b'\n').filter(|line| !line.is_empty()) {
        assert!(is_right(&Prefix::parse(line)), "{name}: {}", escape(line));
    }
}

/// The expressions that stay text.
fn is_known_expression(arg: &[u8]) -> bool {
    let text = String::from_utf8_lossy(arg);
    text.contains("*1024") || text.contains("WIFEXITED") || text.contains("WIFSIGNALED")
}

fn has_other(value: &Value<'_>) -> bool {
    match value {
        Value::Other(_) => true,
        Value::Array(values)
        | Value::Complement(values)
        | Value::Function(_, values)
        | Value::Flags(values) => values.iter().any(has_other),
        Value::Struct(fields) => fields.iter().any(|field| has_other(&field.value)),
        Value::Change(change) => {
            change.before.as_ref().is_some_and(has_other) || has_other(&change.after)
        }
        Value::Decorated(value, _) | Value::Commented(value, _) => has_other(value),
        Value::Number(_) | Value::Name(_) | Value::Text(_) | Value::Elided => false,
    }
}

/// The fixtures, by name; the last newline is not a line of its own.
pub(crate) fn samples() -> Vec<(String, Vec<u8>)> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut samples = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "strace")
        {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            let mut text = fs::read(&path).unwrap();
            text.pop_if(|last| *last == b'\n');
            samples.push((name, text));
        }
    }
    samples.sort();
    samples
}
