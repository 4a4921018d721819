//! Since when somebody has a file that was there before anybody asked.

use super::processes::Processes;
use crate::input::fd_at;
use crate::judge::Judge;
use crate::verdict::KeptBy;
use eventpoll::{Fd, FileId};
use polter_trace::Call;
use rustc_hash::FxHashMap;

/// Most copies remembered.
const MOST: usize = 1 << 16;

/// The lines on which fds were copied within a process.
#[derive(Debug, Default)]
pub(super) struct Copies {
    lines: FxHashMap<(FileId, u32, i32), u64>,
}

impl Copies {
    /// A call has ended: a copy of an fd is remembered.
    pub(super) fn note(&mut self, judge: &Judge, task: u32, pid: u32, line: u64, call: &Call<'_>) {
        let new = match call.name {
            "dup" | "dup2" | "dup3" => call.returned.number(),
            "fcntl"
                if call
                    .args
                    .get(1)
                    .is_some_and(|arg| arg.raw.starts_with(b"F_DUPFD")) =>
            {
                call.returned.number()
            }
            _ => None,
        };
        let new = new.filter(|_| fd_at(call.args, 0).is_some());
        let new = new.and_then(|new| i32::try_from(new).ok());
        let tid = judge.tasks.tid(task);
        let file = new
            .zip(tid)
            .and_then(|(new, tid)| judge.worlds.base().fd(tid, Fd(new)));
        if let Some((file, new)) = file.zip(new) {
            if self.lines.len() >= MOST {
                self.lines.clear();
            }
            self.lines.insert((file, pid, new), line);
        }
    }

    /// Its maker has it since it was made, a copy since the call, a child since its birth; others since nobody knows when.
    pub(super) fn since(
        &self,
        judge: &Judge,
        processes: &Processes,
        file: FileId,
        who: &KeptBy,
    ) -> Option<u64> {
        let made = judge.labels.get(file);
        let KeptBy::Fd { pid, fd } = *who else {
            return None;
        };
        if let Some(made) = made.filter(|made| (made.pid, made.fd.0) == (pid, fd)) {
            return made.line;
        }
        let line = made.and_then(|made| made.line);
        let copied = self.lines.get(&(file, pid, fd)).copied();
        copied
            .filter(|copied| Some(*copied) >= line)
            .or_else(|| processes.born(pid).filter(|born| Some(*born) >= line))
    }
}
