//! One program in several worlds at once.
//!
//! ```text
//!   class: policies that gave equal answers so far
//!     ├─ group: policies whose kernels are alike ── one kernel for all of them
//!     └─ group …
//!   a call ─▶ answers differ? ─▶ the class falls apart: a witness for each pair across
//!          └▶ kernels differ? ─▶ groups fall apart, or become one again
//! ```

use crate::act::Act;
use crate::question::Question;
use eventpoll::syscall::{PathKind, flags};
use eventpoll::{Fd, Kernel, Outcome, Pid, Policy, Syscall, Tid};
use xxhash_rust::xxh3::xxh3_128;

/// A set of policies, as bits: places in the list the search was given.
pub(crate) type Set = u8;

/// The number of the first process.
pub(crate) const FIRST_PID: Pid = Pid(100);

/// Some policies, in one world.
#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) members: Set,
    pub(crate) world: Kernel,
}

/// Policies that no call has told apart, in their worlds.
#[derive(Debug, Clone)]
pub(crate) struct Class {
    pub(crate) groups: Vec<Group>,
}

/// What a call came to in one world, and for whom.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) members: Set,
    pub(crate) outcome: Outcome,
    pub(crate) world: Kernel,
}

/// The runs of one call, and the memory of former ones.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    pub(crate) all: Vec<Run>,
    spare: Vec<Kernel>,
}

impl Runs {
    fn clear(&mut self) {
        self.spare.extend(self.all.drain(..).map(|run| run.world));
    }

    /// A copy, into the memory of a kernel that is not needed any more.
    fn copy(&mut self, world: &Kernel) -> Kernel {
        let Some(mut spare) = self.spare.pop() else {
            return world.clone();
        };
        spare.clone_from(world);
        spare
    }
}

/// Which groups a class has, in 32 bits: three a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grouping(pub(crate) u32);

/// An empty world with one process, which has one file open at 0, 1 and 2.
pub(crate) fn empty_world(policy: Policy) -> Kernel {
    let mut kernel = Kernel::new(policy);
    let tid = kernel.spawn(FIRST_PID);
    let open = Syscall::Open {
        path: PathKind::Null,
        flags: flags::O_RDWR,
    };
    kernel.call(tid, &open);
    for _ in 1..3 {
        kernel.call(tid, &Syscall::Dup { fd: Fd(0) });
    }
    kernel
}

/// The `who`-th of the live tasks.
pub(crate) fn task(world: &Kernel, who: u8) -> Option<Tid> {
    let elder = |pid: Pid| world.tasks().filter(|(_, task)| task.pid < pid).count();
    let mut tasks = world.tasks();
    tasks
        .find(|(_, task)| elder(task.pid) == usize::from(who))
        .map(|(tid, _)| tid)
}

/// The members of a set, in order.
pub(crate) fn members(set: Set) -> impl Iterator<Item = usize> {
    (0..Set::BITS as usize).filter(move |at| set & (1 << at) != 0)
}

impl Class {
    /// All policies, at the beginning.
    pub(crate) fn all(count: usize) -> Class {
        let members = ((1_u16 << count) - 1) as Set;
        let world = empty_world(Policy::default());
        Class {
            groups: vec![Group { members, world }],
        }
    }

    pub(crate) fn members(&self) -> Set {
        self.groups.iter().fold(0, |all, group| all | group.members)
    }

    pub(crate) fn worlds(&self) -> impl Iterator<Item = &Kernel> + Clone {
        self.groups.iter().map(|group| &group.world)
    }

    /// Makes a call in every world.
    ///
    /// `is_shared` off gives every policy a run of its own: the slow way, to check the other.
    pub(crate) fn call(&self, policies: &[Policy], act: Act, is_shared: bool, runs: &mut Runs) {
        runs.clear();
        let syscall = act.syscall();
        for group in &self.groups {
            let Some(caller) = task(&group.world, act.who) else {
                continue;
            };
            let question = if is_shared {
                Question::of(act, &group.world, caller)
            } else {
                Question::All
            };
            // One kernel serves all members that answer the call's question alike; the others get a run of their own.
            let mut left = group.members;
            while left != 0 {
                let first = left.trailing_zeros() as usize;
                let answer = question.answer(&policies[first]);
                let like_first = members(left).filter(|at| {
                    *at == first
                        || question != Question::All && question.answer(&policies[*at]) == answer
                });
                let members = like_first.fold(0, |set, at| set | 1 << at);
                left &= !members;
                // Any of the members' policies will do: this call asks nothing to which they differ.
                let mut world = runs.copy(&group.world);
                world.set_policy(policies[first]);
                let outcome = world.call(caller, &syscall);
                runs.all.push(Run {
                    members,
                    outcome,
                    world,
                });
            }
        }
    }
}

/// The sets whose answers are equal, the one with the first policy first.
pub(crate) fn by_answer(runs: &[Run]) -> Vec<Set> {
    let mut sets: Vec<(Set, &Outcome)> = Vec::new();
    for run in runs {
        match sets
            .iter_mut()
            .find(|(_, outcome)| *outcome == &run.outcome)
        {
            Some((set, _)) => *set |= run.members,
            None => sets.push((run.members, &run.outcome)),
        }
    }
    let mut sets: Vec<Set> = sets.into_iter().map(|(set, _)| set).collect();
    sets.sort_unstable_by_key(|set| set.trailing_zeros());
    sets
}

/// Digests of states, with the memory they need.
#[derive(Debug, Default)]
pub(crate) struct Digests {
    words: Vec<u32>,
    bytes: Vec<u8>,
}

impl Digests {
    /// 128 bits of a world's state, policy left out.
    pub(crate) fn world(&mut self, world: &Kernel) -> u128 {
        world.write_state(&mut self.words);
        self.bytes.clear();
        for word in &self.words {
            self.bytes.extend(word.to_le_bytes());
        }
        xxh3_128(&self.bytes)
    }

    /// The runs of one class, grouped by state; its key, and its grouping.
    pub(crate) fn class(&mut self, runs: &[Run], class: Set) -> (u128, Grouping) {
        let mut groups: Vec<(Set, u128)> = Vec::new();
        for run in runs.iter().filter(|run| run.members & class != 0) {
            let members = run.members & class;
            let digest = self.world(&run.world);
            match groups.iter_mut().find(|group| group.1 == digest) {
                Some(group) => group.0 |= members,
                None => groups.push((members, digest)),
            }
        }
        // Sorted, because the runs come in the order of the former groups: the same state must have the same key,
        // whatever led to it.
        groups.sort_unstable_by_key(|(members, _)| members.trailing_zeros());
        self.bytes.clear();
        for (members, digest) in &groups {
            self.bytes.push(*members);
            self.bytes.extend(digest.to_le_bytes());
        }
        let grouping = Grouping::of(groups.iter().map(|(members, _)| *members));
        (xxh3_128(&self.bytes), grouping)
    }
}

impl Grouping {
    pub(crate) fn of(groups: impl Iterator<Item = Set>) -> Grouping {
        let mut packed = 0;
        for (number, group) in groups.enumerate() {
            for at in members(group) {
                packed |= (number as u32) << (3 * at);
            }
        }
        Grouping(packed)
    }

    /// The groups of a class.
    pub(crate) fn groups(self, class: Set) -> Vec<Set> {
        let mut groups = Vec::new();
        for at in members(class) {
            let number = (self.0 >> (3 * at) & 7) as usize;
            if number >= groups.len() {
                groups.resize(number + 1, 0);
            }
            groups[number] |= 1 << at;
        }
        groups
    }
}
