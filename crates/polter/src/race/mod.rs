//! `polter race`: searches every order in which a few calls can interleave.
//!
//! | module | what it does |
//! |---|---|
//! | `text` | what went wrong, in two columns |
//! | `columns` | the rows of a schedule, whatever they are written as |
//! | `html` | the same as a document |
//! | `json` | the same for programs |
//! | `watch` | shows how far a search is, and ends it when asked to |

mod columns;
mod html;
mod json;
mod text;
mod watch;

use std::fs;
use std::io::{self, Read as _, Write};
use std::path::Path;

use eventpoll::stepped::{Rules, Stepped};
use polter_race::{
    Bounds, Covered, Found, Limit, Race, Report, Run, Schedule, Walked, replay, search, tidy, walk,
};

use crate::cli::{DrawnFormat, RaceArgs};
use crate::console::{Console, Stream};
use crate::exit::Exit;
use crate::failure::Failure;

/// The result of one script.
#[derive(Debug)]
struct Raced {
    name: String,
    title: String,
    start: Stepped,
    outcome: RaceOutcome,
}

/// The result of a search, or of replaying one schedule.
#[derive(Debug)]
enum RaceOutcome {
    Searched {
        covered: Covered,
        limit: Option<Limit>,
        walked: Option<Walked>,
        found: Option<(Found, Run)>,
    },
    Replayed(Schedule, Run),
}

impl Raced {
    /// The schedule to show, and the run that it led to.
    fn run(&self) -> Option<(&Schedule, &Run)> {
        match &self.outcome {
            RaceOutcome::Searched { found, .. } => {
                found.as_ref().map(|(found, run)| (&found.schedule, run))
            }
            RaceOutcome::Replayed(schedule, run) => Some((schedule, run)),
        }
    }

    fn is_wrong(&self) -> bool {
        self.run().is_some_and(|(_, run)| run.found.is_some())
    }
}

/// Searches each script's interleavings; the exit code is the worst.
pub(crate) fn race(args: &RaceArgs, console: &Console) -> Result<Exit, Failure> {
    console.refuse_page_on_terminal(args.format, args.output.as_deref())?;
    let mut out = console.report_to(args.output.as_deref(), Stream::Out)?;
    let mut stories = Vec::new();
    let mut worst = Exit::Clean;
    for path in &args.scripts {
        let Some(raced) = one(path, args, console)? else {
            worst = Exit::Error;
            continue;
        };
        match args.format {
            DrawnFormat::Text => text::write(&mut out, &raced, args)?,
            DrawnFormat::Json => json::write(&mut out, &raced, args)?,
            DrawnFormat::Html => stories.push(html::story(&raced, args)),
        }
        out.flush()?;
        worst = worst.max(exit(&raced, console));
    }
    if args.format == DrawnFormat::Html {
        out.write_all(html::document(&stories).as_bytes())?;
        out.flush()?;
    }
    Ok(worst)
}

fn exit(raced: &Raced, console: &Console) -> Exit {
    let stuck = raced.run().and_then(|(_, run)| run.stuck);
    if let Some(turn) = stuck {
        let turn = turn + 1;
        console.say_error(format_args!(
            "{}: turn {turn} of the schedule cannot be taken: the task is through or has to wait",
            raced.name
        ));
        return Exit::Error;
    }
    let is_unsuitable = raced.run().is_some_and(|(_, run)| {
        let kind = run.found.as_ref().map(|(finding, _)| finding.kind());
        kind == Some("unsuitable")
    });
    match raced.is_wrong() {
        _ if is_unsuitable => Exit::Error,
        true => Exit::Findings,
        false => Exit::Clean,
    }
}

/// Searches or replays one script; `None` if it cannot be read, which has been reported.
fn one(path: &Path, args: &RaceArgs, console: &Console) -> Result<Option<Raced>, Failure> {
    let (name, text) = match read(path) {
        Ok(read) => read,
        Err(failure) => {
            console.complain(&failure);
            return Ok(None);
        }
    };
    let started = Race::parse(&text).and_then(|race| {
        let start = race.start(rules(args))?;
        Ok((race.title, start))
    });
    let (title, start) = match started {
        Ok(started) => started,
        Err(error) => {
            console.say_error(format_args!("{name}:{error}"));
            return Ok(None);
        }
    };
    let outcome = match &args.schedule {
        Some(file) => match replayed(file, &start)? {
            Ok(outcome) => outcome,
            Err(error) => {
                console.say_error(format_args!("{}: {error}", file.display()));
                return Ok(None);
            }
        },
        None => searched(&start, args, console)?,
    };
    Ok(Some(Raced {
        name,
        title,
        start,
        outcome,
    }))
}

fn replayed(
    file: &Path,
    start: &Stepped,
) -> Result<Result<RaceOutcome, polter_race::ScheduleError>, Failure> {
    let (_, text) = read(file)?;
    let text = String::from_utf8_lossy(&text);
    Ok(Schedule::parse(&text, start).map(|schedule| {
        let run = replay(start, &schedule);
        RaceOutcome::Replayed(schedule, run)
    }))
}

fn searched(start: &Stepped, args: &RaceArgs, console: &Console) -> Result<RaceOutcome, Failure> {
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    let bounds = Bounds {
        states: args.states,
        steps: args.bound,
        memory: args.memory.saturating_mul(1 << 20),
        cores: args.cores.map_or(all, usize::from),
    };
    let (report, walked) = watch::watched(console, |progress| {
        let report = search(start, bounds, progress);
        let is_cut = report.found.is_none() && report.limit.is_some();
        let goes_on = is_cut && report.limit != Some(Limit::Stopped) && args.walks > 0;
        let walked = goes_on.then(|| walk(start, args.seed, args.walks, || progress.is_stopped()));
        (report, walked)
    })?;
    let Report {
        found,
        covered,
        limit,
    } = report;
    let found = found.or_else(|| walked.as_ref().and_then(|walked| walked.found.clone()));
    let found = found.map(|found| {
        let found = tidy(start, &found);
        let run = replay(start, &found.schedule);
        (found, run)
    });
    Ok(RaceOutcome::Searched {
        covered,
        limit,
        walked,
        found,
    })
}

fn rules(args: &RaceArgs) -> Rules {
    let taken_out = args.fix.iter().filter(|(_, is_on)| !is_on);
    let rules = taken_out.fold(Rules::LINUX, |rules, (fix, _)| rules.without(*fix));
    args.seed_bug
        .iter()
        .fold(rules, |rules, seed| rules.with(*seed))
}

fn read(path: &Path) -> Result<(String, Vec<u8>), Failure> {
    if path.as_os_str() == "-" {
        let mut text = Vec::new();
        io::stdin()
            .read_to_end(&mut text)
            .map_err(Failure::read(path))?;
        return Ok(("standard input".to_owned(), text));
    }
    let text = fs::read(path).map_err(Failure::read(path))?;
    Ok((path.to_string_lossy().into_owned(), text))
}
