//! The worlds: one kernel for each policy, all following the same log.
//!
//! The first is Linux's own, and the log is its truth. The others show what the same calls would have done.

use super::fd_shift::FdShift;
use super::world::{KEPT_BREAKS, Weight, World};
use super::world_set::WorldSet;
use crate::verdict::{Break, PolicyVerdict, Site};
use eventpoll::syscall::{PathKind, flags};
use eventpoll::{Dies, EpitemId, Errno, Fd, FileId, Inherited, Kernel, Pid, Policy, Syscall, Tid};

/// Every world, Linux's own first.
#[derive(Debug)]
pub(crate) struct Worlds {
    worlds: Vec<World>,
}

impl Worlds {
    pub(crate) fn new(policies: &[Policy]) -> Worlds {
        let others = policies
            .iter()
            .filter(|policy| **policy != Policy::LAST_FPUT);
        let all = std::iter::once(&Policy::LAST_FPUT).chain(others);
        let worlds = all.map(|policy| World {
            kernel: Kernel::new(*policy),
            verdict: PolicyVerdict::unchanged(policy.to_string()),
            history_of: Vec::new(),
            broken: Vec::new(),
            fd_shift: FdShift::default(),
        });
        Worlds {
            worlds: worlds.collect(),
        }
    }

    /// The kernel of Linux's own world.
    pub(crate) fn base(&self) -> &Kernel {
        &self.worlds[0].kernel
    }

    /// Changes every kernel in the same way, without comparing results.
    pub(crate) fn each(&mut self, mut change_fn: impl FnMut(&mut Kernel)) {
        for world in &mut self.worlds {
            change_fn(&mut world.kernel);
        }
    }

    /// Performs a call in every world, compares the results with Linux's, and gives Linux's. New fds are `dictated`.
    pub(crate) fn call(
        &mut self,
        tid: Tid,
        call: &Syscall,
        dictated: &[Fd],
        weight: Weight,
        site_fn: impl Fn() -> Site,
    ) -> Result<i64, Errno> {
        self.call_about(0, tid, call, dictated, weight, site_fn).0
    }

    /// Like [`call`](Worlds::call), for a call about a registration; also gives the worlds in which it breaks.
    pub(crate) fn call_about(
        &mut self,
        history: u64,
        tid: Tid,
        call: &Syscall,
        dictated: &[Fd],
        weight: Weight,
        site_fn: impl Fn() -> Site,
    ) -> (Result<i64, Errno>, WorldSet) {
        let (base, others) = self
            .worlds
            .split_first_mut()
            .expect("Linux's world is always there");
        let was = base.perform(tid, call, dictated);
        let mut broken = WorldSet::default();
        for (index, world) in (1..).zip(others) {
            let hits_another = world.follow_fds(&base.kernel, tid, call, dictated);
            let would_be = world.perform(tid, call, dictated);
            if hits_another && would_be.is_err() {
                world.note_wrong_close(&site_fn);
            } else if would_be != was && world.note_change(was, would_be, weight, history, &site_fn)
            {
                broken.insert(index);
            }
        }
        (was, broken)
    }

    /// Notes a break in each world that would refuse a wait; gives these worlds. The wait itself is not performed.
    pub(crate) fn note_refused_waits(
        &mut self,
        tid: Tid,
        epfd: Fd,
        site_fn: impl Fn() -> Site,
    ) -> WorldSet {
        let mut refusals = WorldSet::default();
        for (index, world) in self.worlds.iter_mut().enumerate().skip(1) {
            let refused = match world.kernel.policy().inherited {
                Inherited::Shared => None,
                Inherited::Stale => {
                    let is_stale = world
                        .kernel
                        .descriptor(tid, epfd)
                        .is_some_and(|d| d.is_inherited);
                    is_stale.then_some(Errno::ESTALE)
                }
                Inherited::NotCopied => {
                    world.kernel.fd(tid, epfd).is_none().then_some(Errno::EBADF)
                }
            };
            if let Some(errno) = refused {
                refusals.insert(index);
                world.note_change(Ok(0), Err(errno), Weight::Result, 0, &site_fn);
            }
        }
        refusals
    }

    /// Opens a new opaque file at a given fd, in every world. What a world still has there is forgotten.
    pub(crate) fn open(&mut self, tid: Tid, fd: Fd, is_epoll: bool, is_cloexec: bool) {
        let flags = if is_cloexec { flags::O_CLOEXEC } else { 0 };
        let call = if is_epoll {
            Syscall::EpollCreate1 { flags }
        } else {
            Syscall::Open {
                path: PathKind::Pollable,
                flags: flags | flags::O_RDWR,
            }
        };
        let (base, others) = self
            .worlds
            .split_first_mut()
            .expect("Linux's world is always there");
        for world in others {
            world.follow_fds(&base.kernel, tid, &call, &[fd]);
        }
        for world in &mut self.worlds {
            if world.kernel.fd(tid, fd).is_some() {
                world.kernel.forget_fd(tid, fd);
            }
            let opened = world.perform(tid, &call, &[fd]);
            debug_assert_eq!(opened, Ok(fd.0.into()));
        }
    }

    /// The file that an fd names in each world.
    pub(crate) fn files_at(&self, tid: Tid, fd: Fd) -> Vec<Option<FileId>> {
        self.worlds
            .iter()
            .map(|world| world.kernel.fd(tid, fd))
            .collect()
    }

    /// Changes each world with what [`files_at`](Worlds::files_at) gave for it.
    pub(crate) fn each_with(
        &mut self,
        files: &[Option<FileId>],
        mut change_fn: impl FnMut(&mut Kernel, FileId),
    ) {
        for (world, file) in self.worlds.iter_mut().zip(files) {
            if let Some(file) = file {
                change_fn(&mut world.kernel, *file);
            }
        }
    }

    /// A task ends in every world, and its process with the last one.
    pub(crate) fn exit(&mut self, tid: Tid) {
        for world in &mut self.worlds {
            let leader = world.kernel.process_pid(tid);
            let is_last = world.kernel.threads(tid).len() == 1;
            world.kernel.call(tid, &Syscall::Exit { status: 0 });
            world.kernel.reap_pid(leader);
            if is_last {
                world.fd_shift.forget(leader);
            }
        }
    }

    /// A new first process in every world. It may have any number of descriptors: the log says what the limit allowed.
    pub(crate) fn spawn(&mut self, pid: Pid) -> Tid {
        let mut tid = None;
        for world in &mut self.worlds {
            let new = world.kernel.spawn(pid);
            world.kernel.call(
                new,
                &Syscall::SetNofile {
                    soft: eventpoll::NR_OPEN,
                    hard: eventpoll::NR_OPEN,
                },
            );
            debug_assert!(
                tid.is_none_or(|tid| tid == new),
                "the worlds' tasks go in step"
            );
            tid = Some(new);
        }
        tid.expect("Linux's world is always there")
    }

    /// Finds a new registration in each world, and remembers its id there.
    pub(crate) fn record_registration(
        &mut self,
        history: u64,
        tid: Tid,
        epfd: Fd,
        fd: Fd,
    ) -> Vec<Option<EpitemId>> {
        let ids = self.worlds.iter_mut().map(|world| {
            let kernel = &world.kernel;
            let epoll = kernel.epoll_of(kernel.fd(tid, epfd)?)?;
            let id = kernel
                .find_registration(tid, epoll, kernel.fd(tid, fd)?, fd)?
                .id;
            let slot = id.slot();
            if slot >= world.history_of.len() {
                world.history_of.resize(slot + 1, 0);
            }
            world.history_of[slot] = history;
            Some(id)
        });
        ids.collect()
    }

    /// Those of the worlds in `of` that no longer have a registration. Linux's is never one of them.
    pub(crate) fn lacking(&self, history: u64, ids: &[Option<EpitemId>], of: WorldSet) -> WorldSet {
        let mut lacking = WorldSet::default();
        for index in 1..self.worlds.len() {
            if of.has(index) && ids[index].is_some() && !self.has(index, history, ids) {
                lacking.insert(index);
            }
        }
        lacking
    }

    /// The worlds that have a registration, without Linux's.
    pub(crate) fn having(&self, history: u64, ids: &[Option<EpitemId>]) -> WorldSet {
        let mut having = WorldSet::default();
        for index in 1..self.worlds.len() {
            if self.has(index, history, ids) {
                having.insert(index);
            }
        }
        having
    }

    /// Those of the given worlds whose policy removes other processes' registrations when a slot is cleared.
    pub(crate) fn removing_worlds(&self, worlds: WorldSet, is_exit: bool) -> WorldSet {
        let mut removal = WorldSet::default();
        for (index, world) in self.worlds.iter().enumerate().skip(1) {
            if let Dies::AnySlot { at_exit } = world.kernel.policy().dies
                && worlds.has(index)
                && (!is_exit || at_exit)
            {
                removal.insert(index);
            }
        }
        removal
    }

    /// Something would break in these worlds in another order of calls.
    pub(crate) fn note_other_order(&mut self, worlds: WorldSet, break_fn: impl Fn() -> Break) {
        for index in worlds.iter() {
            let verdict = &mut self.worlds[index].verdict;
            verdict.other_order_count += 1;
            if verdict.other_order.len() < KEPT_BREAKS {
                verdict.other_order.push(break_fn());
            }
        }
    }

    /// Some breaks of a registration depend on the order of calls that the log happens to have.
    pub(crate) fn note_dependence(&mut self, world: usize, history: u64, breaks: u64) {
        let world = &mut self.worlds[world];
        world.verdict.order_count += breaks;
        for (broken, of_registration) in world.verdict.breaks.iter_mut().zip(&world.broken) {
            broken.depends_on_order |= breaks > 0 && *of_registration == history;
        }
    }

    /// True if a world still has a registration. Both are compared: the slot may hold another registration by now.
    pub(crate) fn has(&self, index: usize, history: u64, ids: &[Option<EpitemId>]) -> bool {
        let world = &self.worlds[index];
        ids[index].is_some_and(|id| {
            world.history_of[id.slot()] == history && world.kernel.is_registered(id)
        })
    }

    /// A registration became a ghost in Linux's world. The worlds that had it and no longer do have mended that.
    pub(crate) fn note_ghost(&mut self, history: u64, ids: &[Option<EpitemId>]) {
        for index in 1..self.worlds.len() {
            if ids[index].is_some() && !self.has(index, history, ids) {
                self.worlds[index].verdict.mended_ghosts += 1;
            }
        }
    }

    /// A ghost that is not registered in the model, or its events. Every policy but Linux's ends a registration with its
    /// fd, so all of them mend it.
    pub(crate) fn note_unseen_ghost(&mut self, ghosts: u64, events: u64) {
        for world in &mut self.worlds {
            if world.kernel.policy().dies != Dies::LastReference {
                world.verdict.mended_ghosts += ghosts;
                world.verdict.mended_events += events;
            }
        }
    }

    /// An event was reported in Linux's world. The worlds without its registration lose it, or are spared it if it came
    /// from a ghost. Gives the worlds that lose it.
    pub(crate) fn note_event(
        &mut self,
        history: u64,
        ids: &[Option<EpitemId>],
        is_ghost: bool,
        refusals: WorldSet,
        break_fn: impl Fn() -> Break,
    ) -> WorldSet {
        let mut lost = WorldSet::default();
        for index in 1..self.worlds.len() {
            if refusals.has(index) || self.has(index, history, ids) {
                continue;
            }
            let world = &mut self.worlds[index];
            if is_ghost {
                world.verdict.mended_events += 1;
            } else {
                world.add_break(history, &break_fn);
                lost.insert(index);
            }
        }
        lost
    }

    pub(crate) fn into_verdicts(self) -> Vec<PolicyVerdict> {
        self.worlds.into_iter().map(|world| world.verdict).collect()
    }
}
