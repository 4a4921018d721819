//! What a witness shows, read off the two worlds it was performed in.
//!
//! ```text
//!   call ── call ── cause ── call ── last call
//!                   the first after  the first that is
//!                   which the worlds answered differently
//!                   are not alike
//! ```
//!
//! Nothing here knows a program beforehand: who did what to whose registration, and what kept the
//! file, is seen in the worlds themselves.

use crate::act::{Act, Verb};
use crate::worlds::{empty_world, task};
use eventpoll::{EpollId, Fd, FileId, Holder, Kernel, Outcome, Pid, Policy, Tid};

/// What a witness shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Story {
    /// What made the worlds unlike, before anybody could tell. Nothing if the last call itself did.
    pub cause: Option<Cause>,
    /// The call that is answered differently.
    pub last: Last,
    /// Processes that were born, the first included.
    pub processes: usize,
}

/// A call after which the worlds are not alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The call, without its arguments.
    pub verb: Verb,
    /// The process that called.
    pub by: Pid,
    /// How the two worlds differ since.
    pub change: Change,
}

/// How the worlds became unlike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// One of the two has lost a registration that the other one kept.
    Lost {
        /// Which of the two.
        in_second: bool,
        /// Who had made the registration; nobody, if that process's table is gone.
        maker: Option<Pid>,
        /// Who else keeps the file, so that the registration could be kept.
        kept_by: KeptBy,
    },
    /// A child of one of the two has a number that the other's has not.
    NotCopied {
        /// Which of the two has it not.
        in_second: bool,
    },
    /// A registration has another owner.
    Owner,
}

/// What keeps a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptBy {
    /// Another number of the table that lost one.
    Dup,
    /// Another process's table.
    Process(Pid),
    /// A message on its way.
    Flight,
    /// Nobody that can be seen.
    Nobody,
}

/// The call that is answered differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Last {
    /// The call, without its arguments.
    pub verb: Verb,
    /// The process that called.
    pub by: Pid,
    /// What it was answered under the first policy, and under the second.
    pub answers: [Outcome; 2],
    /// The instance it names came with the caller's table from its parent.
    pub is_inherited: bool,
    /// Who had registered the file it names under the same number, if somebody had.
    pub maker: Option<Pid>,
}

/// Tells a program's story under two policies; nothing if both answer it alike.
///
/// Only the calls that are `observed` can tell; all, if there are none.
pub fn tell(policies: [Policy; 2], acts: &[Act], observed: &[Verb]) -> Option<Story> {
    let mut worlds = policies.map(empty_world);
    let mut cause = None;
    for (at, act) in acts.iter().enumerate() {
        let callers = [task(&worlds[0], act.who)?, task(&worlds[1], act.who)?];
        let by = worlds[0].pid_of(callers[0]);
        let before = worlds.clone();
        let call = act.syscall();
        let answers = [0, 1].map(|side| worlds[side].call(callers[side], &call));
        let is_observed = observed.is_empty() || observed.contains(&act.verb);
        let is_told = is_observed && answers[0] != answers[1];
        if is_told || at + 1 == acts.len() {
            let last = Last::of(*act, by, &before, callers, answers);
            let processes = 1 + acts[..at].iter().filter(|act| act.verb.is_birth()).count();
            return is_told.then_some(Story {
                cause,
                last,
                processes,
            });
        }
        let verb = act.verb;
        let change = Change::between(by, &before, &worlds);
        let change = change.map(|change| Cause { verb, by, change });
        // Who owns a registration comes to something only when one is lost.
        match (&cause, &change) {
            (None, _) => cause = change,
            (
                Some(Cause {
                    change: Change::Owner,
                    ..
                }),
                Some(later),
            ) if later.is_loss() => {
                cause = change;
            }
            _ => {}
        }
    }
    None
}

/// A registration as it can be recognised in another world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Item {
    epoll: EpollId,
    file: FileId,
    fd: Fd,
    owner: Option<Pid>,
}

impl Item {
    fn is_same(&self, other: &Item) -> bool {
        (self.epoll, self.file, self.fd) == (other.epoll, other.file, other.fd)
    }
}

impl Cause {
    fn is_loss(&self) -> bool {
        matches!(self.change, Change::Lost { .. })
    }
}

impl Change {
    fn between(by: Pid, before: &[Kernel; 2], after: &[Kernel; 2]) -> Option<Change> {
        let sides = after.each_ref().map(items);
        for (lost, kept) in [(1, 0), (0, 1)] {
            let gone = sides[kept]
                .iter()
                .find(|item| !sides[lost].iter().any(|other| other.is_same(item)));
            if let Some(item) = gone {
                let was = items(&before[lost]);
                let was = was.iter().find(|other| other.is_same(item));
                return Some(Change::Lost {
                    in_second: lost == 1,
                    maker: was.unwrap_or(item).owner,
                    kept_by: KeptBy::of(&after[kept], item.file, by),
                });
            }
        }
        for (lost, kept) in [(1, 0), (0, 1)] {
            let slots = after.each_ref().map(slots);
            if slots[kept].iter().any(|slot| !slots[lost].contains(slot)) {
                return Some(Change::NotCopied {
                    in_second: lost == 1,
                });
            }
        }
        let owners = sides.map(|side| side.iter().map(|item| item.owner).collect::<Vec<_>>());
        (owners[0] != owners[1]).then_some(Change::Owner)
    }
}

impl KeptBy {
    fn of(world: &Kernel, file: FileId, by: Pid) -> KeptBy {
        let holders = world.holders(file);
        let own = world.tid(by).and_then(|tid| world.task(tid));
        let own = own.map(|task| task.table);
        let mut kept_by = KeptBy::Nobody;
        for holder in holders {
            kept_by = match holder {
                Holder::Slot { table, .. } if Some(table) == own => return KeptBy::Dup,
                Holder::Slot { table, .. } => {
                    owner_of(world, table).map_or(kept_by, KeptBy::Process)
                }
                Holder::InFlight => KeptBy::Flight,
                Holder::Ring | Holder::Call => kept_by,
            };
        }
        kept_by
    }
}

impl Last {
    fn of(
        act: Act,
        by: Pid,
        before: &[Kernel; 2],
        callers: [Tid; 2],
        answers: [Outcome; 2],
    ) -> Last {
        let (world, caller) = (&before[0], callers[0]);
        let [a, b] = [act.a, act.b].map(|fd| Fd(fd.into()));
        let is_on_instance = act.verb.is_on_instance();
        let inherited = world.descriptor(caller, a);
        let registered = world.fd(caller, a).and_then(|file| world.epoll_of(file));
        let item = registered.and_then(|epoll| {
            let file = world.fd(caller, b)?;
            let mut items = items(world).into_iter();
            items.find(|item| (item.epoll, item.file, item.fd) == (epoll, file, b))
        });
        Last {
            verb: act.verb,
            by,
            answers,
            is_inherited: is_on_instance && inherited.is_some_and(|found| found.is_inherited),
            maker: item
                .filter(|_| act.verb.is_control())
                .and_then(|item| item.owner),
        }
    }
}

fn items(world: &Kernel) -> Vec<Item> {
    let items = world.epolls().flat_map(|epoll| world.registrations(epoll));
    items
        .map(|item| Item {
            epoll: item.epoll,
            file: item.file,
            fd: item.fd,
            owner: owner_of(world, item.owner),
        })
        .collect()
}

/// The eldest process that uses a table.
fn owner_of(world: &Kernel, table: eventpoll::TableId) -> Option<Pid> {
    let users = world.tasks().filter(|(_, task)| task.table == table);
    users.map(|(_, task)| task.process).min()
}

fn slots(world: &Kernel) -> Vec<(Pid, Fd, FileId)> {
    let tasks = world.tasks();
    tasks
        .flat_map(|(tid, task)| {
            let fds = world.fds(tid);
            fds.map(move |(fd, file, _)| (task.pid, fd, file))
        })
        .collect()
}
