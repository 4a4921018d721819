//! The options of `polter top`.

use std::time::Duration;

use clap::Args;

use super::scan::ScanSource;

#[derive(Debug, Args)]
pub(crate) struct TopArgs {
    /// How often counts are read
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = interval)]
    pub(crate) interval: Duration,

    /// How to read: by /proc and kcmp(2), or by the kernel's own counts and a walk in the kernel
    #[arg(long, value_name = "SOURCE", default_value = "auto")]
    pub(crate) source: ScanSource,
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    let bounds = Duration::from_millis(200)..=Duration::from_secs(60);
    match bounds.contains(&interval) {
        true => Ok(interval),
        false => Err("from 200ms to 1m".to_owned()),
    }
}
