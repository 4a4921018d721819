//! Which files a call heeds. `detect::unheeded` asks whether an event was ever answered.

use crate::input::fd_at;
use crate::judge::Judge;
use crate::state::{ALWAYS, MAX_REMEMBERED};
use eventpoll::{Fd, Tid};
use polter_trace::Args;

impl Judge {
    /// A call has ended, or a close has begun: notes the files it is about, and what it may have taken or made ready.
    pub(super) fn note_heed(&mut self, tid: Tid, name: &str, args: Args<'_>, line: u64) {
        let fd_arg = |at: usize| fd_at(args, at);
        let first = fd_arg(0);
        let other = match name {
            "sendfile" | "tee" => fd_arg(1),
            "splice" | "copy_file_range" | "epoll_ctl" => fd_arg(2),
            "mmap" | "mmap2" => {
                if let Some(file) = fd_arg(4).and_then(|fd| self.worlds.base().fd(tid, fd)) {
                    self.heed.note_call(file, ALWAYS);
                }
                return;
            }
            "io_uring_setup" | "io_uring_enter" => {
                self.heed.has_ring = true;
                return;
            }
            _ => None,
        };
        for fd in [first, other].into_iter().flatten() {
            if let Some(file) = self.worlds.base().fd(tid, fd) {
                self.heed.note_call(file, line);
            }
        }
        match name {
            "read" | "readv" | "pread64" | "preadv" | "preadv2" | "recv" | "recvfrom"
            | "recvmsg" | "recvmmsg" | "accept" | "accept4" | "ioctl" | "splice" | "tee"
            | "sendfile" | "close" | "shutdown" | "connect" | "epoll_ctl" | "waitid" => {
                let table = self.process_and_table(tid).1;
                if self.heed.taken.len() < MAX_REMEMBERED || self.heed.taken.contains_key(&table) {
                    self.heed.taken.insert(table, line);
                }
            }
            "write" | "writev" | "pwrite64" | "pwritev" | "pwritev2" | "send" | "sendto"
            | "sendmsg" | "sendmmsg" | "timerfd_settime" | "kill" | "tkill" | "tgkill"
                // Output to a terminal or a log makes no fd of the program ready.
                if !matches!(first, Some(Fd(1 | 2))) =>
            {
                self.heed.put = line;
            }
            _ => {}
        }
    }
}
