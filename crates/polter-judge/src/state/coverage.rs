//! Signs that a log is incomplete: what it contradicts, and what it uses without showing where it came from.
//!
//! A log of a few kinds of calls, of one process of several, or of a program's later life has few faults in it. The
//! handlers count here what looks missing; `detect::gaps` turns the counts into sentences.

use crate::input::{Ctl, CtlOp, Effect, Made};
use eventpoll::EpollId;
use polter_trace::Call;
use rustc_hash::FxHashSet;

/// Most `epoll_ctl` calls under way that are remembered.
const MAX_PENDING: usize = 1024;

/// Most instances older than the log that are remembered.
const MAX_OLDER: usize = 1 << 16;

/// Most events that were excused as late, and are remembered.
const MAX_LATE: usize = 1 << 12;

/// Most places of losses that are remembered.
const MAX_LOSSES: usize = 1 << 12;

/// How often something was noticed, and where first.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Noticed {
    pub(crate) count: u64,
    pub(crate) line: Option<u64>,
}

/// Signs that the log is incomplete.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    /// The first call is an exec: the log begins with its program.
    pub(crate) begins_with_exec: bool,
    has_begun: bool,
    pub(crate) has_pids: bool,
    /// Calls that succeeded, by what they did.
    pub(crate) successes: u64,
    pub(crate) opens: u64,
    pub(crate) closes: u64,
    pub(crate) forks: Noticed,
    pub(crate) memory: u64,
    pub(crate) others: u64,
    pub(crate) rings: Noticed,
    /// polter's own recorder made it: what that leaves out matters to no instance, and what it lost it says.
    pub(crate) is_recorded: bool,
    /// The lines of its losses.
    pub(crate) lost_at: Vec<u64>,
    /// Tasks that the log shows nobody make.
    pub(crate) orphans: Noticed,
    /// Fds that must have been closed, though the log has no close.
    pub(crate) unseen_closes: Noticed,
    /// Registered fds that the log shows nobody open.
    pub(crate) unseen_opens: Noticed,
    /// Instances that the log shows nobody make.
    pub(crate) older: Noticed,
    older_instances: FxHashSet<EpollId>,
    /// Captured instances that the log has not used yet.
    unused: FxHashSet<EpollId>,
    /// Captured tasks of which no line was read yet.
    pub(crate) silent: FxHashSet<u32>,
    /// Registrations that the capture has: no line of the log makes them.
    pub(crate) registered_before: u64,
    /// Events without a registration, in instances that the log shows being made.
    pub(crate) unknown_events: Noticed,
    /// Events without a registration, in older instances.
    pub(crate) older_events: u64,
    /// MODs and DELs without a registration, in instances that the log shows being made.
    pub(crate) unseen_adds: Noticed,
    /// Events that the recorder says it has lost.
    pub(crate) lost: Noticed,
    /// `epoll_ctl` calls under way, with their data: events may be reported before the call returns.
    pending: Vec<(u32, Option<u64>)>,
    /// The last `epoll_ctl` had a second half of its own: another task's call may have been served before it.
    has_overlapped: bool,
    /// The line of the newest call that can have ended a registration.
    ended: u64,
    /// Events that were excused: a wait under way may have had them from a registration that ended meanwhile.
    late: FxHashSet<(EpollId, u64)>,
}

impl Noticed {
    pub(crate) fn note(&mut self, line: u64) {
        self.count += 1;
        self.line.get_or_insert(line);
    }

    pub(crate) fn is_seen(self) -> bool {
        self.count > 0
    }
}

impl Coverage {
    /// A call has ended.
    pub(crate) fn call(&mut self, pid: u32, line: u64, call: &Call<'_>) {
        if !self.has_begun {
            self.has_begun = true;
            self.begins_with_exec = matches!(call.name, "execve" | "execveat");
        }
        self.successes += u64::from(call.returned.errno.is_none());
        match call.name {
            "brk" | "mmap" | "mmap2" | "arch_prctl" | "munmap" => self.memory += 1,
            "execve" | "execveat" | "exit" | "exit_group" => {}
            name if name.starts_with("io_uring") => self.rings.note(line),
            "epoll_ctl" => {
                let under_way = self.pending.len();
                self.pending.retain(|(task, _)| *task != pid);
                self.has_overlapped = self.pending.len() < under_way;
            }
            _ => self.others += 1,
        }
    }

    /// A call changed descriptors or used an instance.
    pub(crate) fn effect(&mut self, line: u64, effect: &Effect<'_>, has_failed: bool) {
        match effect {
            _ if has_failed => {}
            Effect::Open { made, .. } => self.opens += u64::from(*made != Made::Epoll),
            Effect::Close { .. } | Effect::CloseRange { .. } => {
                self.closes += 1;
                self.ended = line;
            }
            Effect::Replace { .. } | Effect::Exec | Effect::Ctl(Ctl { op: CtlOp::Del, .. }) => {
                self.ended = line;
            }
            Effect::Clone { .. } => self.forks.note(line),
            _ => {}
        }
    }

    /// A close frees its fd when it begins.
    pub(crate) fn close_begun(&mut self, line: u64) {
        self.ended = line;
    }

    /// A task has begun an `epoll_ctl` with this data.
    pub(crate) fn control_begun(&mut self, pid: u32, data: Option<u64>) {
        if self.pending.len() < MAX_PENDING {
            self.pending.push((pid, data));
        }
    }

    /// An `epoll_ctl` with this data is under way: an event can be of the registration that it makes.
    pub(crate) fn is_being_made(&self, data: u64) -> bool {
        let mut pending = self.pending.iter();
        pending.any(|(_, pending)| *pending == Some(data))
    }

    /// The recorder has lost events.
    pub(crate) fn lose(&mut self, count: u64, line: u64) {
        self.lost.count = self.lost.count.saturating_add(count);
        self.lost.line.get_or_insert(line);
        if self.lost_at.len() < MAX_LOSSES {
            self.lost_at.push(line);
        }
    }

    /// Time passes while the log grows: as many events as may be excused are excused anew.
    pub(crate) fn pass_time(&mut self) {
        if self.late.len() >= MAX_LATE {
            self.late.clear();
        }
    }

    /// A task is gone, and with it the call it was in.
    pub(crate) fn task_gone(&mut self, pid: u32) {
        self.pending.retain(|(task, _)| *task != pid);
    }

    /// An instance is used that the log has shown nobody make.
    pub(crate) fn older_instance(&mut self, epoll: EpollId, line: u64) {
        self.older.note(line);
        if self.older_instances.len() < MAX_OLDER {
            self.older_instances.insert(epoll);
        }
    }

    /// An instance was captured before the log began.
    pub(crate) fn was_there(&mut self, epoll: EpollId) {
        self.unused.insert(epoll);
    }

    /// An instance is used; true if it was captured and this is its first use.
    pub(crate) fn is_first_use(&mut self, epoll: EpollId) -> bool {
        !self.unused.is_empty() && self.unused.remove(&epoll)
    }

    /// An instance was made. It may have the id of one that is gone.
    pub(crate) fn new_instance(&mut self, epoll: EpollId) {
        if !self.older_instances.is_empty() {
            self.older_instances.remove(&epoll);
        }
    }

    /// An event came from no known registration; its wait began on line `since`.
    pub(crate) fn unknown_event(&mut self, epoll: EpollId, data: u64, since: u64, line: u64) {
        if self.older_instances.contains(&epoll) {
            self.older_events += 1;
            return;
        }
        let is_early = self.is_being_made(data);
        let may_be_late = since < self.ended && self.late.len() < MAX_LATE;
        if is_early || (may_be_late && self.late.insert((epoll, data))) {
            return;
        }
        self.unknown_events.note(line);
    }

    /// A registration is used that the log has shown nobody make.
    pub(crate) fn unseen_add(&mut self, epoll: EpollId, line: u64) {
        // Of two calls that overlap, the one that returned later can have been served first.
        if !self.older_instances.contains(&epoll) && !self.has_overlapped {
            self.unseen_adds.note(line);
        }
    }
}
