//! The options of `polter demo`, and of its hidden worker.

use clap::Args;

use super::judge::Reporting;

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    pub(crate) reporting: Reporting,
}

#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// The process that started it, and with which it ends
    pub(crate) parent: i32,
}
