//! The calls under way, within limits.

use std::collections::BTreeMap;

use crate::call::Unfinished;
use crate::error::Problem;

/// How much may be kept of the calls under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many tasks.
    pub tasks: usize,
    /// How many bytes of arguments for one call.
    pub bytes_per_call: usize,
    /// How many bytes in all.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tasks: 1 << 16,
            bytes_per_call: 1 << 16,
            bytes: 1 << 26,
        }
    }
}

/// The calls under way, one a task; the task without a number is `None`.
#[derive(Debug, Clone)]
pub(crate) struct PendingCalls {
    limits: Limits,
    calls: BTreeMap<Option<u32>, Pending>,
    /// How many bytes the calls hold.
    bytes: usize,
}

/// A call under way.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    /// The line it began on.
    pub(crate) line: u64,
    /// Where the arguments begin on that line.
    pub(crate) column: usize,
    pub(crate) name_len: usize,
    /// Name and arguments.
    pub(crate) text: Vec<u8>,
}

impl PendingCalls {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            calls: BTreeMap::new(),
            bytes: 0,
        }
    }

    /// Stores the call that a task, which is in none, has begun; false for want of room.
    /// `spare` is a buffer to use, if it is not so large that keeping it would count.
    pub(crate) fn keep(
        &mut self,
        pid: Option<u32>,
        line: u64,
        call: &Unfinished<'_>,
        spare: &mut Vec<u8>,
    ) -> bool {
        const LARGE: usize = 1 << 10;
        let len = call.name.len() + call.args.raw.len();
        let is_room = self.calls.len() < self.limits.tasks
            && call.args.raw.len() <= self.limits.bytes_per_call
            && len <= self.limits.bytes.saturating_sub(self.bytes);
        if is_room {
            let mut text = std::mem::take(spare);
            if text.capacity() > LARGE {
                text = Vec::with_capacity(len);
            }
            text.clear();
            text.extend_from_slice(call.name.as_bytes());
            text.extend_from_slice(call.args.raw);
            let name_len = call.name.len();
            let column = call.args.column;
            let pending = Pending {
                line,
                column,
                name_len,
                text,
            };
            self.insert(pid, pending);
        }
        is_room
    }

    /// Takes the call that a task resumes, if that is what it is in.
    pub(crate) fn take(
        &mut self,
        pid: Option<u32>,
        name: Option<&str>,
    ) -> Result<Pending, Problem> {
        let pending = self.remove(pid).ok_or(Problem::ResumedWithoutEntry)?;
        match name {
            Some(name) if name != pending.name() => Err(Problem::ResumedAsAnother {
                entry: pending.line,
            }),
            _ => Ok(pending),
        }
    }

    /// Drops a task's call, and returns its line.
    pub(crate) fn forget(&mut self, pid: Option<u32>) -> Option<u64> {
        if self.calls.is_empty() {
            return None;
        }
        self.remove(pid).map(|pending| pending.line)
    }

    /// Gives a task's call to another, whose own is dropped.
    pub(crate) fn hand_over(&mut self, from: Option<u32>, to: Option<u32>) {
        if let Some(pending) = self.remove(from) {
            self.insert(to, pending);
        }
    }

    pub(crate) fn get(&self, pid: Option<u32>) -> Option<&Pending> {
        self.calls.get(&pid)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Option<u32>, &Pending)> {
        self.calls.iter().map(|(&pid, pending)| (pid, pending))
    }

    fn insert(&mut self, pid: Option<u32>, pending: Pending) {
        self.bytes += pending.text.len();
        let old = self.calls.insert(pid, pending);
        self.bytes -= old.map_or(0, |old| old.text.len());
    }

    fn remove(&mut self, pid: Option<u32>) -> Option<Pending> {
        let pending = self.calls.remove(&pid)?;
        self.bytes -= pending.text.len();
        Some(pending)
    }
}

impl Pending {
    pub(crate) fn name(&self) -> &str {
        str::from_utf8(&self.text[..self.name_len]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::{Body, Line};

    const LIMITS: Limits = Limits {
        tasks: 2,
        bytes_per_call: 10,
        bytes: 20,
    };

    #[test]
    fn no_more_is_kept_than_the_limits_allow() {
        let mut calls = PendingCalls::new(LIMITS);
        check(&mut calls, 1, 11, false);
        check(&mut calls, 1, 10, true);
        check(&mut calls, 2, 10, false);
        check(&mut calls, 2, 2, true);
        check(&mut calls, 3, 0, false);
        assert_eq!(calls.bytes, 20);
    }

    #[test]
    fn what_is_gone_leaves_its_room() {
        let mut calls = PendingCalls::new(LIMITS);
        check(&mut calls, 1, 10, true);
        check(&mut calls, 2, 2, true);
        calls.hand_over(Some(2), Some(1));
        assert_eq!(calls.bytes, 6);
        assert_eq!(calls.forget(Some(2)), None);
        assert_eq!(calls.forget(Some(1)), Some(7));
        assert_eq!((calls.bytes, calls.iter().count()), (0, 0));
    }

    #[test]
    fn a_large_buffer_is_not_kept_for_a_small_call() {
        let mut calls = PendingCalls::new(LIMITS);
        let mut spare = Vec::with_capacity(1 << 20);
        let line = Line::parse(b"read(3 <unfinished ...>");
        let Body::Unfinished(call) = line.body else {
            panic!()
        };
        assert!(calls.keep(None, 7, &call, &mut spare));
        assert!(calls.get(None).unwrap().text.capacity() < 100);
    }

    #[track_caller]
    fn check(calls: &mut PendingCalls, pid: u32, args: usize, is_kept: bool) {
        let text = format!("read({} <unfinished ...>", "x".repeat(args));
        let Body::Unfinished(call) = Line::parse(text.as_bytes()).body else {
            panic!()
        };
        assert_eq!(calls.keep(Some(pid), 7, &call, &mut Vec::new()), is_kept);
    }
}
