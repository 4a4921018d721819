//! The worlds: one kernel for each policy, all following the same log.
//!
//! The first is Linux's own, and the log is its truth. The others show what the same calls would have done.

use super::fd_shift::FdShift;
use super::world::{Weight, World};
use super::world_set::WorldSet;
use crate::verdict::{PolicyVerdict, Site};
use eventpoll::syscall::{PathKind, flags};
use eventpoll::{Errno, Fd, FileId, Inherited, Kernel, Pid, Policy, Syscall, Tid};

/// Every world, Linux's own first.
#[derive(Debug)]
pub(crate) struct Worlds {
    pub(crate) worlds: Vec<World>,
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

    pub(crate) fn into_verdicts(self) -> Vec<PolicyVerdict> {
        self.worlds.into_iter().map(|world| world.verdict).collect()
    }
}
