//! `--spin`: what the process used before its ghosts were removed, and after.

use std::time::Duration;

use polter_scan::{Load, Proc};
use serde::Serialize;

use crate::cli::ExorciseArgs;

/// A process's load before and after; `None` where it could not be read, or has ended.
#[derive(Debug, Serialize)]
pub(crate) struct Cost {
    #[serde(skip)]
    pid: u32,
    #[serde(skip)]
    window: Duration,
    pub(crate) before: Option<Load>,
    pub(crate) after: Option<Load>,
}

impl Cost {
    /// Watches the process for the first time, if `--spin` asks for that.
    pub(super) fn before(args: &ExorciseArgs) -> Option<Cost> {
        let window = Duration::from_millis(args.spin?);
        let pid = args.pid;
        Some(Cost {
            pid,
            window,
            before: Load::of(&Proc::live(), pid, window),
            after: None,
        })
    }

    /// Watches it for the same time after the removal.
    pub(super) fn watch_after(&mut self) {
        self.after = Load::of(&Proc::live(), self.pid, self.window);
    }
}
