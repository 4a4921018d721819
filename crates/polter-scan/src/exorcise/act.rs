//! The removal itself, in a thread with a descriptor table of its own.
//!
//! ```text
//!   copies ─▶ the registration as it is ─▶ live? ─▶ DEL ─▶ live? ─▶ put back
//!                                           └ leave it       └ removed
//! ```
//!
//! Between the first question and DEL there is nothing, and it takes a microsecond
//! or two: a program that brings the file back *and* registers it with other data
//! just then gets back the data that was read just before. Nothing in Linux removes a
//! registration on a condition.

use std::time::{Duration, Instant};

use rustix::event::epoll;
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit};

use super::copies::{self, AGAIN, Copies, Settings};
use super::{Outcome, Step};
use crate::error::ScanError;
use crate::proc::Proc;
use crate::sys;

/// How long the last look may take, and how often it is tried.
const FRESH: Duration = Duration::from_micros(50);
const LOOKS: usize = 1000;

/// How often, and how far apart, ghosts are watched before that.
const GLANCES: usize = 8;
const APART: Duration = Duration::from_micros(250);

/// Takes the steps that are planned.
///
/// In a thread of its own: it gives up its descriptor table, and with it
/// whatever number a ghost has is free there.
pub(super) fn carry_out(steps: &mut [Step]) -> Result<(), ScanError> {
    let highest = steps.iter().map(|step| step.fd).max().unwrap_or(0);
    let limit = raise_limit(highest);
    let done = std::thread::scope(|scope| {
        let work = || -> Result<(), ScanError> {
            sys::take_empty_table().map_err(|source| ScanError::System {
                doing: "have a descriptor table apart (close_range)",
                source,
            })?;
            leave_what_comes_and_goes(steps);
            for step in steps.iter_mut() {
                if step.outcome == Outcome::Planned {
                    step.outcome = remove(step, || ()).unwrap_or_else(|outcome| outcome);
                }
            }
            Ok(())
        };
        scope.spawn(work).join()
    });
    if let Some(limit) = limit {
        // It was this a moment ago, and may be lowered at any time.
        let _ = rustix::process::setrlimit(Resource::Nofile, limit);
    }
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Allows numbers up to `fd` here, if need be and may be; says what the limit was.
fn raise_limit(fd: i32) -> Option<Rlimit> {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let needed = u64::from(fd.unsigned_abs()) + 1;
    let allows = |bound: Option<u64>| bound.is_none_or(|bound| bound >= needed);
    if allows(limit.current) || !allows(limit.maximum) {
        return None;
    }
    let raised = Rlimit {
        current: Some(needed),
        maximum: limit.maximum,
    };
    rustix::process::setrlimit(Resource::Nofile, raised)
        .ok()
        .map(|()| limit)
}

/// Watches for a moment, and leaves alone what is no ghost all the time.
///
/// A program that brings a file back to its number again and again would one
/// day do so in the very microsecond between the last look and DEL.
fn leave_what_comes_and_goes(steps: &mut [Step]) {
    let is_planned = |step: &&mut Step| step.outcome == Outcome::Planned;
    for _ in 0..GLANCES {
        if !steps.iter_mut().any(|step| is_planned(&step)) {
            return;
        }
        std::thread::sleep(APART);
        for step in steps.iter_mut().filter(is_planned) {
            let file = step.held_by.first().map(|held| (held.pid, held.fd));
            let is_live = file.map(|file| Tables::of(step).name(step, file));
            if is_live == Some(Ok(true)) {
                step.outcome = Outcome::Live;
            }
        }
    }
}

/// Removes one ghost. Both ways out are outcomes: the early ones come as errors.
///
/// `between_fn` is called when the registration is removed and not yet looked
/// after: what a program may do meanwhile, for the tests to do.
fn remove(step: &Step, between_fn: impl FnOnce()) -> Result<Outcome, Outcome> {
    let copies = Copies::take(step)?;
    let tables = Tables::of(step);
    let settings = last_look(step, &copies, &tables)?;
    if let Some(outcome) = delete(&copies) {
        return outcome;
    }
    between_fn();
    settle(step, &copies, &tables, &settings)
}

/// What is about to be removed, if it still is the ghost that was seen.
///
/// A thread that lost its CPU while it looked has seen the past, and looks anew.
fn last_look(step: &Step, copies: &Copies, tables: &Tables) -> Result<Settings, Outcome> {
    for _ in 0..LOOKS {
        let start = Instant::now();
        let settings = copies.settings(step)?;
        if settings.data != step.data {
            // Not the one that was seen: that has gone.
            return Err(Outcome::Gone);
        }
        let asked = Instant::now();
        if tables.name(step, copies.here())? {
            return Err(Outcome::Live);
        }
        if start.elapsed() < FRESH * 8 && asked.elapsed() < FRESH {
            return Ok(settings);
        }
    }
    Err(Outcome::kept(
        "this machine is too busy to look at it in time",
        AGAIN,
    ))
}

/// Removes the registration; an outcome if that is not what happened.
fn delete(copies: &Copies) -> Option<Result<Outcome, Outcome>> {
    match epoll::delete(&copies.instance, &copies.file) {
        Ok(()) => None,
        Err(Errno::NOENT) => Some(Ok(Outcome::Gone)),
        Err(errno) => Some(Err(Outcome::kept(format!("DEL answers {errno}"), AGAIN))),
    }
}

/// Looks after what was removed: is it a ghost still, or did its number come back?
///
/// What cannot be told counts as live: a ghost put back does no new harm. Nor is a
/// number that has gone again a reason for another DEL: the next look finds it.
fn settle(
    step: &Step,
    copies: &Copies,
    tables: &Tables,
    settings: &Settings,
) -> Result<Outcome, Outcome> {
    if !tables.name(step, copies.here()).unwrap_or(true) {
        return Ok(Outcome::Removed);
    }
    let data = epoll::EventData::new_u64(settings.data);
    let events = epoll::EventFlags::from_bits_retain(settings.events);
    match epoll::add(&copies.instance, &copies.file, data, events) {
        Ok(()) => Ok(Outcome::PutBack),
        // The program was faster.
        Err(Errno::EXIST) => Ok(Outcome::Live),
        Err(errno) => Err(lost(step, errno)),
    }
}

fn lost(step: &Step, errno: Errno) -> Outcome {
    Outcome::kept(
        format!(
            "{} names its file again, and the removed registration could not be put back: {errno}",
            step.fd
        ),
        format!("EPOLL_CTL_ADD {} in the program", step.fd),
    )
}

/// The tables that hold the instance, each by one of its tasks.
struct Tables {
    tasks: Vec<u32>,
}

impl Tables {
    /// Those that count, with those of threads that have one of their own.
    fn of(step: &Step) -> Tables {
        let counts = |pid: &u32| step.in_table.is_none_or(|table| table == *pid);
        let mut pids: Vec<u32> = step.instance.iter().map(|name| name.pid).collect();
        pids.dedup();
        let pids = pids.into_iter().filter(counts);
        let with_threads = |pid| std::iter::once(pid).chain(threads_apart(pid));
        Tables {
            tasks: pids.flat_map(with_threads).collect(),
        }
    }

    /// True if the number names the file, which somebody has under `held`, in one of them.
    fn name(&self, step: &Step, held: (u32, i32)) -> Result<bool, Outcome> {
        for task in &self.tasks {
            match sys::kcmp_file(held, (*task, step.fd)) {
                Ok(order) if order.is_eq() => return Ok(true),
                Ok(_) => {}
                // Closed, or the process has ended.
                Err(error) if matches!(error.raw_os_error(), Some(libc::EBADF | libc::ESRCH)) => {}
                Err(error) => {
                    return Err(Outcome::kept(
                        format!(
                            "what {} means in process {task} cannot be told: {error}",
                            step.fd
                        ),
                        "run as root, or with CAP_SYS_PTRACE, where kcmp(2) is permitted",
                    ));
                }
            }
        }
        Ok(false)
    }
}

/// Threads whose table is not their process's (`unshare(CLONE_FILES)`), but for this one.
fn threads_apart(pid: u32) -> Vec<u32> {
    let tids = Proc::live().threads(pid).unwrap_or_default();
    let is_apart = |tid: &u32| {
        let is_other_thread = *tid != pid && *tid != copies::me();
        is_other_thread && sys::kcmp_table(pid, *tid).is_ok_and(std::cmp::Ordering::is_ne)
    };
    tids.into_iter().filter(is_apart).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fdinfo::Row;
    use crate::snapshot::{Held, Name};
    use rustix::event::{EventfdFlags, eventfd};
    use std::io::{self, Write as _};
    use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
    use std::sync::mpsc;

    /// Far from the numbers other tests get.
    const NUMBER: i32 = 300;

    #[test]
    fn what_comes_back_while_it_is_removed_is_put_back() {
        let check = |number: i32, comes_back: bool, expected: Outcome| {
            let instance = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
            let file = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
            let numbered = sys::dup_to(file.as_fd(), number).unwrap();
            let (data, events) = (epoll::EventData::new_u64(0xfeed), epoll::EventFlags::IN);
            epoll::add(&instance, &numbered, data, events).unwrap();
            drop(numbered);
            let before = row(&instance);
            let step = step(&instance, &file, number);
            let Some(outcome) = removed_beside(&step, || {
                comes_back.then(|| sys::dup_to(file.as_fd(), number).unwrap())
            }) else {
                let _ = writeln!(
                    io::stderr(),
                    "skipped: kcmp(2) or pidfd_getfd(2) is not permitted here"
                );
                return;
            };
            assert_eq!(outcome, expected);
            assert_eq!(row(&instance), before.filter(|_| comes_back));
        };
        check(NUMBER, true, Outcome::PutBack);
        check(NUMBER + 1, false, Outcome::Removed);
    }

    /// Removes in a thread with a table of its own, while this one plays the program.
    fn removed_beside(step: &Step, play_fn: impl FnOnce() -> Option<OwnedFd>) -> Option<Outcome> {
        let (removed, is_removed) = mpsc::channel();
        let (played, is_played) = mpsc::channel();
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || {
                sys::take_empty_table().ok()?;
                let between = || {
                    removed.send(()).unwrap();
                    is_played.recv().unwrap();
                };
                Some(remove(step, between).unwrap_or_else(|outcome| outcome))
            });
            let kept = is_removed.recv().ok().and_then(|()| play_fn());
            // Nobody listens if nothing was removed.
            let _ = played.send(());
            let outcome = thread.join().unwrap();
            drop(kept);
            // Where a sandbox forbids it there is nothing to test.
            outcome.filter(|outcome| !matches!(outcome, Outcome::Kept { .. }))
        })
    }

    fn step(instance: &OwnedFd, file: &OwnedFd, fd: i32) -> Step {
        let pid = std::process::id();
        let name = Name {
            pid,
            fd: instance.as_raw_fd(),
            is_cloexec: true,
        };
        Step {
            instance: vec![name],
            start_times: vec![Proc::live().stat(pid).unwrap().start_time],
            among: 1,
            fd,
            nth: 0,
            events: 0x19,
            data: 0xfeed,
            held_by: vec![Held {
                pid,
                fd: file.as_raw_fd(),
                is_certain: true,
            }],
            in_table: None,
            loses: Vec::new(),
            outcome: Outcome::Planned,
        }
    }

    fn row(instance: &OwnedFd) -> Option<Row> {
        let info = Proc::live().fdinfo(std::process::id(), instance.as_raw_fd());
        info.unwrap().rows.first().copied()
    }
}
