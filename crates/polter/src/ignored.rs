//! Signals that polter was started to ignore: by `nohup`, or by a shell that put it into the background.

use std::fs;

/// Those of these signals that are not ignored.
pub(crate) fn others(signals: &[i32]) -> Vec<i32> {
    let ignored = mask();
    let others = signals.iter().copied();
    others
        .filter(|signal| ignored >> (signal - 1) & 1 == 0)
        .collect()
}

/// A bit for each ignored signal. Linux: `SigIgn` in proc(5).
fn mask() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}
