//! `polter witness`: the shortest programs that tell two policies apart.
//!
//! | module | what it does |
//! |---|---|
//! | [`text`], [`json`], [`html`] | write a search |
//! | [`kernel`] | compares a policy with the running kernel |
//! | [`scripts`] | writes witnesses as files |

mod html;
mod json;
mod kernel;
mod scripts;
mod text;

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};

use eventpoll::Policy;
use polter_witness::{Options, Part, Report, hunt, merge};

use crate::cli::{DrawnFormat, Side, To, Which, WitnessArgs, WitnessVerb};
use crate::console::{Console, Stream};
use crate::exit::Exit;
use crate::failure::Failure;

/// Searches, or merges the parts of a search, and writes the report.
pub(crate) fn witness(args: &WitnessArgs, console: &Console) -> Result<Exit, Failure> {
    let to = match &args.merge {
        Some(WitnessVerb::Merge { to, .. }) => to,
        None => &args.to,
    };
    console.refuse_page_on_terminal(to.format, to.output.as_deref())?;
    if let Some(WitnessVerb::Merge { parts, every, to }) = &args.merge {
        let whole = merge(read(parts)?)?;
        return report(&whole, *every, to, console);
    }
    match args.sides[..] {
        [Side::Policy(policy), Side::Kernel] | [Side::Kernel, Side::Policy(policy)] => {
            kernel::witness(policy, args, console)
        }
        [Side::Kernel, Side::Kernel] => Err(Failure::OneSide),
        [Side::Policy(a), Side::Policy(b)] if a == b => Err(Failure::OneSide),
        [Side::Policy(a), Side::Policy(b)] => search(&[a, b], args, console),
        _ => search(&Policy::ALL, args, console),
    }
}

fn search(policies: &[Policy], args: &WitnessArgs, console: &Console) -> Result<Exit, Failure> {
    let found: Report = hunt(policies, &args.words.vocabulary(), &options(args));
    if let Some(dir) = &args.scripts {
        scripts::write(dir, &found, args.every)?;
    }
    report(&Part::from(&found), args.every, &args.to, console)
}

fn options(args: &WitnessArgs) -> Options {
    let is_thorough = match args.show {
        Which::Auto => !args.all,
        Which::Shortest => false,
        Which::Longer => true,
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Options {
        calls: args.calls.into(),
        is_thorough,
        observed: args.observe.clone(),
        threads: args.effort.threads.unwrap_or(cores).max(1),
        max_states: args.effort.states.unwrap_or(usize::MAX),
        max_bytes: args.effort.memory.saturating_mul(1 << 20),
        shard: args.effort.shard,
        is_shared: true,
    }
}

/// Writes a search. The exit code says whether every pair was told apart within the bounds.
fn report(part: &Part, every: bool, to: &To, console: &Console) -> Result<Exit, Failure> {
    let mut out = console.report_to(to.output.as_deref(), Stream::Out)?;
    match to.format {
        DrawnFormat::Text => text::write(&mut *out, part, every)?,
        DrawnFormat::Json => json::write(&mut *out, part)?,
        DrawnFormat::Html => out.write_all(html::document(part, every).as_bytes())?,
    }
    out.flush()?;
    let all_are_told = part.pairs.iter().all(|pair| pair.calls.is_some());
    Ok(if all_are_told {
        Exit::Clean
    } else {
        Exit::Findings
    })
}

fn read(paths: &[PathBuf]) -> Result<Vec<Part>, Failure> {
    paths.iter().map(|path| read_part(path)).collect()
}

fn read_part(path: &Path) -> Result<Part, Failure> {
    let file = File::open(path).map_err(Failure::read(path))?;
    json::read(BufReader::new(file)).map_err(Failure::read(path))
}
