//! Keeps the lines of a task whose parent is not known yet, and replays them.
//!
//! ```text
//!   100 clone( <unfinished ...>      102 close(4) = 0          whose child is 102?
//!   101 clone( <unfinished ...>      100 <... clone resumed> = 102     now it is known
//! ```
//! With one clone under way the parent is certain. With several, the child's lines wait until a clone returns its
//! pid. If too many lines wait, the task is taken for the child of the oldest clone.

use crate::judge::Judge;
use crate::state::{KeptEvent, KeptLine, MAX_BYTES, MAX_LINES};
use crate::verdict::LogTime;
use polter_trace::{Body, Event, EventKind, ExitKind, Line};

impl Judge {
    /// Keeps an event if the parent of its task is not known yet; true if it was kept.
    pub(crate) fn defer(&mut self, pid: u32, event: &Event<'_>) -> bool {
        let is_new = self.tasks.get(pid).is_none() && !self.tasks.has_left(pid);
        if !is_new || !(self.tasks.has_several_births() || self.deferred.has(pid)) {
            return false;
        }
        let what = match &event.kind {
            EventKind::Call(call) | EventKind::Exit { call, .. } => {
                let parts = [
                    call.name.as_bytes(),
                    b"(",
                    call.args.raw,
                    b") = ",
                    call.returned.raw,
                ];
                KeptEvent::Call(parts.concat())
            }
            EventKind::Entry(entry) => {
                let parts = [
                    entry.name.as_bytes(),
                    b"(",
                    entry.args.raw,
                    b" <unfinished ...>",
                ];
                KeptEvent::Call(parts.concat())
            }
            EventKind::Gone(exit) => match exit.how {
                ExitKind::Killed { .. } => KeptEvent::Killed,
                ExitKind::Exited(_) => KeptEvent::Exited,
                ExitKind::Superseded { .. } => return false,
            },
            _ => return false,
        };
        let (line, clock) = (event.line, LogTime::of(event.clock));
        let kept = KeptLine {
            pid,
            line,
            clock,
            what,
        };
        self.deferred.bytes += kept.bytes();
        self.deferred.events.push(kept);
        if self.deferred.events.len() > MAX_LINES || self.deferred.bytes > MAX_BYTES {
            self.replay(|_| true);
        }
        true
    }

    /// A clone has returned: replays its child's lines. If at most one clone is left under way, replays all.
    pub(super) fn replay_born(&mut self) {
        if self.deferred.events.is_empty() {
            return;
        }
        let tasks = &self.tasks;
        let born: Vec<u32> = (self.deferred.events.iter())
            .map(|kept| kept.pid)
            .filter(|pid| tasks.get(*pid).is_some())
            .collect();
        self.replay(|pid| born.contains(&pid));
        if !self.tasks.has_several_births() {
            self.replay(|_| true);
        }
    }

    /// The log is over: replays all.
    pub(crate) fn replay_all(&mut self) {
        self.replay(|_| true);
    }

    /// Replays the kept lines whose pid is picked, in their order. `line` is theirs meanwhile.
    fn replay(&mut self, pick_fn: impl Fn(u32) -> bool) {
        let now = (self.line, self.clock);
        for kept in self.deferred.take(pick_fn) {
            (self.line, self.clock) = (kept.line, kept.clock);
            match kept.what {
                KeptEvent::Call(text) => match Line::parse(&text).body {
                    Body::Call(call) => self.ended(kept.pid, kept.line, &call),
                    Body::Unfinished(entry) => self.begun(kept.pid, kept.line, &entry),
                    _ => {}
                },
                _ if self.tasks.has_left(kept.pid) => self.tasks.forget_left(kept.pid),
                KeptEvent::Killed => self.killed(kept.pid),
                KeptEvent::Exited => self.gone(kept.pid),
            }
        }
        (self.line, self.clock) = now;
    }
}
