//! What a removal works on: copies of the instance and of the ghost's file.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags};

use super::{Outcome, Step};
use crate::fdinfo::{MAX_ROWS, Row};
use crate::proc::Proc;
use crate::sys::{self, EpollSlot};

pub(super) const AGAIN: &str = "try again";

/// Registrations an instance may have for its text to be read anew for each ghost.
const SMALL: u64 = 1000;

/// How often a text is read that changes while it is.
const READS: usize = 32;

/// Bytes of a row; the longest Linux writes has 117.
const ROW: usize = 128;

/// The instance, and the file under the ghost's number.
#[derive(Debug)]
pub(super) struct Copies {
    pub(super) instance: OwnedFd,
    pub(super) file: OwnedFd,
}

/// What a registration was made with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) events: u32,
    pub(super) data: u64,
}

impl Copies {
    /// Takes them from those who have them.
    pub(super) fn take(step: &Step) -> Result<Copies, Outcome> {
        let instance = instance_copy(step)?;
        let file = file_copy(step, &instance)?;
        let file = sys::dup_to(file.as_fd(), step.fd).map_err(|error| no_number(step, &error))?;
        Ok(Copies { instance, file })
    }

    /// The file, as `kcmp` names it.
    pub(super) fn here(&self) -> (u32, i32) {
        (me(), self.file.as_raw_fd())
    }

    /// The instance's text, and room for it; nothing if it need not be read.
    ///
    /// It is long where ghosts are many: there only a one-shot is read anew, which changes
    /// by itself.
    pub(super) fn text(&self, step: &Step) -> Result<Option<Text>, Outcome> {
        if step.among > SMALL && step.events & libc::EPOLLONESHOT.cast_unsigned() == 0 {
            return Ok(None);
        }
        let path = format!("/proc/thread-self/fdinfo/{}", self.instance.as_raw_fd());
        let file = File::open(path)
            .map_err(|error| Outcome::kept(format!("no text of the instance: {error}"), AGAIN))?;
        let rows = step.among.min(MAX_ROWS as u64) as usize;
        Ok(Some(Text {
            file,
            buffer: vec![0; (2 * rows + 64) * ROW],
        }))
    }

    /// What the registration was made with, as it is now. Takes no memory.
    pub(super) fn settings(&self, step: &Step, text: &mut Text) -> Result<Settings, Unread> {
        for _ in 0..READS {
            let nth = nth_of(step, &self.instance, &self.file).ok_or(Unread::Gone)?;
            let settings = text.read(step.fd, nth);
            // The number's others come and go: it must be the same one all along.
            if nth_of(step, &self.instance, &self.file) == Some(nth)
                && let Some(settings) = settings
            {
                return Ok(settings);
            }
        }
        Err(Unread::Changing)
    }
}

/// An instance's text, to be read where there is no memory to be had.
#[derive(Debug)]
pub(super) struct Text {
    file: File,
    buffer: Vec<u8>,
}

impl Text {
    fn read(&mut self, fd: i32, nth: u32) -> Option<Settings> {
        self.file.rewind().ok()?;
        let mut len = 0;
        while len < self.buffer.len() {
            match self.file.read(&mut self.buffer[len..]) {
                Ok(0) => break,
                Ok(count) => len += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
        let lines = self.buffer[..len].split(|byte| *byte == b'\n');
        let rows = lines
            .filter(|line| line.starts_with(b"tfd:"))
            .filter_map(Row::parse);
        let row = rows.filter(|row| row.tfd == fd).nth(nth as usize)?;
        Some(Settings {
            events: row.events,
            data: row.data,
        })
    }
}

/// Why there are no settings.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unread {
    /// There is no such registration any more.
    Gone,
    /// The text and the registration do not agree for a moment.
    Changing,
}

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

/// The ghost's file, from a holder.
fn file_copy(step: &Step, instance: &OwnedFd) -> Result<OwnedFd, Outcome> {
    let mut last = Outcome::Gone;
    for held in &step.held_by {
        match copy_of(held.pid, held.fd, None) {
            Ok(copy) => {
                let copy = clear_of(step.fd, copy)?;
                if nth_of(step, instance, &copy).is_some() {
                    return Ok(copy);
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

/// `pidfd_getfd(2)` from the process that started then, if that is known.
fn copy_of(pid: u32, fd: i32, start_time: Option<u64>) -> rustix::io::Result<OwnedFd> {
    let number = Pid::from_raw(pid.cast_signed()).ok_or(Errno::SRCH)?;
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

/// This thread.
pub(super) fn me() -> u32 {
    rustix::thread::gettid()
        .as_raw_nonzero()
        .get()
        .cast_unsigned()
}
