//! Scans the processes named, or all, and prints the report.
#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use polter_scan::{Proc, Report, ScanError, Scope, Snapshot};

fn main() -> Result<(), ScanError> {
    let pids: Vec<u32> = std::env::args()
        .filter_map(|pid| pid.parse().ok())
        .collect();
    let scope = if pids.is_empty() {
        Scope::All
    } else {
        Scope::Pids(pids)
    };
    let snapshot = Snapshot::take(&Proc::live(), &scope)?;
    println!("{:#?}", Report::of(&snapshot));
    Ok(())
}
