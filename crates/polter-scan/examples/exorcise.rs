//! Removes the ghosts of the process named.
#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use polter_scan::{Options, Proc, ScanError, exorcise};

fn main() -> Result<(), ScanError> {
    let pids = std::env::args().filter_map(|pid| pid.parse().ok());
    for pid in pids {
        let plan = exorcise(&Proc::live(), pid, &Options::default())?;
        println!("{plan:#?}");
    }
    Ok(())
}
