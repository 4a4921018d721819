//! `kcmp(2)`: the honest way to ask "is this one file?".

use super::process::Numbered;
use crate::abi::Kcmp;
use crate::store::{Fd, FileId, Pid, SighandId, TableId, Tid};
use crate::{Errno, Kernel};

/// Compares signal handlers. The memory, the working directory and the like
/// are not modelled, and refused as unknown.
const KCMP_SIGHAND: i32 = 4;

impl Kernel {
    /// `kcmp(2)`. 0 if the two are the same, 1 or 2 for their order if not,
    /// an order that means nothing else.
    pub fn kcmp(&self, pid1: Pid, pid2: Pid, what: Kcmp) -> Result<i64, Errno> {
        let numbered1 = *self.pids.get(&pid1).ok_or(Errno::ESRCH)?;
        let numbered2 = *self.pids.get(&pid2).ok_or(Errno::ESRCH)?;
        let (task1, task2) = (numbered1.task, numbered2.task);
        match what {
            Kcmp::Files => Ok(order(&self.table_of(task1), &self.table_of(task2))),
            Kcmp::File { fd1, fd2 } => {
                let file1 = self.file_in(task1, fd1)?;
                Ok(order(&file1, &self.file_in(task2, fd2)?))
            }
            Kcmp::EpollTfd {
                fd1,
                efd,
                tfd,
                toff,
            } => {
                let file = self.file_in(task1, fd1)?;
                Ok(order(&file, &self.epoll_target(task2, efd, tfd, toff)?))
            }
            Kcmp::Other(KCMP_SIGHAND) => {
                let [handlers1, handlers2] = [numbered1, numbered2].map(|n| self.handlers_of(n));
                Ok(order(&handlers1, &handlers2))
            }
            Kcmp::Other(_) => Err(Errno::EINVAL),
        }
    }

    /// A task that has ended has no table any more: nothing is open in it.
    fn table_of(&self, task: Option<Tid>) -> Option<TableId> {
        Some(self.tasks[task?].table)
    }

    /// Those stay until the process is reaped.
    fn handlers_of(&self, numbered: Numbered) -> SighandId {
        match numbered.task {
            Some(task) => self.tasks[task].sighand,
            None => self.processes[numbered.process].sighand,
        }
    }

    fn file_in(&self, task: Option<Tid>, fd: Fd) -> Result<FileId, Errno> {
        self.raw_file_at(task.ok_or(Errno::EBADF)?, fd)
    }

    /// The file of the `toff`-th registration of fd `tfd`.
    /// Linux: `get_epoll_tfile_raw_ptr`.
    fn epoll_target(
        &self,
        task: Option<Tid>,
        efd: Fd,
        tfd: Fd,
        toff: u32,
    ) -> Result<FileId, Errno> {
        let file = self.file_in(task, efd)?;
        let epoll = self.files[file].epoll().ok_or(Errno::EINVAL)?;
        let of_number = self
            .epitems_of(epoll)
            .into_iter()
            .filter(|id| self.epitems[*id].fd == tfd);
        // In the order of the tree: by file, as fdinfo lists them.
        let mut files: Vec<FileId> = of_number.map(|id| self.epitems[id].file).collect();
        files.sort_unstable();
        files.get(toff as usize).copied().ok_or(Errno::ENOENT)
    }
}

fn order<T: Ord>(a: &T, b: &T) -> i64 {
    match a.cmp(b) {
        std::cmp::Ordering::Equal => 0,
        std::cmp::Ordering::Less => 1,
        std::cmp::Ordering::Greater => 2,
    }
}
