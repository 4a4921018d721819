//! A witness as a script: what `polter check` runs.

use crate::act::Act;
use crate::program::{Performed, run_program};
use eventpoll::Policy;
use polter_trace::encode;
use std::fmt::Write;

/// A program in strace's text, under a title, with Linux's answers; where one of `others`
/// answers otherwise, a line under the call says so.
///
/// Nothing if the program lets somebody call who is not there.
pub fn script(title: &str, acts: &[Act], others: &[Policy]) -> Option<String> {
    let usual = run_program(Policy::LAST_FPUT, acts)?;
    let others: Vec<(Policy, Vec<Performed>)> = others
        .iter()
        .filter(|policy| **policy != Policy::LAST_FPUT)
        .map(|policy| Some((*policy, run_program(*policy, acts)?)))
        .collect::<Option<_>>()?;
    let mut text = format!("# {title}\n");
    for (at, line) in usual.iter().enumerate() {
        put(&mut text, format_args!("{} {}", line.pid, answer(line)));
        for (answer, names) in unusual(&others, at, line) {
            put(&mut text, format_args!("# {}: {answer}", names.join(", ")));
        }
    }
    Some(text)
}

/// The other answers to a call, each with who gives it.
fn unusual(
    others: &[(Policy, Vec<Performed>)],
    at: usize,
    usual: &Performed,
) -> Vec<(String, Vec<String>)> {
    let mut answers: Vec<(String, Vec<String>)> = Vec::new();
    for (policy, performed) in others {
        if performed[at].outcome == usual.outcome {
            continue;
        }
        let (answer, name) = (answer(&performed[at]), policy.to_string());
        match answers.iter_mut().find(|(known, _)| *known == answer) {
            Some((_, names)) => names.push(name),
            None => answers.push((answer, vec![name])),
        }
    }
    answers
}

fn answer(line: &Performed) -> String {
    encode(&line.call, &line.outcome)
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    text.write_fmt(line).expect("a string takes all");
    text.push('\n');
}
