//! The options of `polter why`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::format::ListedFormat;
use super::scan::ScanSource;

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("whom").required(true))]
pub(crate) struct WhyArgs {
    /// Processes
    #[arg(value_name = "PID", group = "whom")]
    pub(crate) pids: Vec<u32>,

    /// The processes with this name, as in /proc/PID/comm
    #[arg(short, long, value_name = "NAME", group = "whom")]
    pub(crate) name: Option<String>,

    /// Also all processes that descend from the named ones
    #[arg(short, long, requires = "pids")]
    pub(crate) children: bool,

    /// How long to watch, in seconds or with a unit: 500ms, 2s
    #[arg(long = "for", value_name = "TIME", default_value = "1s", value_parser = window)]
    pub(crate) window: Duration,

    /// How to look: by /proc and copies of fds, or with the kernel walking its tables and counting calls
    #[arg(long, value_name = "SOURCE", default_value = "auto")]
    pub(crate) source: ScanSource,

    /// How the report is written
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: ListedFormat,

    /// Write the report to this file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// Reads `1s`, `250ms` or `1.5`: from 50 milliseconds to 10 minutes.
fn window(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    let number: f64 = number
        .trim()
        .parse()
        .map_err(|_| "a time is a number of seconds, or 500ms, or 2s".to_owned())?;
    let seconds = number * unit;
    if (0.05..=600.0).contains(&seconds) {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("from 50ms to 600s".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::window;
    use std::time::Duration;

    #[test]
    fn times_have_units_and_bounds() {
        for (text, millis) in [
            ("1s", 1000),
            ("250ms", 250),
            ("1.5", 1500),
            ("600", 600_000),
        ] {
            assert_eq!(window(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "x", "-1", "0", "1h", "601s", "NaN", "inf"] {
            assert!(window(text).is_err(), "{text}");
        }
    }
}
