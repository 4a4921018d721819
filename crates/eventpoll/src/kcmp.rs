//! `kcmp(2)`: the honest way to ask "is this one file?".

use crate::ids::{Fd, FileId, Pid, Tid};
use crate::syscall::Kcmp;
use crate::{Errno, Kernel};

impl Kernel {
    /// `kcmp(2)`. 0 if the two are the same, 1 or 2 for their order if not,
    /// an order that means nothing else.
    pub fn kcmp(&self, pid1: Pid, pid2: Pid, what: Kcmp) -> Result<i64, Errno> {
        let task1 = self.tid(pid1).ok_or(Errno::ESRCH)?;
        let task2 = self.tid(pid2).ok_or(Errno::ESRCH)?;
        match what {
            Kcmp::Files => Ok(order(&self.tasks[task1].table, &self.tasks[task2].table)),
            Kcmp::File { fd1, fd2 } => {
                let file1 = self.raw_file_at(task1, fd1)?;
                Ok(order(&file1, &self.raw_file_at(task2, fd2)?))
            }
            Kcmp::EpollTfd {
                fd1,
                efd,
                tfd,
                toff,
            } => {
                let file = self.raw_file_at(task1, fd1)?;
                Ok(order(&file, &self.epoll_target(task2, efd, tfd, toff)?))
            }
        }
    }

    /// The file of the `toff`-th registration of number `tfd`.
    /// Linux: `get_epoll_tfile_raw_ptr`.
    fn epoll_target(&self, task: Tid, efd: Fd, tfd: Fd, toff: u32) -> Result<FileId, Errno> {
        let file = self.raw_file_at(task, efd)?;
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
