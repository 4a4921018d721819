//! The removal itself, in a thread with a descriptor table of its own.

use std::fs::File;
use std::io::{self, BufReader};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::event::epoll;
use rustix::io::Errno;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, Resource, Rlimit};

use super::{Outcome, Step};
use crate::error::ScanError;
use crate::fdinfo::FdInfo;
use crate::proc::Proc;
use crate::sys::{self, EpollSlot};

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

/// Removes one ghost. Both ways out are outcomes: the early ones come as errors.
///
/// `between_fn` is called when the registration is removed and not yet looked
/// after: what a program may do meanwhile, for the tests to do.
fn remove(step: &Step, between_fn: impl FnOnce()) -> Result<Outcome, Outcome> {
    let instance = instance_copy(step)?;
    let (file, events) = file_copy(step, &instance)?;
    if is_live(step, &file)? {
        return Ok(Outcome::Live);
    }
    let numbered = sys::dup_to(file.as_fd(), step.fd).map_err(|error| no_number(step, &error))?;
    match epoll::delete(&instance, &numbered) {
        Ok(()) => {}
        Err(Errno::NOENT) => return Ok(Outcome::Gone),
        Err(errno) => return Err(Outcome::kept(format!("DEL answers {errno}"), AGAIN)),
    }
    between_fn();
    if !is_live(step, &file).unwrap_or(false) {
        return Ok(Outcome::Removed);
    }
    let events = epoll::EventFlags::from_bits_retain(events);
    match epoll::add(
        &instance,
        &numbered,
        epoll::EventData::new_u64(step.data),
        events,
    ) {
        Ok(()) => Ok(Outcome::PutBack),
        // The program was faster.
        Err(Errno::EXIST) => Ok(Outcome::Live),
        Err(errno) => Err(Outcome::kept(
            format!(
                "{} names its file again, and the removed registration could not be put back: {errno}",
                step.fd
            ),
            format!("EPOLL_CTL_ADD {} in the program", step.fd),
        )),
    }
}

const AGAIN: &str = "try again";

/// The instance, from the first of its holders that is still the one that was seen.
fn instance_copy(step: &Step) -> Result<OwnedFd, Outcome> {
    let mut last = Outcome::Gone;
    for (name, start_time) in step.instance.iter().zip(&step.start_times) {
        match copy_of(name.pid, name.fd, Some(*start_time)) {
            Ok(copy) => return clear_of(step.fd, copy),
            Err(errno) => last = refused("instance", name.pid, errno),
        }
    }
    Err(last)
}

/// The ghost's file, from a holder, and what its registration waits for now.
fn file_copy(step: &Step, instance: &OwnedFd) -> Result<(OwnedFd, u32), Outcome> {
    let mut last = Outcome::Gone;
    for held in &step.held_by {
        match copy_of(held.pid, held.fd, None) {
            Ok(copy) => {
                let copy = clear_of(step.fd, copy)?;
                let nth = nth_of(step, instance, &copy);
                let events = nth.and_then(|nth| events_now(step, instance, nth));
                if let Some(events) = events {
                    return Ok((copy, events));
                }
            }
            Err(errno) => last = refused("file", held.pid, errno),
        }
    }
    Err(last)
}

/// Which of the number's registrations is for this very file, if there is one.
fn nth_of(step: &Step, instance: &OwnedFd, file: &OwnedFd) -> Option<u32> {
    let me = me();
    for toff in 0.. {
        let slot = EpollSlot {
            efd: instance.as_raw_fd().cast_unsigned(),
            tfd: step.fd.cast_unsigned(),
            toff,
        };
        // An error ends the number's registrations.
        if sys::kcmp_registration((me, file.as_raw_fd()), me, slot)
            .ok()?
            .is_eq()
        {
            return Some(toff);
        }
    }
    None
}

/// What the registration waits for now.
///
/// By itself only a one-shot changes, and only it is read anew: the text is
/// long where ghosts are many.
fn events_now(step: &Step, instance: &OwnedFd, nth: u32) -> Option<u32> {
    if step.events & libc::EPOLLONESHOT.cast_unsigned() == 0 {
        return Some(step.events);
    }
    let path = format!("/proc/thread-self/fdinfo/{}", instance.as_raw_fd());
    let info = FdInfo::parse(BufReader::new(File::open(path).ok()?)).ok()?;
    let mut rows = info.rows.iter().filter(|row| row.tfd == step.fd);
    rows.nth(nth as usize).map(|row| row.events)
}

/// True if the number names the file in some table that holds the instance.
fn is_live(step: &Step, file: &OwnedFd) -> Result<bool, Outcome> {
    let me = me();
    for name in &step.instance {
        match sys::kcmp_file((me, file.as_raw_fd()), (name.pid, step.fd)) {
            Ok(order) if order.is_eq() => return Ok(true),
            Ok(_) => {}
            // Closed, or the process has ended.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EBADF | libc::ESRCH)) => {}
            Err(error) => {
                return Err(Outcome::kept(
                    format!(
                        "what {} means in process {} cannot be told: {error}",
                        step.fd, name.pid
                    ),
                    "run as root, or with CAP_SYS_PTRACE, where kcmp(2) is permitted",
                ));
            }
        }
    }
    Ok(false)
}

/// `pidfd_getfd(2)` from the process that started then, if that is known.
fn copy_of(pid: u32, fd: i32, start_time: Option<u64>) -> rustix::io::Result<OwnedFd> {
    let number = rustix::process::Pid::from_raw(pid.cast_signed()).ok_or(Errno::SRCH)?;
    let process = rustix::process::pidfd_open(number, PidfdFlags::empty())?;
    // Looked at with the process in hand: the number cannot pass to another.
    if let Some(start_time) = start_time {
        let stat = Proc::live().stat(pid).map_err(|_| Errno::SRCH)?;
        if stat.start_time != start_time {
            return Err(Errno::SRCH);
        }
    }
    rustix::process::pidfd_getfd(&process, fd, PidfdGetfdFlags::empty())
}

/// The same file under a number that is not the ghost's.
fn clear_of(fd: i32, copy: OwnedFd) -> Result<OwnedFd, Outcome> {
    if copy.as_raw_fd() != fd {
        return Ok(copy);
    }
    let other = rustix::io::fcntl_dupfd_cloexec(&copy, 0);
    other.map_err(|errno| Outcome::kept(format!("no room for a copy: {errno}"), AGAIN))
}

fn refused(what: &str, pid: u32, errno: Errno) -> Outcome {
    match errno {
        Errno::SRCH | Errno::BADF => Outcome::Gone,
        Errno::PERM | Errno::ACCESS => Outcome::kept(
            format!("taking a copy of the {what} from process {pid} is not permitted"),
            "run as root, or with CAP_SYS_PTRACE; see ptrace_scope in proc(5)",
        ),
        Errno::NOSYS => Outcome::kept("this kernel has no pidfd_getfd(2)", "Linux 5.6 or later"),
        errno => Outcome::kept(
            format!("no copy of the {what} from process {pid}: {errno}"),
            AGAIN,
        ),
    }
}

fn no_number(step: &Step, error: &io::Error) -> Outcome {
    Outcome::kept(
        format!("{} cannot be used as a number here: {error}", step.fd),
        format!("ulimit -n {} or more", i64::from(step.fd) + 1),
    )
}

fn me() -> u32 {
    rustix::thread::gettid()
        .as_raw_nonzero()
        .get()
        .cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fdinfo::Row;
    use crate::snapshot::{Held, Name};
    use rustix::event::{EventfdFlags, eventfd};
    use std::io::Write as _;
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
            fd,
            nth: 0,
            events: 0x19,
            data: 0xfeed,
            held_by: vec![Held {
                pid,
                fd: file.as_raw_fd(),
                is_certain: true,
            }],
            outcome: Outcome::Planned,
        }
    }

    fn row(instance: &OwnedFd) -> Option<Row> {
        let info = Proc::live().fdinfo(std::process::id(), instance.as_raw_fd());
        info.unwrap().rows.first().copied()
    }
}
