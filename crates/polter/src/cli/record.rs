//! The options of `polter record`, and of the hidden verb that its command is started by.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args};

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("whom").required(true).args(["command", "pids", "cgroup", "all"]))]
pub(crate) struct RecordArgs {
    #[command(flatten)]
    pub(crate) targets: Targets,

    /// With --pid: also their descendants, those that are there and those to come
    #[arg(short, long, requires = "pids")]
    pub(crate) follow: bool,

    /// The file to write
    #[arg(short, long, value_name = "FILE", default_value = "polter.strace")]
    pub(crate) output: PathBuf,

    /// End after this time: 500ms, 30s, 10m, 2h
    #[arg(short, long, value_name = "TIME", value_parser = duration)]
    pub(crate) duration: Option<Duration>,

    /// Begin a new file at this size: FILE is kept as FILE.1, that one as FILE.2, and so on to FILE.9
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub(crate) rotate: Option<u64>,

    /// Compress it (zstd); what is compressed is written every second
    #[arg(short, long)]
    pub(crate) zstd: bool,

    /// The command and its arguments; it is recorded from its first call, with all that it forks
    #[arg(
        value_name = "COMMAND",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) command: Vec<OsString>,
}

/// Running processes to record.
#[derive(Debug, Default, Args)]
pub(crate) struct Targets {
    /// These running processes
    #[arg(short, long = "pid", value_name = "PID", num_args = 1..)]
    pub(crate) pids: Vec<u32>,

    /// Whoever is in this cgroup or below it: a folder of /sys/fs/cgroup
    #[arg(long, value_name = "PATH")]
    pub(crate) cgroup: Option<PathBuf>,

    /// All processes
    #[arg(short, long)]
    pub(crate) all: bool,
}

#[cfg(feature = "bpf")]
impl Targets {
    /// True if there are any.
    pub(crate) fn are_named(&self) -> bool {
        self.all || self.cgroup.is_some() || !self.pids.is_empty()
    }
}

#[derive(Debug, Args)]
pub(crate) struct HoldArgs {
    /// The process that started it, and with which it ends until it goes on
    pub(crate) parent: i32,

    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) command: Vec<OsString>,
}

/// Reads `500ms`, `30s`, `10m`, `2h` or a number of seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, f64); 4] = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let unit = UNITS.iter().find(|(unit, _)| text.ends_with(unit));
    let (unit, seconds) = unit.copied().unwrap_or(("", 1.0));
    let number: f64 = text[..text.len() - unit.len()]
        .trim()
        .parse()
        .map_err(|_| "a time is a number of seconds, or 500ms, 30s, 10m, 2h".to_owned())?;
    Duration::try_from_secs_f64(number * seconds)
        .ok()
        .filter(|it| !it.is_zero())
        .ok_or_else(|| "a time is more than nothing, and less than for ever".to_owned())
}

/// Reads `64M`: bytes, or KiB, MiB, GiB.
fn size(text: &str) -> Result<u64, String> {
    const UNITS: [(char, u64); 3] = [('K', 1 << 10), ('M', 1 << 20), ('G', 1 << 30)];
    let unit = UNITS.iter().find(|(unit, _)| text.ends_with(*unit));
    let (number, factor) = unit.map_or((text, 1), |(_, factor)| (&text[..text.len() - 1], *factor));
    let number: u64 = number
        .parse()
        .map_err(|_| "a size is a number of bytes, or 512K, 64M, 1G".to_owned())?;
    match number.checked_mul(factor) {
        Some(size) if size >= 1 << 16 => Ok(size),
        _ => Err("from 64K on".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{duration, size};
    use std::time::Duration;

    #[test]
    fn a_time_has_a_unit_or_is_in_seconds() {
        for (text, millis) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("2", 2000),
            ("10m", 600_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "0", "-1s", "s", "1d", "1e99h", "nan"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_size_has_a_unit_or_is_in_bytes() {
        assert_eq!(size("64M"), Ok(64 << 20));
        assert_eq!(size("65536"), Ok(65536));
        for text in [
            "",
            "M",
            "1",
            "-1M",
            "99999999999999999999",
            "99999999999999G",
        ] {
            assert!(size(text).is_err(), "{text}");
        }
    }
}
