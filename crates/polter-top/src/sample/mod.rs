//! What was seen, and the thread that looks.

mod rows;
mod sampler;

use std::sync::Arc;
use std::time::SystemTime;

use polter_scan::{Report, Snapshot};

pub(crate) use rows::{Registered, Row, holders, registered};
pub(crate) use sampler::{Sampler, Source};

/// What one look has seen.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    /// When the counts are from.
    pub(crate) at: SystemTime,
    /// When the scan began: scans that take long come less often.
    pub(crate) scanned: SystemTime,
    pub(crate) rows: Vec<Row>,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) report: Arc<Report>,
    /// Why the kernel does not count, if it does not.
    pub(crate) no_counts: Option<String>,
}
