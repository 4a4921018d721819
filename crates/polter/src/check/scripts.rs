//! `polter check SCRIPT`: scripts, one after the other, each on fresh sides up to its first
//! difference.

use std::fs;
use std::io::{self, Read as _, Write};
use std::path::Path;

use polter_check::{Model, Running, Script, Verdict, compare};
use polter_live::ExecutorError;

use super::checked::{Checked, Sides};
use super::place::Place;
use super::{json, junit, text};
use crate::cli::{CheckArgs, CheckFormat};
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

/// Checks each script; the exit code is the worst.
///
/// One that cannot be read is complained about, and the next one is checked.
pub(super) fn check(
    args: &CheckArgs,
    place: &Place,
    out: &mut dyn Write,
    console: &Console,
) -> Result<Exit, Failure> {
    let sides = Sides::asked_for(args, place);
    let mut kernel = Kernel::default();
    let mut worst = Exit::Clean;
    let mut all = Vec::new();
    for path in &args.scripts {
        let Some((name, script)) = read(path, console) else {
            worst = Exit::Error;
            continue;
        };
        let running = match &sides.kernel {
            Ok(_) => Some(kernel.world(&script)?),
            Err(_) => None,
        };
        let mut model = Model::new(sides.policy, sides.version, script.first());
        let checked = Checked {
            name,
            title: script.title.clone(),
            comparison: compare(&script, sides.policy, &mut model, running),
        };
        if checked.comparison.kernel_stopped.is_some() {
            // The kernel's side stopped in an unknown state; the next script needs a fresh one.
            kernel = Kernel::default();
        }
        worst = worst.max(exit(&checked, &sides, args, console));
        match args.format {
            CheckFormat::Text => text::write_script(out, &checked, &sides)?,
            CheckFormat::Json => json::write_script(out, &checked, &sides)?,
            CheckFormat::Junit => {}
        }
        out.flush()?;
        all.push(checked);
    }
    match args.format {
        CheckFormat::Text => text::write_sum(out, &all)?,
        CheckFormat::Junit => junit::write_scripts(out, &all, &sides)?,
        CheckFormat::Json => {}
    }
    out.flush()?;
    Ok(worst)
}

/// The running kernel, started when the first script needs it.
#[derive(Debug, Default)]
struct Kernel(Option<Running>);

impl Kernel {
    /// A fresh world for the script.
    fn world(&mut self, script: &Script) -> Result<&mut Running, ExecutorError> {
        let running = match self.0.take() {
            Some(mut running) => {
                running.restart(script.first())?;
                running
            }
            None => Running::start(script.first())?,
        };
        Ok(self.0.insert(running))
    }
}

/// Reads a script; if it cannot be read, complains and returns `None`.
fn read(path: &Path, console: &Console) -> Option<(String, Script)> {
    let mut bytes = Vec::new();
    let (name, read) = if path.as_os_str() == "-" {
        let read = io::stdin().read_to_end(&mut bytes).map(drop);
        ("standard input".to_owned(), read)
    } else {
        let read = fs::read(path).map(|read| bytes = read);
        (path.to_string_lossy().into_owned(), read)
    };
    if let Err(error) = read {
        console.complain(&Failure::read(path)(error));
        return None;
    }
    match Script::parse(&bytes) {
        Ok(script) => Some((name, script)),
        Err(error) => {
            console.say_error(format_args!("{name}:{error}"));
            None
        }
    }
}

fn exit(checked: &Checked, sides: &Sides, args: &CheckArgs, console: &Console) -> Exit {
    let comparison = &checked.comparison;
    if let Some(stopped) = &comparison.kernel_stopped
        && !matches!(stopped.error, ExecutorError::NotAvailable(_))
    {
        console.say_error(format_args!(
            "{}:{}: the kernel's side ended: {}",
            checked.name, stopped.line, stopped.error
        ));
        return Exit::Error;
    }
    let is_alone = sides.kernel.is_err() && !args.no_kernel;
    match comparison.verdict() {
        Verdict::Differs => Exit::Findings,
        Verdict::NotAsked if args.strict => Exit::Error,
        Verdict::Agrees if args.strict && is_alone => Exit::Error,
        Verdict::Agrees | Verdict::NotAsked => Exit::Clean,
    }
}
