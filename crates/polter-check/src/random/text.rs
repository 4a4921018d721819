//! A program that was run, as a script in strace's text.

use super::differ::{Disagreement, ProgramRun, Verdict};
use eventpoll::{Outcome, Pid, Syscall};
use polter_trace::{encode, encode_entry, encode_exit};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Writes what was run with the running kernel's answers, and the model's
/// where they differ. The title is for the reader to put right.
pub fn script(title: &str, run: &ProgramRun) -> String {
    let mut text = format!("# {title}\n");
    let mut waiting: BTreeMap<Pid, Syscall> = BTreeMap::new();
    for scene in &run.scenes {
        let (pid, call) = (scene.act.pid, &scene.act.call);
        let line = match &scene.kernel {
            Outcome::Blocked => {
                waiting.insert(pid, call.clone());
                encode_entry(call)
            }
            outcome => encode(call, outcome),
        };
        put(&mut text, format_args!("{pid} {line}"));
        for (pid, outcome) in &scene.kernel_ended {
            if let Some(call) = waiting.remove(pid) {
                put(&mut text, format_args!("{pid} {}", end(&call, outcome)));
            }
        }
    }
    if let Verdict::Different(what) = &run.verdict {
        put_difference(&mut text, run, what);
    }
    text
}

fn put_difference(text: &mut String, run: &ProgramRun, what: &Disagreement) {
    match (what, run.scenes.last()) {
        (Disagreement::Answer, Some(scene)) => {
            let answer = encode(&scene.act.call, &scene.model);
            put(
                text,
                format_args!("# the model: {} {answer}", scene.act.pid),
            );
        }
        (Disagreement::Ends, Some(scene)) => {
            let ends = if scene.model_ended.is_empty() {
                "nothing ends".to_string()
            } else {
                let calls = calls_under_way(run);
                let ends = scene.model_ended.iter().map(|(pid, outcome)| {
                    let call = calls.get(pid).unwrap_or(&scene.act.call);
                    format!("{pid} {}", end(call, outcome))
                });
                ends.collect::<Vec<_>>().join("; ")
            };
            put(text, format_args!("# the model: {ends}"));
        }
        (
            Disagreement::Interest {
                pid,
                fd,
                model,
                kernel,
            },
            _,
        ) => {
            put(text, format_args!("# fdinfo of {fd} in {pid}: {kernel:?}"));
            put(text, format_args!("# the model: {model:?}"));
        }
        (Disagreement::Panic(why), _) => put(text, format_args!("# the model panics: {why}")),
        (Disagreement::Broken(why), _) => put(text, format_args!("# the model is broken: {why}")),
        (_, None) => {}
    }
}

/// Every task's last call that waited.
fn calls_under_way(run: &ProgramRun) -> BTreeMap<Pid, Syscall> {
    let waits = (run.scenes.iter()).filter(|scene| scene.model == Outcome::Blocked);
    waits
        .map(|scene| (scene.act.pid, scene.act.call.clone()))
        .collect()
}

fn end(call: &Syscall, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done(result) => encode_exit(call, result),
        Outcome::Blocked | Outcome::Gone => "+++ killed by SIGKILL +++".to_string(),
    }
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}
