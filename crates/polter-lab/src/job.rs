//! What a guest is to do, written by the host and read by the guest's first process.

use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::path::PathBuf;

/// A command and its surroundings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Job {
    /// The program and its arguments.
    pub(crate) command: Vec<OsString>,
    /// All its environment variables: nothing of the guest's first process is passed on.
    pub(crate) env: Vec<(OsString, OsString)>,
    /// Its working directory, the same path as on the host.
    pub(crate) dir: PathBuf,
    /// The user it runs as, who called polter.
    pub(crate) uid: u32,
    /// That user's group.
    pub(crate) gid: u32,
    /// The policy that the guest's kernel is expected to have.
    pub(crate) policy: String,
    /// When the guest gives up by itself, if nobody is left to end it.
    pub(crate) seconds: u64,
}
