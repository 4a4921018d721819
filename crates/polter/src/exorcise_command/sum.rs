//! The sum over all scans of a watch.

use serde::Serialize;

/// What all scans of a watch did.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Sum {
    pub(crate) pid: u32,
    pub(crate) looks: u64,
    pub(crate) removed: u64,
    pub(crate) put_back: u64,
    pub(crate) kept: u64,
    pub(crate) has_process_ended: bool,
}
