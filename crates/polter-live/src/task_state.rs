//! What a task does, as `/proc` tells it.

use crate::sys;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

/// `ESRCH`, from a file of a task that is gone.
const ESRCH: i32 = 3;

/// A number that no call has.
const NO_CALL: i64 = -1;

/// What a task does, at the moment it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TaskState {
    /// It runs, or is about to.
    Running,
    /// It sleeps in this call, until something or a signal wakes it.
    Asleep { nr: i64 },
    /// It sleeps in this call, and no ordinary signal wakes it.
    Uninterruptible { nr: i64 },
    /// A signal has stopped it.
    Stopped,
    /// It has ended, and what it held is released.
    Gone,
}

/// The `/proc` of the tasks' pid namespace.
#[derive(Debug)]
pub(crate) struct Proc(pub(crate) OwnedFd);

/// A task's files in `/proc`, kept open.
#[derive(Debug)]
pub(crate) struct TaskFiles {
    /// Refused if the task had no memory left when it was first looked at.
    syscall: Option<File>,
    stat: File,
}

impl Proc {
    /// Opens a task's files; `None` if it is gone.
    pub(crate) fn task(&self, tid: i32) -> io::Result<Option<TaskFiles>> {
        let open = |name: &str| match self.open(&format!("{tid}/{name}")) {
            Err(error) if is_gone(&error) => Ok(None),
            opened => opened.map(Some),
        };
        let Some(stat) = open("stat")? else {
            return Ok(None);
        };
        let syscall = match open("syscall") {
            Err(error) if is_refused(&error) => None,
            opened => opened?,
        };
        Ok(Some(TaskFiles { syscall, stat }))
    }

    /// The text of a file.
    pub(crate) fn text(&self, path: &str) -> io::Result<String> {
        let mut text = String::new();
        self.open(path)?.read_to_string(&mut text)?;
        Ok(text)
    }

    /// What a task's descriptor names, as far as 64 bytes tell.
    pub(crate) fn link(&self, tid: i32, fd: i32) -> io::Result<[u8; 64]> {
        // Below `task`, where a thread has its own table.
        sys::read_link_at(self.as_fd(), &path(&format!("{tid}/task/{tid}/fd/{fd}")))
    }

    fn open(&self, name: &str) -> io::Result<File> {
        sys::open_at(self.as_fd(), &path(name))
    }

    fn as_fd(&self) -> BorrowedFd<'_> {
        use std::os::fd::AsFd;
        self.0.as_fd()
    }
}

impl TaskFiles {
    /// Reads what the task does.
    ///
    /// `syscall` answers only for a task that is off its CPU for good: one that
    /// has set its state but not yet gone to sleep is waited for. Only `stat`
    /// tells a wait from a wait for a lock.
    pub(crate) fn state(&self) -> io::Result<TaskState> {
        let mut text = [0; 256];
        let nr = match self.read_syscall(&mut text) {
            Err(error) if is_gone(&error) => return Ok(TaskState::Gone),
            // One that ends belongs to root: it has no memory any more.
            Err(error) if is_refused(&error) => NO_CALL,
            Err(error) => return Err(error),
            Ok(len) => match call_number(&text[..len]) {
                None => return Ok(TaskState::Running),
                Some(nr) => nr,
            },
        };
        match self.stat.read_at(&mut text, 0) {
            Err(error) if is_gone(&error) => Ok(TaskState::Gone),
            Err(error) => Err(error),
            Ok(len) => Ok(match state(&text[..len]) {
                Some(b'S') => TaskState::Asleep { nr },
                Some(b'D') => TaskState::Uninterruptible { nr },
                Some(b'T' | b't') => TaskState::Stopped,
                Some(b'Z' | b'X') => TaskState::Gone,
                _ => TaskState::Running,
            }),
        }
    }

    fn read_syscall(&self, text: &mut [u8]) -> io::Result<usize> {
        match &self.syscall {
            Some(file) => file.read_at(text, 0),
            None => Err(io::ErrorKind::PermissionDenied.into()),
        }
    }

    /// What the files say, for a person to read.
    pub(crate) fn tell(&self) -> String {
        let read = |file: &File| {
            let mut text = [0; 256];
            let len = file.read_at(&mut text, 0).unwrap_or(0);
            String::from_utf8_lossy(&text[..len]).trim_end().to_owned()
        };
        let state = read(&self.stat);
        let state = state.rsplit(')').next().unwrap_or_default().trim();
        format!(
            "state {}, syscall {}",
            state.chars().next().unwrap_or('?'),
            self.syscall.as_ref().map_or("refused".to_owned(), read)
        )
    }
}

/// The first word of `/proc/PID/syscall`, if it is a number.
fn call_number(text: &[u8]) -> Option<i64> {
    let word = text.split(u8::is_ascii_whitespace).next()?;
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// The state's letter of `/proc/PID/stat`: it follows the name, which may hold anything.
fn state(text: &[u8]) -> Option<u8> {
    let end_of_name = text.iter().rposition(|byte| *byte == b')')?;
    text.get(end_of_name + 2).copied()
}

fn is_gone(error: &io::Error) -> bool {
    error.raw_os_error() == Some(ESRCH) || error.kind() == io::ErrorKind::NotFound
}

fn is_refused(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}

fn path(name: &str) -> CString {
    CString::new(name).expect("a path of /proc has no NUL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_is_the_first_word() {
        assert_eq!(call_number(b"232 0x3 0x0 0x8\n"), Some(232));
        assert_eq!(call_number(b"-1 0x0 0x0\n"), Some(-1));
        assert_eq!(call_number(b"running\n"), None);
    }

    #[test]
    fn the_state_follows_the_name() {
        assert_eq!(state(b"7 (a) R (b) S 1 7"), Some(b'S'));
        assert_eq!(state(b""), None);
    }
}
