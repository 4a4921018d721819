//! Whether an fd names the ghost's file in one of the tables that count.

use std::io;

use super::copies::own_tid;
use super::plan::{Outcome, Step};
use crate::proc::Proc;
use crate::sys;

/// The tables that count for one step, each by one of its tasks.
pub(super) struct Tables {
    tasks: Vec<u32>,
}

impl Tables {
    /// The tables that hold the instance, and those of threads with one of their own, but for
    /// excused ones.
    pub(super) fn of(step: &Step) -> Tables {
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

    /// The tables of these processes, and those of their threads with one of their own.
    pub(super) fn of_processes(pids: &[u32]) -> Tables {
        let with_threads = |pid: &u32| std::iter::once(*pid).chain(threads_apart(*pid));
        Tables {
            tasks: pids.iter().flat_map(with_threads).collect(),
        }
    }

    /// True if `fd` names the file in one of them; somebody has the file under `held`.
    pub(super) fn name(&self, fd: i32, held: (u32, i32)) -> Result<bool, Untold> {
        for &task in &self.tasks {
            match sys::kcmp_file(held, (task, fd)) {
                Ok(order) if order.is_eq() => return Ok(true),
                Ok(_) => {}
                Err(error) => match error.raw_os_error() {
                    // The fd is closed there, or the process has ended and its table with it.
                    Some(libc::EBADF | libc::ESRCH) => {}
                    errno => return Err(Untold { task, errno }),
                },
            }
        }
        Ok(false)
    }
}

/// A table that cannot be asked what an fd means in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Untold {
    task: u32,
    errno: Option<i32>,
}

impl Untold {
    /// The outcome in words.
    pub(super) fn outcome(self, fd: i32) -> Outcome {
        let Untold { task, errno } = self;
        let why = errno.map_or(io::ErrorKind::Other.into(), io::Error::from_raw_os_error);
        Outcome::kept(
            format!("what {fd} means in process {task} cannot be told: {why}"),
            "run as root, or with CAP_SYS_PTRACE, where kcmp(2) is permitted",
        )
    }
}

/// The threads whose table is not their process's (`unshare(CLONE_FILES)`), but for this thread,
/// which has one for the removal.
fn threads_apart(pid: u32) -> Vec<u32> {
    let tids = Proc::live().threads(pid).unwrap_or_default();
    let is_apart = |tid: &u32| {
        let is_other_thread = *tid != pid && *tid != own_tid();
        is_other_thread && sys::kcmp_table(pid, *tid).is_ok_and(std::cmp::Ordering::is_ne)
    };
    tids.into_iter().filter(is_apart).collect()
}
