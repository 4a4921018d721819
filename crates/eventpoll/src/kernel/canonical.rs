//! A kernel's state without the names that no program sees.
//!
//! ```text
//!   tasks, by pid ─▶ tables, in order of appearance ─▶ files, likewise
//!                                                          └▶ instances ─▶ epitems ─▶ ready lists, wait queues
//! ```
//!
//! Searches ask whether two kernels would answer every program alike. Which
//! slot of an arena a thing has, and how a process's pid is spelt, makes
//! no difference; so things are named by the order in which a walk from the
//! live tasks finds them.

use crate::fs::{File, FileKind, PipeEnd};
use crate::store::{
    EpitemId, EpollId, FileId, PipeId, ProcessId, SighandId, SocketId, TableId, Tid, push_long,
};
use crate::wait::Waiter;
use crate::{Kernel, Policy};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Begins a state that was walked, and one that could not be.
const WALKED: u32 = 1;
const WHOLE: u32 = 2;
/// Stands for a thing that is not there.
const NONE: u32 = u32::MAX;

impl Kernel {
    /// Lives under another policy from now on. What has happened stays.
    pub fn set_policy(&mut self, policy: Policy) {
        self.policy = policy;
    }

    /// Writes the state as words, without the policy: two kernels of one
    /// policy with the same words answer every program alike.
    ///
    /// "Every program" means one that neither waits for children nor looks at
    /// pids: live tasks are named by the order of their pids, and
    /// dead ones and families are left out. Where something is not walked
    /// (a call under way, a kind of file other than pipes, eventfds, sockets,
    /// instances and opaque ones) the words are a digest of the whole kernel,
    /// policy included: right too, but blind to renaming.
    pub fn write_state(&self, words: &mut Vec<u32>) {
        words.clear();
        words.push(WALKED);
        let mut walk = Walk::new(self, words);
        if walk.walk().is_none() {
            words.clear();
            words.push(WHOLE);
            digest(self, words);
        }
    }
}

/// 128 bits of everything.
fn digest(kernel: &Kernel, words: &mut Vec<u32>) {
    for seed in 0..2_u8 {
        let mut hasher = DefaultHasher::new();
        seed.hash(&mut hasher);
        kernel.hash(&mut hasher);
        push_long(words, hasher.finish());
    }
}

/// A walk under way, and the names it has given.
struct Walk<'a> {
    kernel: &'a Kernel,
    words: &'a mut Vec<u32>,
    processes: Vec<ProcessId>,
    tables: Vec<TableId>,
    sighands: Vec<SighandId>,
    files: Names<FileId>,
    pipes: Vec<PipeId>,
    sockets: Vec<SocketId>,
    epolls: Vec<EpollId>,
    epitems: Names<EpitemId>,
}

/// Names by arena slot, and what was named, in order.
struct Names<I> {
    by_slot: Vec<u32>,
    order: Vec<I>,
}

impl<I: crate::store::Id> Names<I> {
    fn new() -> Names<I> {
        Names {
            by_slot: Vec::new(),
            order: Vec::new(),
        }
    }

    fn name(&mut self, id: I) -> u32 {
        let slot = id.index() as usize;
        if slot >= self.by_slot.len() {
            self.by_slot.resize(slot + 8, NONE);
        }
        if self.by_slot[slot] == NONE {
            self.by_slot[slot] = self.order.len() as u32;
            self.order.push(id);
        }
        self.by_slot[slot]
    }
}

/// The name of a thing of which there are few.
fn name_of<I: PartialEq>(names: &mut Vec<I>, id: I) -> u32 {
    let known = names.iter().position(|named| *named == id);
    let name = known.unwrap_or_else(|| {
        names.push(id);
        names.len() - 1
    });
    name as u32
}

impl<'a> Walk<'a> {
    fn new(kernel: &'a Kernel, words: &'a mut Vec<u32>) -> Walk<'a> {
        Walk {
            kernel,
            words,
            processes: Vec::new(),
            tables: Vec::new(),
            sighands: Vec::new(),
            files: Names::new(),
            pipes: Vec::new(),
            sockets: Vec::new(),
            epolls: Vec::new(),
            epitems: Names::new(),
        }
    }

    /// Nothing if it meets what it cannot name.
    fn walk(&mut self) -> Option<()> {
        self.settings()?;
        for numbered in self.kernel.pids.values() {
            if let Some(tid) = numbered.task {
                self.task(tid)?;
            }
        }
        for at in 0.. {
            let Some(table) = self.tables.get(at) else {
                break;
            };
            self.table(*table);
        }
        for at in 0.. {
            let Some(file) = self.files.order.get(at) else {
                break;
            };
            self.file(*file)?;
        }
        // A file that only a circle of sockets holds is not met.
        (self.files.order.len() == self.kernel.files.len()).then_some(())?;
        for at in 0..self.epolls.len() {
            self.registrations(self.epolls[at]);
        }
        self.orders()
    }

    fn settings(&mut self) -> Option<()> {
        let kernel = self.kernel;
        let is_plain = kernel.holds.is_empty() && kernel.devices.len() == 0;
        is_plain.then_some(())?;
        push_long(self.words, kernel.max_user_watches);
        push_long(self.words, kernel.now_ns());
        let version = kernel.version;
        self.words
            .extend([version.major, version.minor].map(u32::from));
        self.words.push(kernel.is_privileged.into());
        Some(())
    }

    fn task(&mut self, tid: Tid) -> Option<()> {
        let task = &self.kernel.tasks[tid];
        if task.waiting.is_some() || task.vfork_parent.is_some() || task.has_pidfd {
            return None;
        }
        let process = &self.kernel.processes[task.process];
        let is_plain = task.pending.is_plain() && process.pending.is_plain();
        if process.last_taker.is_some() || !is_plain {
            return None;
        }
        let is_leader = process.pid == task.pid;
        let names = [
            name_of(&mut self.processes, task.process),
            name_of(&mut self.tables, task.table),
            name_of(&mut self.sighands, task.sighand),
        ];
        self.words.push(is_leader.into());
        self.words.extend(names);
        let pending = [task.pending.set(), process.pending.set()];
        for set in [task.mask, pending[0], pending[1], process.nofile] {
            push_long(self.words, set);
        }
        let sighand = &self.kernel.sighands[task.sighand];
        push_long(self.words, sighand.digest());
        self.words.push(task.is_signalled.into());
        Some(())
    }

    fn table(&mut self, table: TableId) {
        for (fd, slot) in self.kernel.tables[table].iter() {
            let file = self.files.name(slot.file);
            let marks = u32::from(slot.is_cloexec) | u32::from(slot.is_inherited) << 1;
            self.words.extend([fd.0 as u32, file, marks]);
        }
        self.words.push(NONE);
    }

    fn file(&mut self, id: FileId) -> Option<()> {
        let File { flags, kind, .. } = &self.kernel.files[id];
        self.words.push(*flags);
        match kind {
            FileKind::Opaque(opaque) => self.words.extend([0, *opaque as u32]),
            FileKind::Pipe { pipe, end } => {
                let name = name_of(&mut self.pipes, *pipe);
                let kind = 1 + u32::from(*end == PipeEnd::Write);
                self.words.extend([kind, name]);
                self.kernel.pipes[*pipe].write_state(self.words);
            }
            FileKind::Eventfd(eventfd) => {
                self.words.push(3);
                eventfd.write_state(self.words);
            }
            FileKind::Epoll(epoll) => {
                let name = name_of(&mut self.epolls, *epoll);
                self.words.extend([4, name]);
            }
            FileKind::Socket(socket) => self.socket(*socket),
            _ => return None,
        }
        Some(())
    }

    fn socket(&mut self, id: SocketId) {
        let name = name_of(&mut self.sockets, id);
        self.words.extend([5, name]);
        let socket = &self.kernel.sockets[id];
        let peer = socket.peer();
        let peer = peer.map_or(NONE, |peer| name_of(&mut self.sockets, peer));
        self.words.push(peer);
        let files = &mut self.files;
        socket.write_state(self.words, |file| files.name(file));
    }

    fn registrations(&mut self, epoll: EpollId) {
        let params = self.kernel.epolls[epoll].params;
        self.words
            .extend([params.busy_poll_usecs, params.busy_poll_budget.into()]);
        self.words.push(params.prefer_busy_poll.into());
        for id in self.kernel.epitems_of(epoll) {
            let epitem = &self.kernel.epitems[id];
            self.epitems.name(id);
            let file = self.files.name(epitem.file);
            // A table that is gone is nobody's.
            let owner = self.tables.iter().position(|table| *table == epitem.owner);
            let owner = owner.map_or(NONE, |owner| owner as u32);
            let events = epitem.events.bits();
            self.words.extend([file, epitem.fd.0 as u32, owner, events]);
            push_long(self.words, epitem.data);
        }
        self.words.push(NONE);
    }

    /// Who comes first: on ready lists, and on the wait queues of files.
    fn orders(&mut self) -> Option<()> {
        for epoll in &self.epolls {
            for id in self.kernel.epolls[*epoll].ready.iter() {
                self.words.push(self.epitems.name(id));
            }
            self.words.push(NONE);
        }
        for file in &self.files.order {
            if self.kernel.files[*file].epitems.is_empty() {
                continue;
            }
            let (tid, _) = self.kernel.tasks.iter().next()?;
            let Some(queue) = self.kernel.wait_queue_of(*file, tid) else {
                continue;
            };
            for waiter in self.kernel.waits.waiters(queue) {
                let Waiter::Epitem(id) = waiter else {
                    return None;
                };
                self.words.push(self.epitems.name(id));
            }
            self.words.push(NONE);
        }
        Some(())
    }
}
