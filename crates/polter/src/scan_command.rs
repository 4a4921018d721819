//! `polter scan` and `polter capture`: running processes, or a captured tree.

use std::path::Path;
use std::time::Duration;

use polter_scan::{Limits, Proc, Report, Scope, Snapshot};

use crate::cli::{ListedFormat, ScanArgs};
use crate::console::{Console, Stream};
use crate::exit::Exit;
use crate::fail_on::FailOn;
use crate::failure::Failure;
use crate::permission::{Here, Purpose, advice, own_command};
use crate::report::words::counted;
use crate::report::{json, lines, text};

/// How long processes are watched where only some holders can name a file, unless `--spin` says it.
const WINDOW_MS: u64 = 250;

/// Scans once, and watches for a moment if `--spin` asks for that.
pub(crate) fn scan(args: &ScanArgs, console: &Console) -> Result<Exit, Failure> {
    let proc = match &args.root {
        Some(root) => Proc::captured(root),
        None => Proc::live(),
    };
    let choice = args.source.into();
    let mut snapshot = Snapshot::take_by(&proc, &scope(args), choice, &Limits::default())?;
    snapshot.gather_evidence(&proc, Duration::from_millis(args.spin.unwrap_or(WINDOW_MS)));
    let mut report = Report::of(&snapshot);
    if let Some(window_ms) = args.spin {
        let window = Duration::from_millis(window_ms);
        report.watch(&proc, window);
        report.watch_for_unheeded(&proc, &snapshot, window);
    }
    let mut out = console.report_to(args.output.as_deref(), Stream::Out)?;
    match args.format {
        ListedFormat::Text => {
            text::write_scan(&mut *out, &report)?;
            text::write_more(&mut *out, &missing(&report))?;
        }
        ListedFormat::Json => json::write_scan(&mut *out, &report)?,
        ListedFormat::Jsonl => lines::write_scan(&mut *out, &report)?,
    }
    out.flush()?;
    Ok(if FailOn::is_met_by_scan(&args.fail_on, &report) {
        Exit::Findings
    } else if report.untold() > 0 {
        Exit::Error
    } else {
        Exit::Clean
    })
}

/// What is missing here to see more, and the line that grants it.
fn missing(report: &Report) -> Vec<String> {
    let is_untold = report.unknown > 0 || report.effort.kcmp_refused > 0;
    let purposes = [
        (
            report.refused > 0 || report.source.is_hidden,
            Purpose::SeeAll,
        ),
        (is_untold, Purpose::LookInside),
        (
            report.source.why_not_bpf.is_some() && is_untold,
            Purpose::UseBpf,
        ),
    ];
    let here = Here::now();
    let wanted = purposes.into_iter().filter(|(is_wanted, _)| *is_wanted);
    wanted
        .flat_map(|(_, purpose)| advice(&here, purpose, &own_command()))
        .collect()
}

/// Writes the running machine's processes down.
pub(crate) fn capture(dir: &Path, console: &Console) -> Result<Exit, Failure> {
    let captured = polter_scan::capture(&Proc::live(), dir)?;
    let (processes, fds) = (captured.processes, captured.fds);
    let mut out = console.out();
    writeln!(
        out,
        "{} and {} written",
        counted(processes, "process"),
        counted(fds, "open fd")
    )?;
    out.flush()?;
    let unseen = captured.unseen.len() as u64;
    if unseen > 0 {
        let unseen = counted(unseen, "process");
        console.warn(format_args!(
            "{unseen} not written: ended, or not to be looked at"
        ));
    }
    Ok(Exit::Clean)
}

fn scope(args: &ScanArgs) -> Scope {
    match &args.name {
        Some(name) => Scope::Name(name.clone()),
        None if args.pids.is_empty() => Scope::All,
        None if args.children => Scope::Families(args.pids.clone()),
        None => Scope::Pids(args.pids.clone()),
    }
}
