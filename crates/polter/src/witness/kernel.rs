//! `polter witness POLICY kernel`: runs every program on the model and on the running kernel.

use std::io::Write;

use eventpoll::{Outcome, Policy, Syscall};
use indicatif::{ProgressBar, ProgressStyle};
use polter_check::Running;
use polter_trace::encode;
use polter_witness::{Disagreement, Trial, try_kernel};
use serde::Serialize;

use super::html;
use crate::cli::{DrawnFormat, WitnessArgs};
use crate::console::{Console, Stream};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::report::json::{VERSION, write_line};
use crate::report::words::{clean, counted, number};

#[derive(Serialize)]
struct Document {
    version: u32,
    policy: String,
    kernel: String,
    programs: Vec<u64>,
    calls: u64,
    differ: u64,
    is_cut: bool,
    scripts: Vec<String>,
}

/// Runs the programs, the shortest first, up to the length at which the kernel answers differently.
pub(super) fn witness(
    policy: Policy,
    args: &WitnessArgs,
    console: &Console,
) -> Result<Exit, Failure> {
    let bar = bar(console);
    let options = super::options(args);
    let vocabulary = args.words.vocabulary();
    let max_programs = args.effort.programs;
    let trial = try_kernel(policy, &vocabulary, &options, max_programs, |trial| {
        bar.set_position(trial.total());
    });
    bar.finish_and_clear();
    let trial = trial?;
    let mut out = console.report_to(args.to.output.as_deref(), Stream::Out)?;
    match args.to.format {
        DrawnFormat::Text => write_text(&mut *out, policy, &trial)?,
        DrawnFormat::Json => write_json(&mut *out, policy, &trial)?,
        DrawnFormat::Html => out.write_all(page(policy, &trial).as_bytes())?,
    }
    out.flush()?;
    Ok(if trial.differ == 0 {
        Exit::Clean
    } else {
        Exit::Findings
    })
}

fn bar(console: &Console) -> ProgressBar {
    if !console.shows_progress() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{pos} programs, {per_sec}");
    ProgressBar::new_spinner().with_style(style.expect("the template is right"))
}

fn write_text(out: &mut dyn Write, policy: Policy, trial: &Trial) -> std::io::Result<()> {
    let release = clean(&Running::release());
    for disagreement in &trial.shown {
        writeln!(out, "{}", script(policy, &release, disagreement))?;
    }
    let lengths = trial.programs.iter().enumerate();
    let lengths: Vec<String> = lengths
        .map(|(at, programs)| format!("{} of {}", number(*programs), at + 1))
        .collect();
    let total = counted(trial.total(), "program");
    writeln!(
        out,
        "{policy} and Linux {release}: {total}, {}, {} differ",
        counted(trial.calls, "call"),
        number(trial.differ)
    )?;
    writeln!(out, "programs by calls: {}", lengths.join(", "))?;
    if trial.is_cut {
        writeln!(out, "stopped at the limit of --programs: there are more")?;
    }
    Ok(())
}

fn write_json(out: &mut dyn Write, policy: Policy, trial: &Trial) -> std::io::Result<()> {
    let release = Running::release();
    let document = Document {
        version: VERSION,
        policy: policy.to_string(),
        programs: trial.programs.clone(),
        calls: trial.calls,
        differ: trial.differ,
        is_cut: trial.is_cut,
        scripts: trial
            .shown
            .iter()
            .map(|shown| script(policy, &release, shown))
            .collect(),
        kernel: release,
    };
    write_line(out, &document)
}

/// The programs that were answered otherwise, in two worlds.
fn page(policy: Policy, trial: &Trial) -> String {
    let release = Running::release();
    let model = match policy {
        Policy::LAST_FPUT => "the model".to_owned(),
        policy => policy.to_string(),
    };
    let linux = format!("Linux {release}");
    let stories = trial.shown.iter().map(|shown| {
        let script = script(policy, &release, shown);
        html::story("answered otherwise", &script, [&model, &linux])
    });
    let stories: Vec<_> = stories.collect();
    let read = format!(
        "{model} and {linux}: {}, {}, {} differ",
        counted(trial.total(), "program"),
        counted(trial.calls, "call"),
        number(trial.differ)
    );
    html::of_stories(
        "The model and the kernel",
        read,
        trial.differ == 0,
        &stories,
    )
}

/// A program as a script with the kernel's answers; the last call also has the policy's answer.
fn script(policy: Policy, release: &str, shown: &Disagreement) -> String {
    let last = shown.performed.len().saturating_sub(1);
    let mut lines = vec![format!(
        "# {policy}, and Linux {release}, answer otherwise."
    )];
    for (at, line) in shown.performed.iter().enumerate() {
        let pid = line.pid;
        if at < last {
            lines.push(format!("{pid} {}", encode(&line.call, &line.outcome)));
            continue;
        }
        lines.push(format!("{pid} {}", encode(&line.call, &shown.kernel)));
        lines.push(answer(policy, &line.call, &line.outcome));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn answer(policy: Policy, call: &Syscall, outcome: &Outcome) -> String {
    // In a script, Linux's own answer is the call itself and has no name: here it is the model's.
    let name = match policy {
        Policy::LAST_FPUT => "the model".to_string(),
        policy => policy.to_string(),
    };
    format!("# {name}: {}", encode(call, outcome))
}
