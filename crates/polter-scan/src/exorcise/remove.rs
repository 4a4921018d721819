//! One removal, in a thread with a descriptor table of its own.
//!
//! ```text
//!   copies ─▶ the registration as it is ─▶ live? ─▶ DEL ─▶ live? ─▶ put back
//!                                          │└ leave it       └ removed    │
//!                                          └──── in a process of its own ─┘
//! ```
//!
//! That process shares this one's memory and table and nothing else. If this process is killed, the
//! other one still puts back what must be put back.
//!
//! The first question and the DEL follow each other within a microsecond or two. A program that in
//! this time brings the file back *and* registers it with other data gets the older data back:
//! nothing in Linux removes a registration on a condition.

use std::time::{Duration, Instant};

use rustix::event::epoll;
use rustix::io::Errno;

use super::copies::{AGAIN, Copies, Settings, Text, Unread};
use super::plan::{Excused, Outcome, Step};
use super::tables::{Tables, Untold};
use crate::proc::Proc;
use crate::snapshot::has_slept;
use crate::sys;

/// How long the last question before the DEL may take.
pub(super) const FRESH: Duration = Duration::from_micros(50);

/// The same on a slow machine, such as an emulated one, where no question is answered so fast. Whoever
/// asks for it accepts that an answer may be older.
pub(super) const FRESH_WHEN_SLOW: Duration = Duration::from_millis(1);

/// How often it is asked until it was fast enough.
const TRIES: usize = 1000;

/// Removes one ghost. Both results are outcomes; an error is one that ended the removal early.
///
/// The last question before the DEL must be answered within `fresh`.
///
/// `between_fn` is called between the DEL and the question after it. The tests do there what a
/// program may do at that moment.
pub(super) fn remove(
    step: &Step,
    fresh: Duration,
    between_fn: impl FnMut(),
) -> Result<Outcome, Outcome> {
    remove_by(step, &Tables::of(step), fresh, between_fn)
}

/// The same, where these tables count.
pub(super) fn remove_by(
    step: &Step,
    tables: &Tables,
    fresh: Duration,
    mut between_fn: impl FnMut(),
) -> Result<Outcome, Outcome> {
    let copies = Copies::take(step)?;
    let mut text = copies.text(step)?;
    let attempt = Attempt {
        step,
        copies: &copies,
        tables,
        fresh,
    };
    if let Some(pid) = awake(step) {
        return Err(Outcome::kept(has_run(pid), AGAIN));
    }
    let mut end = End::TooBusy;
    // From the DEL on it must be completed, even if this process is killed.
    sys::do_apart(&mut || end = attempt.run(text.as_mut(), &mut between_fn))
        .map_err(|error| Outcome::kept(format!("no process to do it: {error}"), AGAIN))?;
    if let End::Removed(settings) = end
        && let Some(pid) = awake(step)
    {
        // A process that can name the file has run since, and may wait on the instance now. Putting
        // the registration back reports the file's events to it again.
        return match put_back(&copies, settings) {
            End::PutBack | End::Live => Err(Outcome::kept(
                format!("{}: it was put back", has_run(pid)),
                AGAIN,
            )),
            lost => lost.outcome(step.fd),
        };
    }
    end.outcome(step.fd)
}

/// A process that can name a likely ghost's file and has run since the plan was made.
fn awake(step: &Step) -> Option<u32> {
    let proc = Proc::live();
    let is_awake = |it: &&Excused| {
        let now = proc.counters(it.pid);
        !has_slept(it.threads.as_ref(), now.as_ref())
    };
    step.excused.iter().find(is_awake).map(|it| it.pid)
}

fn has_run(pid: u32) -> String {
    format!("process {pid} can name its file and has run meanwhile: whether it waits is not known")
}

/// Registers the file again, as it was registered before.
fn put_back(copies: &Copies, settings: Settings) -> End {
    let data = epoll::EventData::new_u64(settings.data);
    let events = epoll::EventFlags::from_bits_retain(settings.events);
    match epoll::add(&copies.instance, &copies.file, data, events) {
        Ok(()) => End::PutBack,
        // The program has registered it itself meanwhile.
        Err(Errno::EXIST) => End::Live,
        Err(errno) => End::Lost(errno),
    }
}

/// One attempt: the question, the DEL, the question after it, and what follows.
///
/// Takes no lock and does not allocate: [`sys::do_apart`] says why.
pub(super) struct Attempt<'a> {
    pub(super) step: &'a Step,
    pub(super) copies: &'a Copies,
    pub(super) tables: &'a Tables,
    pub(super) fresh: Duration,
}

/// How an attempt ended, without text: a text would have to be allocated.
#[derive(Debug, Clone, Copy)]
pub(super) enum End {
    Removed(Settings),
    Gone,
    Live,
    PutBack,
    /// No question was answered fast enough.
    TooBusy,
    /// The registration could not be read, because others come and go all the time.
    Changing,
    /// One table cannot be asked what the fd means in it.
    Untold(Untold),
    /// The kernel refused `EPOLL_CTL_DEL`, with another error than ENOENT.
    NotRemoved(Errno),
    /// The registration is live, was removed, and could not be put back.
    Lost(Errno),
}

impl Attempt<'_> {
    /// Asks, and deletes at once if the answer is fresh. If this thread lost its CPU in between,
    /// the answer is of the past, so it asks again.
    pub(super) fn run(&self, mut text: Option<&mut Text>, between_fn: &mut dyn FnMut()) -> End {
        let here = self.copies.here();
        for _ in 0..TRIES {
            let start = Instant::now();
            let settings = match text
                .as_mut()
                .map(|text| self.copies.settings(self.step, text))
            {
                Some(Ok(settings)) => settings,
                Some(Err(Unread::Gone)) => return End::Gone,
                Some(Err(Unread::Changing)) => return End::Changing,
                None => Settings {
                    events: self.step.events,
                    data: self.step.data,
                },
            };
            if settings.data != self.step.data {
                // A newer registration of the same key: the one that was planned has gone.
                return End::Gone;
            }
            let asked = Instant::now();
            match self.tables.name(self.step.fd, here) {
                Ok(true) => return End::Live,
                Ok(false) => {}
                Err(untold) => return End::Untold(untold),
            }
            if start.elapsed() < self.fresh * 8 && asked.elapsed() < self.fresh {
                return self.delete(here, settings, between_fn);
            }
        }
        End::TooBusy
    }

    /// Removes it, and asks once more: is it still a ghost, or did the fd come back?
    ///
    /// If that cannot be told, the registration counts as live: a ghost that is put back does no
    /// new harm. There is no second DEL if the fd has gone again: the next scan finds the ghost.
    fn delete(&self, here: (u32, i32), settings: Settings, between_fn: &mut dyn FnMut()) -> End {
        let (instance, file) = (&self.copies.instance, &self.copies.file);
        match epoll::delete(instance, file) {
            Ok(()) => {}
            Err(Errno::NOENT) => return End::Gone,
            Err(errno) => return End::NotRemoved(errno),
        }
        between_fn();
        if let Ok(false) = self.tables.name(self.step.fd, here) {
            return End::Removed(settings);
        }
        put_back(self.copies, settings)
    }
}

impl End {
    /// The outcome in words; an error if the ghost is still there.
    pub(super) fn outcome(self, fd: i32) -> Result<Outcome, Outcome> {
        match self {
            End::Removed(_) => Ok(Outcome::Removed),
            End::Gone => Ok(Outcome::Gone),
            End::Live => Ok(Outcome::Live),
            End::PutBack => Ok(Outcome::PutBack),
            End::TooBusy => Err(Outcome::kept(
                "this machine is too busy to look at it in time",
                "ask again, or with --slow if this machine is an emulated one",
            )),
            End::Changing => Err(Outcome::kept(
                "its registration changes all the time",
                AGAIN,
            )),
            End::Untold(untold) => Err(untold.outcome(fd)),
            End::NotRemoved(errno) => Err(Outcome::kept(format!("DEL answers {errno}"), AGAIN)),
            End::Lost(errno) => Err(Outcome::kept(
                format!(
                    "{fd} names its file again, and the removed registration could not be put back: {errno}"
                ),
                format!("EPOLL_CTL_ADD {fd} in the program"),
            )),
        }
    }
}

#[cfg(test)]
mod tests;
