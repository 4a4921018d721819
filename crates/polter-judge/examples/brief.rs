//! Prints a verdict in brief: `cargo run --release --example brief -- LOG…`.
#![expect(clippy::print_stdout, reason = "an example prints")]

use eventpoll::Policy;
use polter_judge::Judge;
use std::fs::File;
use std::io::{self, BufReader};

fn main() -> io::Result<()> {
    for path in std::env::args().skip(1) {
        let mut judge = Judge::new(&Policy::ALL);
        judge.read(
            BufReader::with_capacity(1 << 16, File::open(&path)?),
            |_| {},
        )?;
        let verdict = judge.finish();
        let log = &verdict.log;
        println!(
            "{path}: {} lines, {} tasks, {} instances, {} registrations, {} events ({} ambiguous, {} unknown), {} assumed, {} warnings",
            log.lines,
            log.tasks,
            log.instances,
            log.registrations,
            log.events,
            log.ambiguous_events,
            log.unknown_events,
            log.assumed,
            log.warning_count
        );
        for warning in log.warnings.iter().take(5) {
            println!(
                "  warning {}:{} {}",
                warning.line, warning.column, warning.message
            );
        }
        for finding in &verdict.findings {
            let lines: Vec<u64> = finding.story.iter().map(|step| step.site.line).collect();
            println!(
                "  {:?} {} pid {} fd {} lines {lines:?} events {} ended {:?} +{} kept by {:?}",
                finding.severity,
                finding.class.name(),
                finding.pid,
                finding.fd,
                finding.events,
                finding.ended,
                finding.repeated,
                finding.holders
            );
        }
        for policy in &verdict.policies {
            let first = policy.breaks.first();
            println!(
                "  {:16} mends {}/{}/{} breaks {} notices {} first {:?}",
                policy.policy,
                policy.mended_ghosts,
                policy.mended_events,
                policy.mended_calls,
                policy.break_count,
                policy.notices,
                first.map(|first| (first.site.line, &first.site.text))
            );
        }
    }
    Ok(())
}
