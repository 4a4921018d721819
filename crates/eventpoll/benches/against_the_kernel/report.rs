//! The table.

#![expect(clippy::print_stdout, reason = "a bench's figures")]

use crate::pace::Times;

pub(crate) fn head() {
    println!(
        "Medians of alternating rounds; the ratio says how many times as fast the model is.\n"
    );
    println!(
        "{:>9}  {:36} {:>10} {:>10} {:>7}",
        "among", "case", "kernel ns", "model ns", "ratio"
    );
}

pub(crate) fn row(case: &str, count: usize, times: &Times) {
    println!(
        "{count:>9}  {case:36} {:>10.1} {:>10.1} {:>7.1}",
        times.linux_ns,
        times.model_ns,
        times.ratio()
    );
}

/// The kernel would not hold so many.
pub(crate) fn unreachable(count: usize, reason: &str) {
    println!("{count:>9}  NOT MEASURED: {reason}");
}

pub(crate) fn say(line: &str) {
    println!("{line}");
}
