//! Calls and reports, as the kernel counted them.

use serde::Serialize;

/// The calls of some processes, and what their waits reported.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct CallCounts {
    /// A row for each thread, call and fd.
    pub calls: Vec<Counted>,
    /// A row for each instance and data.
    pub reports: Vec<Reported>,
    /// How long calls were counted. Where that is less than the window, because they are many, all counts are scaled up
    /// to the window.
    pub counted_ms: u64,
    /// Calls that did not fit into the tables.
    pub lost: u64,
    /// Calls of 32-bit programs, which have other numbers and were not counted.
    pub foreign: u64,
}

/// How often a thread made one call on one fd, and with what results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counted {
    /// The process.
    pub pid: u32,
    /// The thread.
    pub tid: u32,
    /// The call's number on this machine.
    pub number: u16,
    /// `epoll_ctl`'s operation; 0 for another call.
    pub operation: u16,
    /// The fd; -1 for a call that has none.
    pub fd: i32,
    /// How often it returned.
    pub count: u64,
    /// How often with `EAGAIN`.
    pub again: u64,
    /// How often with another error.
    pub failed: u64,
    /// How often with 0: an end of file, or no event.
    pub zero: u64,
    /// An error of the failed ones, as a number; 0 if there is none.
    pub error: u32,
    /// Waits: how many had a timeout of zero.
    pub at_once: u64,
    /// Waits: how many events they reported.
    pub events: u64,
    /// Waits: events that were not read; a wait's first 64 are.
    pub events_left_out: u64,
}

impl CallCounts {
    /// The rows of one process.
    pub(crate) fn of(&self, pid: u32) -> CallCounts {
        CallCounts {
            calls: self
                .calls
                .iter()
                .filter(|row| row.pid == pid)
                .copied()
                .collect(),
            reports: self
                .reports
                .iter()
                .filter(|row| row.pid == pid)
                .copied()
                .collect(),
            ..*self
        }
    }

    /// Multiplies all counts.
    #[cfg(feature = "bpf")]
    pub(crate) fn scale(&mut self, factor: f64) {
        let scale = |count: &mut u64| *count = (*count as f64 * factor).round() as u64;
        for row in &mut self.calls {
            let counts = [
                &mut row.count,
                &mut row.again,
                &mut row.failed,
                &mut row.zero,
                &mut row.at_once,
                &mut row.events,
                &mut row.events_left_out,
            ];
            counts.into_iter().for_each(scale);
        }
        self.reports.iter_mut().for_each(|it| scale(&mut it.count));
    }
}

impl Counted {
    /// How often it had a result that is neither 0 nor an error.
    pub fn succeeded(&self) -> u64 {
        self.count - (self.again + self.failed + self.zero).min(self.count)
    }
}

/// How often a process was told of one registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Reported {
    /// The process.
    pub pid: u32,
    /// Its fd for the instance.
    pub epfd: i32,
    /// The data that the program gave with the registration.
    pub data: u64,
    /// How often it was reported.
    pub count: u64,
    /// The events that were reported, or-ed.
    pub events: u32,
}
