//! The processes of a log: their names, their parents, how long they lived, when they called.

use super::budget::Budget;
use super::lives::{ProcessLife, Span};
use super::marks::Marks;
use crate::judge::Judge;
use crate::live::Names;
use crate::verdict::{Finding, KeptBy};
use polter_trace::{Event, EventKind, Prefix};
use rustc_hash::{FxHashMap, FxHashSet};

/// Most processes that are told apart.
const MOST: usize = 48;
/// So many are told apart although no finding names them.
const UNNAMED: usize = 8;

/// The processes that are told apart, and the calls of the others.
#[derive(Debug, Default)]
pub(super) struct Processes {
    pub(super) lives: Vec<ProcessLife>,
    pub(super) others: Marks,
    named: FxHashSet<u32>,
    by_pid: FxHashMap<u32, usize>,
    unnamed: usize,
    pub(super) other_tasks: FxHashSet<u32>,
    names: Names,
}

impl Processes {
    /// Tells apart the processes that the findings name.
    pub(super) fn of(findings: &[Finding]) -> Processes {
        let mut named = FxHashSet::default();
        for finding in findings {
            named.extend([finding.pid, finding.instance.pid]);
            named.extend(finding.story.iter().map(|step| step.site.pid));
            named.extend(finding.holders.iter().filter_map(|holder| match holder {
                KeptBy::Fd { pid, .. } => Some(*pid),
                _ => None,
            }));
        }
        Processes {
            named,
            ..Processes::default()
        }
    }

    /// Notes an event of a process.
    pub(super) fn note(
        &mut self,
        judge: &Judge,
        prefix: &Prefix<'_>,
        event: &Event<'_>,
        budget: &mut Budget,
    ) -> u32 {
        let task = event.pid.unwrap_or(0);
        let tid = judge.tasks.tid(task);
        let pid = tid.map_or(task, |tid| judge.process_and_table(tid).0);
        self.names.note(prefix, Some(event));
        match &event.kind {
            EventKind::Call(call) | EventKind::Exit { call, .. } => {
                match self.life(pid, event.line) {
                    Some(at) => {
                        let life = &mut self.lives[at];
                        budget.mark(&mut life.calls, event.line);
                        let name = self.names.get(task);
                        if name.is_some() && name != life.name.as_deref() {
                            life.name = name.map(str::to_owned);
                        }
                    }
                    None => {
                        budget.mark(&mut self.others, event.line);
                        if self.other_tasks.len() < 1 << 20 {
                            self.other_tasks.insert(pid);
                        }
                    }
                }
                let is_birth =
                    matches!(call.name, "fork" | "vfork" | "clone" | "clone2" | "clone3");
                let child = call.returned.number().filter(|_| is_birth);
                if let Some(child) = child.and_then(|child| u32::try_from(child).ok()) {
                    self.note_child(pid, child, event.line);
                }
            }
            EventKind::Gone(_) if pid == task => {
                if let Some(at) = self.by_pid.get(&pid) {
                    self.lives[*at].life.to = Some(event.line);
                }
            }
            _ => {}
        }
        pid
    }

    /// The line on which a process was born, if the log shows its birth.
    pub(super) fn born(&self, pid: u32) -> Option<u64> {
        let life = self.by_pid.get(&pid).map(|at| &self.lives[*at]);
        life.filter(|life| life.parent.is_some())?.life.from
    }

    fn note_child(&mut self, parent: u32, child: u32, line: u64) {
        if child == 0 || child == parent {
            return;
        }
        if let Some(at) = self.life(child, line) {
            let life = &mut self.lives[at];
            life.parent.get_or_insert(parent);
            life.name = life
                .name
                .take()
                .or_else(|| self.names.get(child).map(str::to_owned));
        }
    }

    /// The index of a process that is told apart.
    fn life(&mut self, pid: u32, line: u64) -> Option<usize> {
        if let Some(at) = self.by_pid.get(&pid) {
            return Some(*at);
        }
        let is_named = self.named.contains(&pid);
        let has_room = is_named && self.lives.len() < MOST || self.unnamed < UNNAMED;
        if !has_room {
            return None;
        }
        self.unnamed += usize::from(!is_named);
        self.by_pid.insert(pid, self.lives.len());
        self.lives.push(ProcessLife {
            pid,
            life: Span {
                from: Some(line),
                to: None,
            },
            ..ProcessLife::default()
        });
        Some(self.lives.len() - 1)
    }

    /// The task without a pid turns out to have one.
    pub(super) fn name_root(&mut self, pid: u32) {
        self.names.name_root(pid);
        if let Some(at) = self.by_pid.remove(&0) {
            self.lives[at].pid = pid;
            self.by_pid.insert(pid, at);
        }
    }
}
