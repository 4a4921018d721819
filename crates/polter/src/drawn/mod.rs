//! `polter report`: a log's verdict, drawn.
//!
//! | module | what it does |
//! |---|---|
//! | [`source`] | a log that is read twice |
//! | [`page`] | the values of the page: words, and what follows |
//! | [`lanes`] | timelines of findings, and of the whole log |
//! | [`graph`] | who keeps what, at one moment |
//! | [`names`] | what processes are called, and steps of stories |
//! | [`trace`], [`clock`] | the trace for Perfetto, and when its lines were written |
//! | [`policies`] | what each policy would change |

mod clock;
mod graph;
mod lanes;
mod names;
mod page;
mod policies;
mod source;
mod trace;

use std::fs::File;
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use polter_judge::{Followed, Judge, Past, Verdict};

use crate::cli::{ReportArgs, ReportFormat};
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::report::judged::Judged;
use crate::{past, verdicts};
use source::Source;

/// Judges the log, reads it again with an eye on what was found, and draws both.
pub(crate) fn report(args: &ReportArgs, console: &Console) -> Result<Exit, Failure> {
    let output = args
        .output
        .as_deref()
        .filter(|path| path.as_os_str() != "-");
    if output.is_none() && io::stdout().is_terminal() {
        return Err(Failure::NotForATerminal);
    }
    let past = args.from.as_deref().map(past::read).transpose()?;
    let mut source = Source::of(&args.logs)?;
    let log = source.open(console)?;
    let damage = log.damage();
    let (path, verdict) = verdicts::read(log, past.as_ref(), &args.compared.policies())?;
    let followed = follow(&mut source, past.as_ref(), &verdict, console)?;
    let drawn = match args.format {
        ReportFormat::Perfetto => trace::trace(&verdict, &followed).bytes(),
        ReportFormat::Html => page::page(&path, &verdict, &followed).html().into_bytes(),
    };
    write(output, &drawn)?;
    let damage = damage.get();
    let exit = match damage {
        Some(_) => Exit::Error,
        None => verdicts::exit(&verdict, &args.failing.fail_on, args.failing.strict),
    };
    let verdict = Ok(verdict);
    let judged = Judged {
        path,
        verdict,
        damage,
        exit,
    };
    verdicts::say(&judged, &args.failing.fail_on, args.failing.strict, console);
    Ok(exit)
}

/// Reads the log again.
fn follow(
    source: &mut Source,
    past: Option<&Past>,
    verdict: &Verdict,
    console: &Console,
) -> Result<Followed, Failure> {
    let mut log = source.open(console)?;
    let name: PathBuf = log.name.clone();
    let mut judge = Judge::new(&[]);
    if let Some(past) = past {
        judge.begin_with(past);
    }
    let (reader, lines_fn) = log.parts();
    let followed = judge.read_again(reader, verdict, lines_fn);
    followed.map_err(Failure::read(&name))
}

fn write(output: Option<&Path>, bytes: &[u8]) -> Result<(), Failure> {
    match output {
        Some(path) => {
            let written = File::create(path).and_then(|mut file| file.write_all(bytes));
            written.map_err(Failure::write_file(path))
        }
        None => {
            let mut out = io::stdout().lock();
            Ok(out.write_all(bytes).and_then(|()| out.flush())?)
        }
    }
}
