//! The copies that a removal works on: of the instance, and of the ghost's file.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags};

use super::plan::{Outcome, Step};
use crate::proc::Proc;
use crate::proc::fdinfo::{MAX_ROWS, Row};
use crate::sys::{self, EpollSlot};

/// The advice where another attempt may succeed.
pub(super) const AGAIN: &str = "try again";

/// Up to so many registrations, an instance's text is read anew for each ghost.
const SMALL: u64 = 1000;

/// How often a text is read that changes meanwhile.
const READS: usize = 32;

/// Bytes of a row; the longest that Linux writes has 117.
const ROW: usize = 128;

/// The instance, and the file under the ghost's fd, in the calling thread's own table.
#[derive(Debug)]
pub(super) struct Copies {
    pub(super) instance: OwnedFd,
    pub(super) file: OwnedFd,
}

/// The events and the data of a registration: what is needed to put it back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    pub(super) events: u32,
    pub(super) data: u64,
}

impl Copies {
    /// Takes them from the processes that have them.
    pub(super) fn take(step: &Step) -> Result<Copies, Outcome> {
        let instance = instance_copy(step)?;
        let file = file_copy(step, &instance)?;
        let file = sys::dup_to(file.as_fd(), step.fd).map_err(|error| no_fd(step, &error))?;
        Ok(Copies { instance, file })
    }

    /// The file, as `kcmp` names it.
    pub(super) fn here(&self) -> (u32, i32) {
        (own_tid(), self.file.as_raw_fd())
    }

    /// The instance's text and a buffer for it; `None` if it need not be read.
    ///
    /// Where ghosts are many the text is long, and reading it for each would take too long. There
    /// only a one-shot is read anew, because its events change without the program: they are
    /// cleared when it fires.
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

    /// The registration's events and data as they are now. Does not allocate: see
    /// [`sys::do_apart`].
    pub(super) fn settings(&self, step: &Step, text: &mut Text) -> Result<Settings, Unread> {
        for _ in 0..READS {
            let occurrence = occurrence_of(step, &self.instance, &self.file).ok_or(Unread::Gone)?;
            let settings = text.read(step.fd, occurrence);
            // The fd's other registrations come and go, and this one's place among them changes.
            // The row is this one's only if its place was the same before and after.
            if occurrence_of(step, &self.instance, &self.file) == Some(occurrence)
                && let Some(settings) = settings
            {
                return Ok(settings);
            }
        }
        Err(Unread::Changing)
    }
}

/// An instance's text, with a buffer that is large enough to be read without allocating.
#[derive(Debug)]
pub(super) struct Text {
    file: File,
    buffer: Vec<u8>,
}

impl Text {
    fn read(&mut self, fd: i32, occurrence: u32) -> Option<Settings> {
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
        let row = rows.filter(|row| row.tfd == fd).nth(occurrence as usize)?;
        Some(Settings {
            events: row.events,
            data: row.data,
        })
    }
}

/// Why the settings could not be read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unread {
    /// The registration has been removed.
    Gone,
    /// The instance changes all the time, so that no read of the text was of one moment.
    Changing,
}

/// A copy of the instance, from the first holder that is still the process that was seen.
fn instance_copy(step: &Step) -> Result<OwnedFd, Outcome> {
    let mut last = Outcome::Gone;
    for (name, start_time) in step.instance.iter().zip(&step.start_times) {
        match copy_of(name.pid, name.fd, *start_time) {
            Ok(copy) => return clear_of(step.fd, copy),
            Err(errno) => last = refused("instance", name.pid, errno),
        }
    }
    Err(last)
}

/// A copy of the ghost's file, from a holder whose fd still names it.
fn file_copy(step: &Step, instance: &OwnedFd) -> Result<OwnedFd, Outcome> {
    let mut last = Outcome::Gone;
    for held in &step.held_by {
        match copy_of(held.pid, held.fd, None) {
            Ok(copy) => {
                let copy = clear_of(step.fd, copy)?;
                if occurrence_of(step, instance, &copy).is_some() {
                    return Ok(copy);
                }
            }
            Err(errno) => last = refused("file", held.pid, errno),
        }
    }
    Err(last)
}

/// Which of the fd's registrations is for this very file, if there is one. Does not allocate.
pub(super) fn occurrence_of(step: &Step, instance: &OwnedFd, file: &OwnedFd) -> Option<u32> {
    let tid = own_tid();
    for toff in 0.. {
        let slot = EpollSlot {
            efd: instance.as_raw_fd().cast_unsigned(),
            tfd: step.fd.cast_unsigned(),
            toff,
        };
        // The kernel answers ENOENT behind the fd's last registration.
        if sys::kcmp_registration((tid, file.as_raw_fd()), tid, slot)
            .ok()?
            .is_eq()
        {
            return Some(toff);
        }
    }
    None
}

/// `pidfd_getfd(2)` from a process, which must have started at `start_time` if that is given.
///
/// Does not allocate if it is not.
pub(super) fn copy_of(pid: u32, fd: i32, start_time: Option<u64>) -> rustix::io::Result<OwnedFd> {
    let raw = Pid::from_raw(pid.cast_signed()).ok_or(Errno::SRCH)?;
    let process = rustix::process::pidfd_open(raw, PidfdFlags::empty())?;
    // Compared only now: while the pidfd is open, the pid cannot pass to another process.
    if let Some(start_time) = start_time {
        let stat = Proc::live().stat(pid).map_err(|_| Errno::SRCH)?;
        if stat.start_time != start_time {
            return Err(Errno::SRCH);
        }
    }
    rustix::process::pidfd_getfd(&process, fd, PidfdGetfdFlags::empty())
}

/// The same file under an fd that is not the ghost's, for that one must stay free.
fn clear_of(fd: i32, copy: OwnedFd) -> Result<OwnedFd, Outcome> {
    beside(fd, copy).map_err(no_room)
}

/// The same, without a text for the refusal. Does not allocate.
pub(super) fn beside(fd: i32, copy: OwnedFd) -> rustix::io::Result<OwnedFd> {
    if copy.as_raw_fd() != fd {
        return Ok(copy);
    }
    rustix::io::fcntl_dupfd_cloexec(&copy, 0)
}

pub(super) fn no_room(errno: Errno) -> Outcome {
    Outcome::kept(format!("no room for a copy: {errno}"), AGAIN)
}

pub(super) fn refused(what: &str, pid: u32, errno: Errno) -> Outcome {
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

pub(super) fn no_fd(step: &Step, error: &io::Error) -> Outcome {
    Outcome::kept(
        format!("fd {} cannot be used here: {error}", step.fd),
        format!("ulimit -n {} or more", i64::from(step.fd) + 1),
    )
}

/// The tid of this thread. `kcmp` is asked by it, because this thread's table is not its process's.
pub(super) fn own_tid() -> u32 {
    rustix::thread::gettid()
        .as_raw_nonzero()
        .get()
        .cast_unsigned()
}
