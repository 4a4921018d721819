//! Registrations that may be kept by somebody the log does not show, and those that turned out to be.

use super::limits::MAX_REMEMBERED;
use crate::verdict::{Instance, Step};
use eventpoll::{EpollId, Fd};
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// Registrations that may turn out to be such ghosts, and those that did.
#[derive(Debug, Default)]
pub(crate) struct Unseen {
    /// Registrations whose file's last known reference was closed.
    pub(crate) departed: FxHashMap<(EpollId, u64), Departed>,
    /// The keys of `departed`, oldest first. Some are gone from there already.
    in_order: VecDeque<(EpollId, u64)>,
    /// The ghosts, each with the index of its finding.
    pub(crate) ghosts: FxHashMap<(EpollId, u64), UnseenGhost>,
}

/// A registration whose file's last known reference was closed.
#[derive(Debug)]
pub(crate) struct Departed {
    pub(crate) instance: Instance,
    pub(crate) pid: u32,
    pub(crate) fd: Fd,
    pub(crate) steps: Vec<Step>,
    pub(crate) line: u64,
}

/// A registration that was reported though it should be gone.
#[derive(Debug)]
pub(crate) struct UnseenGhost {
    pub(crate) instance: Instance,
    pub(crate) fd: Fd,
    pub(crate) finding: Option<usize>,
    pub(crate) is_refused: bool,
}

impl Unseen {
    /// A new registration of the instance has this data: from now on its events come from that one.
    pub(crate) fn forget(&mut self, epoll: EpollId, data: u64) {
        self.departed.remove(&(epoll, data));
        self.ghosts.remove(&(epoll, data));
    }

    /// A new instance has the id of one that is gone, and its ghosts are gone with it.
    pub(crate) fn forget_instance(&mut self, epoll: EpollId) {
        self.ghosts.retain(|(of, _), _| *of != epoll);
    }

    pub(crate) fn remember(&mut self, key: (EpollId, u64), departed: Departed) {
        while self.in_order.len() >= MAX_REMEMBERED
            && let Some(oldest) = self.in_order.pop_front()
        {
            self.departed.remove(&oldest);
        }
        if self.departed.insert(key, departed).is_none() {
            self.in_order.push_back(key);
        }
    }
}
