//! `polter why`: why a process spins, and why it is deaf.

use polter_scan::{Proc, Scope};
use polter_why::Answer;

use crate::cli::{ListedFormat, WhyArgs};
use crate::console::{Console, Stream};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::permission::{Here, Purpose, advice, own_command};
use crate::report::{json, lines, text};

/// Watches the processes for the window, and says why each does what it does.
pub(crate) fn why(args: &WhyArgs, console: &Console) -> Result<Exit, Failure> {
    let answer = Answer::of(&Proc::live(), &scope(args), args.source.into(), args.window)?;
    let mut out = console.report_to(args.output.as_deref(), Stream::Out)?;
    match args.format {
        ListedFormat::Text => {
            text::write_why(&mut *out, &answer)?;
            text::write_more(&mut *out, &missing(&answer))?;
        }
        ListedFormat::Json => json::write_why(&mut *out, &answer)?,
        ListedFormat::Jsonl => lines::write_answer(&mut *out, &answer)?,
    }
    out.flush()?;
    Ok(if answer.has_cause() {
        Exit::Findings
    } else if answer.is_blind() {
        Exit::Error
    } else {
        Exit::Clean
    })
}

/// What is missing here to see more, and the line that grants it.
fn missing(answer: &Answer) -> Vec<String> {
    let here = Here::now();
    let command = own_command();
    let mut lines = Vec::new();
    let is_refused =
        |it: &polter_why::Told| it.facts.files_refused > 0 || it.facts.threads.is_empty();
    if answer.processes.iter().any(is_refused) {
        lines.extend(advice(&here, Purpose::LookInside, &command));
    }
    if answer.why_not_counted.is_some() {
        lines.extend(advice(&here, Purpose::UseBpf, &command));
    }
    lines
}

fn scope(args: &WhyArgs) -> Scope {
    match &args.name {
        Some(name) => Scope::Name(name.clone()),
        None if args.children => Scope::Families(args.pids.clone()),
        None => Scope::Pids(args.pids.clone()),
    }
}
