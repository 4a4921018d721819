//! Some known ghosts, removed by one process apart.
//!
//! A ghost's file is one of those that its possible holders name. The kernel says which: `EPOLL_CTL_DEL` finds a
//! registration by its file and fd, and answers ENOENT for every other file. So no interest list is searched.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;

use super::super::copies::{
    AGAIN, Copies, beside, copy_of, no_fd, no_room, occurrence_of, refused,
};
use super::super::plan::{Outcome, Step};
use super::super::remove::{Attempt, End, remove_by};
use super::super::tables::Tables;
use super::{KnownGhost, monotonic};
use crate::snapshot::{Held, Name, Sureness};
use crate::sys::{self, Lasting};

/// Removes ghosts; what came of each, and when.
pub(super) fn remove(
    ghosts: &[&KnownGhost],
    apart: &mut Lasting,
    fresh: Duration,
) -> Vec<(Outcome, u64)> {
    let mut tables: BTreeMap<Vec<u32>, Tables> = BTreeMap::new();
    for ghost in ghosts {
        tables
            .entry(makers(ghost))
            .or_insert_with_key(|pids| Tables::of_processes(pids));
    }
    let steps: Vec<Step> = ghosts.iter().map(|ghost| step_of(ghost)).collect();
    let tables: Vec<&Tables> = ghosts.iter().map(|it| &tables[&makers(it)]).collect();
    let mut ends: Vec<(Ended, u64)> = vec![(Ended::NotTried, 0); ghosts.len()];
    let is_together = |step: &Step| step.events & libc::EPOLLONESHOT.cast_unsigned() == 0;
    // From the first DEL on they must be completed, even if this process is killed.
    let done = apart.run(&mut || {
        for ((step, tables), end) in steps.iter().zip(&tables).zip(&mut ends) {
            if is_together(step) {
                *end = (remove_in(step, tables, fresh), monotonic());
            }
        }
    });
    let told = |((step, tables), (end, at)): ((&Step, &&Tables), &(Ended, u64))| match &done {
        Err(error) => {
            let reason = format!("the process that does it has ended: {error}");
            (Outcome::kept(reason, AGAIN), monotonic())
        }
        // A one-shot's events change without the program, and have to be read before.
        Ok(()) if !is_together(step) => {
            let outcome = remove_by(step, tables, fresh, || ());
            (outcome.unwrap_or_else(|outcome| outcome), monotonic())
        }
        Ok(()) => (end.outcome(step), *at),
    };
    steps.iter().zip(&tables).zip(&ends).map(told).collect()
}

/// How a removal ended, without text: a text would have to be allocated.
#[derive(Debug, Clone, Copy)]
enum Ended {
    NotTried,
    By(End),
    /// No copy of the instance, or of the file.
    NoCopy(&'static str, u32, Errno),
    /// No room for a copy.
    NoRoom(Errno),
    /// The ghost's fd cannot be used.
    NoFd(Errno),
}

impl Ended {
    fn outcome(self, step: &Step) -> Outcome {
        match self {
            Ended::NotTried => Outcome::Gone,
            Ended::By(end) => end.outcome(step.fd).unwrap_or_else(|outcome| outcome),
            Ended::NoCopy(what, pid, errno) => refused(what, pid, errno),
            Ended::NoRoom(errno) => no_room(errno),
            Ended::NoFd(errno) => no_fd(step, &errno.into()),
        }
    }
}

/// Removes one ghost: tries the files that it may be registered for, until one is.
///
/// Takes no lock and does not allocate: [`Lasting::run`] says why.
fn remove_in(step: &Step, tables: &Tables, fresh: Duration) -> Ended {
    let instance = match instance_in(step) {
        Ok(instance) => instance,
        Err(ended) => return ended,
    };
    let mut instance = Some(instance);
    // What is said if none of them is the file.
    let mut last = Ended::By(End::Gone);
    for held in &step.held_by {
        let Some(at_hand) = instance.take() else {
            break;
        };
        let file = match file_in(step, (held.pid, held.fd)) {
            Ok(file) => file,
            Err(Ended::By(_)) => {
                instance = Some(at_hand);
                continue;
            }
            Err(ended) => {
                last = ended;
                instance = Some(at_hand);
                continue;
            }
        };
        let copies = Copies {
            instance: at_hand,
            file,
        };
        let attempt = Attempt {
            step,
            copies: &copies,
            tables,
            fresh,
        };
        match attempt.run(None, &mut || ()) {
            // Another file, or it is gone: the next one will tell.
            End::Gone => {}
            // Another file too, unless it is registered.
            End::Live if occurrence_of(step, &copies.instance, &copies.file).is_none() => {}
            // Nor can this be the file: the instance itself, or a file that has no poll.
            End::NotRemoved(Errno::INVAL | Errno::PERM) => {}
            End::Live => last = Ended::By(End::Live),
            end => return Ended::By(end),
        }
        // The file goes before the next one takes its fd.
        let Copies {
            instance: back,
            file,
        } = copies;
        drop(file);
        instance = Some(back);
    }
    last
}

/// A copy of the instance, from the first that has it.
fn instance_in(step: &Step) -> Result<OwnedFd, Ended> {
    let mut last = Ended::By(End::Gone);
    for name in &step.instance {
        match copy_of(name.pid, name.fd, None) {
            Ok(copy) => return beside(step.fd, copy).map_err(Ended::NoRoom),
            Err(Errno::SRCH | Errno::BADF) => {}
            Err(errno) => last = Ended::NoCopy("instance", name.pid, errno),
        }
    }
    Err(last)
}

/// A copy of what may be the file, under the ghost's fd.
fn file_in(step: &Step, (pid, fd): (u32, i32)) -> Result<OwnedFd, Ended> {
    let copy = match copy_of(pid, fd, None) {
        Ok(copy) if copy.as_raw_fd() == step.fd => return Ok(copy),
        Ok(copy) => copy,
        Err(Errno::SRCH | Errno::BADF) => return Err(Ended::By(End::Gone)),
        Err(errno) => return Err(Ended::NoCopy("file", pid, errno)),
    };
    let at_its_fd = sys::dup_to(copy.as_fd(), step.fd);
    at_its_fd.map_err(|error| Ended::NoFd(errno_of(&error)))
}

fn errno_of(error: &io::Error) -> Errno {
    error
        .raw_os_error()
        .map_or(Errno::IO, Errno::from_raw_os_error)
}

/// The processes whose tables count.
fn makers(ghost: &KnownGhost) -> Vec<u32> {
    let mut pids = vec![ghost.maker];
    pids.extend(ghost.others.iter().filter(|pid| **pid != ghost.maker));
    pids
}

/// The ghost as a step of a plan in which only its maker's table counts.
fn step_of(ghost: &KnownGhost) -> Step {
    let name = |(pid, fd): &(u32, i32)| Name {
        pid: *pid,
        fd: *fd,
        is_cloexec: false,
    };
    let instance: Vec<Name> = ghost.instance.iter().map(name).collect();
    let held = |(pid, fd): &(u32, i32)| Held {
        pid: *pid,
        fd: *fd,
        is_certain: true,
    };
    Step {
        start_times: vec![None; instance.len()],
        instance,
        among: u64::MAX,
        fd: ghost.fd,
        occurrence: 0,
        events: ghost.events,
        data: ghost.data,
        held_by: ghost.held_by.iter().map(held).collect(),
        in_table: Some(ghost.maker),
        loses: Vec::new(),
        sureness: Sureness::Certain,
        reasons: Vec::new(),
        excused: Vec::new(),
        outcome: Outcome::Planned,
    }
}
