//! The options of `polter export`.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;

use super::scan::ScanSource;

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Where /metrics is served; other machines can ask if it is no loopback address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9748")]
    pub(crate) listen: SocketAddr,

    /// How often the processes are scanned
    #[arg(long, value_name = "TIME", default_value = "15s", value_parser = interval)]
    pub(crate) interval: Duration,

    /// Time series with a program's name, unit, container and pod; findings of other programs are counted as (others)
    #[arg(long, value_name = "NUMBER", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) max_series: u32,

    /// How to read: by /proc and kcmp(2), or by a walk in the kernel
    #[arg(long, value_name = "SOURCE", default_value = "auto")]
    pub(crate) source: ScanSource,
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    let bounds = Duration::from_secs(1)..=Duration::from_secs(3600);
    match bounds.contains(&interval) {
        true => Ok(interval),
        false => Err("from 1s to 1h".to_owned()),
    }
}
