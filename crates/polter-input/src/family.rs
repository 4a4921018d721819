//! The files of `strace -ff`, one for each task, merged into one log by their time stamps.
//!
//! ```text
//!   log.100:  T1 epoll_wait(3, [{…}], 8, -1) = 1     ─▶  100 T1 epoll_wait(3,  <unfinished ...>
//!             T4 read(4, "x", 8) = 1                     101 T2 write(5, "x", 1) = 1
//!   log.101:  T2 write(5, "x", 1) = 1                    100 T3 <... epoll_wait resumed>[{…}], 8, -1) = 1
//! ```
//! Each file has a call on one line, with the time at which it began. What waits
//! did so for others: it ends when `-T` says so, or else when its task goes on.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, BufRead, Read};

use crate::member::{FamilyError, Member, Opener, Stamp};

/// So many files at the most are kept open although their time has not come.
const MAX_WAITING: usize = 128;

/// The merged log.
pub struct Family {
    members: Vec<Member>,
    /// The next piece of each member, the earliest first.
    due: BinaryHeap<Reverse<(Stamp, bool, usize)>>,
    ready: Vec<u8>,
    at: usize,
}

impl Family {
    /// Merges the files of these tasks.
    pub fn new(files: Vec<(u32, Opener)>) -> Result<Family, FamilyError> {
        let stays_open = files.len() <= MAX_WAITING;
        let mut family = Family {
            members: Vec::new(),
            due: BinaryHeap::new(),
            ready: Vec::new(),
            at: 0,
        };
        let mut files = files;
        files.sort_by_key(|(pid, _)| *pid);
        for (pid, opener) in files {
            let member = Member::new(pid, opener, stays_open)?;
            if let Some((stamp, is_start)) = member.due() {
                family
                    .due
                    .push(Reverse((stamp, is_start, family.members.len())));
                family.members.push(member);
            }
        }
        Ok(family)
    }

    /// Takes the piece that is due first.
    fn refill(&mut self) -> io::Result<()> {
        self.at = 0;
        let Some(Reverse((_, _, index))) = self.due.pop() else {
            self.ready.clear();
            return Ok(());
        };
        let member = &mut self.members[index];
        self.ready = member.take()?;
        if let Some((stamp, is_start)) = member.due() {
            self.due.push(Reverse((stamp, is_start, index)));
        }
        Ok(())
    }
}

impl BufRead for Family {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at == self.ready.len() {
            if self.due.is_empty() {
                return Ok(&[]);
            }
            self.refill()?;
        }
        Ok(&self.ready[self.at..])
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount;
    }
}

impl Read for Family {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let len = ready.len().min(buffer.len());
        buffer[..len].copy_from_slice(&ready[..len]);
        self.consume(len);
        Ok(len)
    }
}
