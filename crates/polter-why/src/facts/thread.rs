//! What a thread did in the window.

use serde::Serialize;

use super::UserFrame;

/// The share of the window from which on a thread is busy.
pub(crate) const BUSY: f64 = 0.5;

/// A thread of the process.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ThreadFacts {
    /// Its tid.
    pub tid: u32,
    /// Its name, which may hold anything.
    pub comm: String,
    /// The share of the window in which it had a CPU or wanted one.
    pub busy: f64,
    /// The share of the window in which it had a CPU, as the kernel bills it: by ticks.
    pub on_cpu: f64,
    /// The kernel's share of its time; `None` if it ran too shortly to tell.
    pub in_kernel: Option<f64>,
    /// How often it came to a CPU.
    pub arrivals: u64,
    /// The kernel's functions that it slept in at the end, the innermost first; empty if it ran, or if that may not be
    /// read, which needs root.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stack: Vec<String>,
    /// The functions of its program that it slept in near the end, the innermost first; empty if it did not sleep, if
    /// other threads of the process tell more, or if that may not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub user_stack: Vec<UserFrame>,
    /// What it was seen doing, the most frequent first.
    pub activities: Vec<Activity>,
}

/// Something a thread was seen doing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Activity {
    /// The call's name; `None` for a thread that had a CPU or wanted one.
    pub call: Option<String>,
    /// True for `epoll_wait(2)` and its like.
    pub is_wait: bool,
    /// The fd it waits for, if the call has one.
    pub fd: Option<i32>,
    /// The fds that `poll(2)` or `select(2)` wait for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub polled: Vec<i32>,
    /// The call's timeout in milliseconds; `None` if it has none.
    pub at_most_ms: Option<u64>,
    /// At how many looks.
    pub looks: u32,
}

impl ThreadFacts {
    /// A thread that had a CPU, or wanted one, for half the window or more.
    pub fn is_busy(&self) -> bool {
        self.busy >= BUSY
    }

    /// True if it ran so shortly that its calls tell nothing: it wanted a CPU and hardly got one.
    pub fn is_starved(&self) -> bool {
        self.is_busy() && self.in_kernel.is_none()
    }

    /// The fds of the instances that it was seen to wait on.
    pub fn waits_on(&self) -> impl Iterator<Item = i32> + '_ {
        let waits = self.activities.iter().filter(|it| it.is_wait);
        waits.filter_map(|it| it.fd)
    }

    /// True if it was seen to wait for this fd by itself, in a call such as `read(2)`, or by `poll(2)` or `select(2)`.
    pub fn attends(&self, fd: i32) -> bool {
        let mut others = self.activities.iter().filter(|it| !it.is_wait);
        others.any(|it| it.fd == Some(fd) || it.polled.contains(&fd))
    }
}
