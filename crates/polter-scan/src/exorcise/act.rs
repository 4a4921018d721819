//! The removal itself, in a thread with a descriptor table of its own.
//!
//! ```text
//!   copies ─▶ the registration as it is ─▶ live? ─▶ DEL ─▶ live? ─▶ put back
//!                                          │└ leave it       └ removed    │
//!                                          └──── in a process of its own ─┘
//! ```
//!
//! That process has this one's memory and table and nothing else in common with it: a
//! SIGKILL of this one does not stand between DEL and what comes after it.
//!
//! Between the first question and DEL there is nothing, and it takes a microsecond
//! or two: a program that brings the file back *and* registers it with other data
//! just then gets back the data that was read just before. Nothing in Linux removes a
//! registration on a condition.

use std::io;
use std::time::{Duration, Instant};

use rustix::event::epoll;
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit};

use super::copies::{self, AGAIN, Copies, Settings, Text, Unread};
use super::{Excused, Outcome, Step};
use crate::error::ScanError;
use crate::evidence::{Counters, has_slept};
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
            let is_live = file.map(|file| Tables::of(step).name(step.fd, file));
            if let Some(Ok(true)) = is_live {
                step.outcome = Outcome::Live;
            }
        }
    }
}

/// Removes one ghost. Both ways out are outcomes: the early ones come as errors.
///
/// `between_fn` is called when the registration is removed and not yet looked
/// after: what a program may do meanwhile, for the tests to do.
fn remove(step: &Step, mut between_fn: impl FnMut()) -> Result<Outcome, Outcome> {
    let copies = Copies::take(step)?;
    let mut text = copies.text(step)?;
    let tables = Tables::of(step);
    let blow = Blow {
        step,
        copies: &copies,
        tables: &tables,
    };
    if let Some(pid) = awake(step) {
        return Err(Outcome::kept(has_run(pid), AGAIN));
    }
    let mut struck = Struck::TooBusy;
    // From DEL on it must come to its end, even if this process is killed.
    sys::do_apart(&mut || struck = blow.strike(text.as_mut(), &mut between_fn))
        .map_err(|error| Outcome::kept(format!("no process to do it: {error}"), AGAIN))?;
    if let Struck::Removed(settings) = struck
        && let Some(pid) = awake(step)
    {
        // It may have come to wait: for what it can name it is told again.
        return match put_back(&copies, settings) {
            Struck::PutBack | Struck::Live => Err(Outcome::kept(
                format!("{}: it was put back", has_run(pid)),
                AGAIN,
            )),
            lost => lost.outcome(step.fd),
        };
    }
    struck.outcome(step.fd)
}

/// Who can name a likely ghost and has run since it was planned.
fn awake(step: &Step) -> Option<u32> {
    let proc = Proc::live();
    let is_awake = |it: &&Excused| {
        let now = Counters::of_threads(&proc, it.pid);
        !has_slept(it.threads.as_ref(), now.as_ref())
    };
    step.excused.iter().find(is_awake).map(|it| it.pid)
}

fn has_run(pid: u32) -> String {
    format!("process {pid} can name its file and has run meanwhile: whether it waits is not known")
}

fn put_back(copies: &Copies, settings: Settings) -> Struck {
    let data = epoll::EventData::new_u64(settings.data);
    let events = epoll::EventFlags::from_bits_retain(settings.events);
    match epoll::add(&copies.instance, &copies.file, data, events) {
        Ok(()) => Struck::PutBack,
        // The program was faster.
        Err(Errno::EXIST) => Struck::Live,
        Err(errno) => Struck::Lost(errno),
    }
}

/// The look, the removal, the look, and what comes of it.
///
/// Takes no lock and no memory: [`sys::do_apart`] says why.
struct Blow<'a> {
    step: &'a Step,
    copies: &'a Copies,
    tables: &'a Tables,
}

/// What came of a blow, without a word about it.
#[derive(Debug, Clone, Copy)]
enum Struck {
    Removed(Settings),
    Gone,
    Live,
    PutBack,
    /// No look was short enough.
    TooBusy,
    /// Its registration could not be read for all the others that come and go.
    Changing,
    /// It cannot be told what the number means in a task's table.
    Untold(Untold),
    /// DEL failed.
    NotRemoved(Errno),
    /// It is live, was removed, and could not be put back.
    Lost(Errno),
}

impl Blow<'_> {
    /// A thread that lost its CPU while it looked has seen the past, and looks anew.
    fn strike(&self, mut text: Option<&mut Text>, between_fn: &mut dyn FnMut()) -> Struck {
        let here = self.copies.here();
        for _ in 0..LOOKS {
            let start = Instant::now();
            let settings = match text
                .as_mut()
                .map(|text| self.copies.settings(self.step, text))
            {
                Some(Ok(settings)) => settings,
                Some(Err(Unread::Gone)) => return Struck::Gone,
                Some(Err(Unread::Changing)) => return Struck::Changing,
                None => Settings {
                    events: self.step.events,
                    data: self.step.data,
                },
            };
            if settings.data != self.step.data {
                // Not the one that was seen: that has gone.
                return Struck::Gone;
            }
            let asked = Instant::now();
            match self.tables.name(self.step.fd, here) {
                Ok(true) => return Struck::Live,
                Ok(false) => {}
                Err(untold) => return Struck::Untold(untold),
            }
            if start.elapsed() < FRESH * 8 && asked.elapsed() < FRESH {
                return self.delete(here, settings, between_fn);
            }
        }
        Struck::TooBusy
    }

    /// Removes it and looks after it: is it a ghost still, or did its number come back?
    ///
    /// What cannot be told counts as live: a ghost put back does no new harm. Nor is a
    /// number that has gone again a reason for another DEL: the next look finds it.
    fn delete(&self, here: (u32, i32), settings: Settings, between_fn: &mut dyn FnMut()) -> Struck {
        let (instance, file) = (&self.copies.instance, &self.copies.file);
        match epoll::delete(instance, file) {
            Ok(()) => {}
            Err(Errno::NOENT) => return Struck::Gone,
            Err(errno) => return Struck::NotRemoved(errno),
        }
        between_fn();
        if let Ok(false) = self.tables.name(self.step.fd, here) {
            return Struck::Removed(settings);
        }
        put_back(self.copies, settings)
    }
}

impl Struck {
    fn outcome(self, fd: i32) -> Result<Outcome, Outcome> {
        match self {
            Struck::Removed(_) => Ok(Outcome::Removed),
            Struck::Gone => Ok(Outcome::Gone),
            Struck::Live => Ok(Outcome::Live),
            Struck::PutBack => Ok(Outcome::PutBack),
            Struck::TooBusy => Err(Outcome::kept(
                "this machine is too busy to look at it in time",
                AGAIN,
            )),
            Struck::Changing => Err(Outcome::kept(
                "its registration changes all the time",
                AGAIN,
            )),
            Struck::Untold(untold) => Err(untold.outcome(fd)),
            Struck::NotRemoved(errno) => Err(Outcome::kept(format!("DEL answers {errno}"), AGAIN)),
            Struck::Lost(errno) => Err(Outcome::kept(
                format!(
                    "{fd} names its file again, and the removed registration could not be put back: {errno}"
                ),
                format!("EPOLL_CTL_ADD {fd} in the program"),
            )),
        }
    }
}

/// The tables that hold the instance, each by one of its tasks.
struct Tables {
    tasks: Vec<u32>,
}

impl Tables {
    /// Those that count, with those of threads that have one of their own.
    fn of(step: &Step) -> Tables {
        let is_excused = |task: &u32| step.excused.iter().any(|it| it.pid == *task);
        let counts =
            |task: &u32| step.in_table.is_none_or(|table| table == *task) && !is_excused(task);
        let mut pids: Vec<u32> = step.instance.iter().map(|name| name.pid).collect();
        pids.dedup();
        let pids = pids.into_iter().filter(counts);
        let with_threads = |pid| std::iter::once(pid).chain(threads_apart(pid));
        let tasks = pids.flat_map(with_threads);
        Tables {
            tasks: tasks.filter(|task| !is_excused(task)).collect(),
        }
    }

    /// True if the number names the file, which somebody has under `held`, in one of them.
    fn name(&self, fd: i32, held: (u32, i32)) -> Result<bool, Untold> {
        for &task in &self.tasks {
            match sys::kcmp_file(held, (task, fd)) {
                Ok(order) if order.is_eq() => return Ok(true),
                Ok(_) => {}
                Err(error) => match error.raw_os_error() {
                    // Closed, or the process has ended.
                    Some(libc::EBADF | libc::ESRCH) => {}
                    errno => return Err(Untold { task, errno }),
                },
            }
        }
        Ok(false)
    }
}

/// A table that does not tell what a number means in it.
#[derive(Debug, Clone, Copy)]
struct Untold {
    task: u32,
    errno: Option<i32>,
}

impl Untold {
    fn outcome(self, fd: i32) -> Outcome {
        let Untold { task, errno } = self;
        let why = errno.map_or(io::ErrorKind::Other.into(), io::Error::from_raw_os_error);
        Outcome::kept(
            format!("what {fd} means in process {task} cannot be told: {why}"),
            "run as root, or with CAP_SYS_PTRACE, where kcmp(2) is permitted",
        )
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
mod tests;
