//! Which task a line without a pid belongs to.
//!
//! On a terminal, strace prints `[pid 12]` only while it traces more than one task:
//! ```text
//! clone(flags=SIGCHLDstrace: Process 12 attached       nameless: the number is not known yet
//! ) = 12                                               the rest of the torn line
//! [pid    12] exit(0) = ?
//! [pid    11] wait4(12,  <unfinished ...>              nobody announced 11: it is the nameless one
//! [pid    12] +++ exited with 0 +++
//! <... wait4 resumed>NULL, 0, NULL) = 12               one task is left: 11
//! ```

use std::collections::BTreeSet;

use crate::prefix::Prefix;
use crate::result::Returned;

/// The tasks of a log, as far as its prefixes tell.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tasks {
    limit: usize,
    /// Traced tasks whose number is known from a bracket or a note.
    alive: BTreeSet<u32>,
    /// Numbers that notes or forks announced, while the nameless task has none.
    announced: BTreeSet<u32>,
    has_notes: bool,
    has_nameless: bool,
    root: Option<u32>,
}

/// A line's task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) pid: Option<u32>,
    /// The nameless task's number, on the line that gives it away.
    pub(crate) named: Option<u32>,
}

impl Tasks {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Finds the task of a line. `is_resumed` says that the line resumes a call of the
    /// nameless task's and of nobody else's; `is_forking`, that a fork is under way.
    pub(crate) fn resolve(
        &mut self,
        prefix: &Prefix<'_>,
        is_resumed: bool,
        is_forking: bool,
    ) -> Task {
        let Some(pid) = prefix.pid else {
            return Task {
                pid: self.resolve_nameless(),
                named: None,
            };
        };
        let mut named = None;
        if prefix.is_bracketed && self.add(pid) && self.has_nameless && self.root.is_none() {
            // A number nobody announced is the nameless task's, unless it may be that of
            // a child whose fork is still under way.
            let is_new = !self.announced.contains(&pid);
            if is_new && (is_resumed || self.has_notes || !is_forking) {
                named = Some(pid);
                self.root = named;
                self.announced.clear();
            }
        }
        Task {
            pid: Some(pid),
            named,
        }
    }

    /// Notes that strace follows a task from now on.
    pub(crate) fn attach(&mut self, pid: u32) {
        self.has_notes = true;
        self.add(pid);
        self.announce(pid);
    }

    /// Notes the number that a fork returned.
    pub(crate) fn announce_child(&mut self, returned: &Returned<'_>) {
        let child = returned
            .number()
            .and_then(|child| u32::try_from(child).ok());
        if let Some(child) = child {
            self.announce(child);
        }
    }

    fn announce(&mut self, pid: u32) {
        if self.root.is_none() && self.announced.len() < self.limit {
            self.announced.insert(pid);
        }
    }

    /// Notes that a task is gone.
    pub(crate) fn remove(&mut self, pid: u32) {
        self.alive.remove(&pid);
    }

    fn resolve_nameless(&mut self) -> Option<u32> {
        let mut alive = self.alive.iter().copied();
        match (alive.next(), alive.next()) {
            (Some(only), None) => Some(only),
            _ if self.root.is_some() => self.root,
            _ => {
                self.has_nameless = true;
                None
            }
        }
    }

    fn add(&mut self, pid: u32) -> bool {
        // A known task is found at once: this runs for every line.
        self.alive.contains(&pid) || (self.alive.len() < self.limit && self.alive.insert(pid))
    }
}
