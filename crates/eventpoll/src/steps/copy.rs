//! A state copied over another one, and a state known again: what a search
//! does for every step.

use super::Stepped;
use crate::Kernel;
use std::hash::{Hash, Hasher};

impl Stepped {
    /// Becomes a copy of another state of the same run, in the memory it has.
    pub fn copy_from(&mut self, other: &Stepped) {
        self.kernel
            .copy_from(&other.kernel, self.plan.leaves_tasks_alone);
        copy_all(&mut self.runners, &other.runners, |to, from| {
            to.stack.clone_from(&from.stack);
            to.work.clone_from(&from.work);
            (to.tid, to.next, to.rcu, to.ret, to.is_gone) =
                (from.tid, from.next, from.rcu, from.ret, from.is_gone);
        });
        self.locks.clone_from(&other.locks);
        self.memory.copy_from(&other.memory);
        self.epoll_refs.clone_from(&other.epoll_refs);
        self.cleared.clone_from(&other.cleared);
        self.marked.clone_from(&other.marked);
        self.edges = other.edges;
        self.story.clone_from(&other.story);
    }

    /// A number that is the same for equal states, and another one for others,
    /// up to an accident of one in 2⁶⁴ for each pair.
    pub fn fingerprint(&self) -> u64 {
        let mut hasher = Folding::default();
        self.kernel
            .hash_changing(&mut hasher, self.plan.leaves_tasks_alone);
        self.runners.hash(&mut hasher);
        self.locks.hash(&mut hasher);
        self.memory.hash(&mut hasher);
        self.epoll_refs.hash(&mut hasher);
        self.cleared.hash(&mut hasher);
        self.marked.hash(&mut hasher);
        self.edges.hash(&mut hasher);
        hasher.finish()
    }

    /// The memory a copy takes, at least.
    pub fn size(&self) -> usize {
        let frames: usize = self.runners.iter().map(|r| r.stack.capacity()).sum();
        size_of::<Stepped>() + frames * size_of::<super::Frame>() + self.kernel.size()
    }
}

fn copy_all<T: Clone>(to: &mut [T], from: &[T], copy_fn: impl Fn(&mut T, &T)) {
    for (to, from) in to.iter_mut().zip(from) {
        copy_fn(to, from);
    }
}

impl Kernel {
    /// Copies what steps change; the tasks only where a call may change them.
    fn copy_from(&mut self, other: &Kernel, leaves_tasks_alone: bool) {
        self.tables.clone_from(&other.tables);
        self.files.clone_from(&other.files);
        self.pipes.clone_from(&other.pipes);
        self.devices.clone_from(&other.devices);
        self.buffers.clone_from(&other.buffers);
        self.epolls.clone_from(&other.epolls);
        self.epitems.clone_from(&other.epitems);
        self.waits.clone_from(&other.waits);
        self.keys.clone_from(&other.keys);
        if !leaves_tasks_alone {
            self.sockets.clone_from(&other.sockets);
            self.sockets_in_flight = other.sockets_in_flight;
            self.is_collection_due = other.is_collection_due;
            self.tasks.clone_from(&other.tasks);
            self.processes.clone_from(&other.processes);
            self.sighands.clone_from(&other.sighands);
            self.pids.clone_from(&other.pids);
            self.next_pid = other.next_pid;
            self.clock.clone_from(&other.clock);
            self.orphans.clone_from(&other.orphans);
        }
    }

    fn hash_changing(&self, state: &mut impl Hasher, leaves_tasks_alone: bool) {
        self.tables.hash(state);
        self.files.hash(state);
        self.pipes.hash(state);
        self.devices.hash(state);
        self.buffers.hash(state);
        self.epolls.hash(state);
        self.epitems.hash(state);
        self.waits.hash(state);
        if !leaves_tasks_alone {
            self.sockets.hash(state);
            self.tasks.hash(state);
            self.processes.hash(state);
            self.sighands.hash(state);
            self.pids.hash(state);
            self.next_pid.hash(state);
            self.clock.hash(state);
        }
    }

    /// The memory of what steps change, at least.
    fn size(&self) -> usize {
        self.files.len() * 64
            + self.epitems.len() * 128
            + self.epolls.len() * 128
            + self.tasks.len() * 256
            + 2048
    }
}

/// Collects what is small into words; multiplies and folds each.
#[derive(Debug, Clone)]
struct Folding {
    folded: u64,
    /// The word that is not full yet, and how many of its bits are.
    word: u64,
    filled: u32,
}

impl Default for Folding {
    fn default() -> Folding {
        Folding {
            folded: 0x9e37_79b9_7f4a_7c15,
            word: 0,
            filled: 0,
        }
    }
}

impl Folding {
    #[inline]
    fn fold(&mut self, word: u64) {
        let product = u128::from(self.folded ^ word) * 0xd6e8_feb8_6659_fd93;
        let folded = (product as u64) ^ ((product >> 64) as u64);
        self.folded = folded ^ self.folded.rotate_left(23);
    }

    #[inline]
    fn push(&mut self, bits: u64, count: u32) {
        if self.filled + count > 64 {
            self.fold(self.word);
            (self.word, self.filled) = (0, 0);
        }
        self.word |= bits << self.filled;
        self.filled += count;
    }

    /// Mostly below 255; what is not is marked and folded whole.
    #[inline]
    fn push_small(&mut self, word: u64) {
        if word < 0xff {
            self.push(word, 8);
        } else {
            self.push(0xff, 8);
            self.write_u64(word);
        }
    }
}

impl Hasher for Folding {
    fn finish(&self) -> u64 {
        let mut last = self.clone();
        last.fold(last.word);
        last.fold(u64::from(last.filled) ^ 0x5851_f42d_4c95_7f2d);
        last.folded
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    #[inline]
    fn write_u8(&mut self, word: u8) {
        self.push(word.into(), 8);
    }

    #[inline]
    fn write_u16(&mut self, word: u16) {
        self.push(word.into(), 16);
    }

    #[inline]
    fn write_u32(&mut self, word: u32) {
        self.push(word.into(), 32);
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        self.push(word & 0xffff_ffff, 32);
        self.push(word >> 32, 32);
    }

    /// Lengths.
    #[inline]
    fn write_usize(&mut self, word: usize) {
        self.push_small(word as u64);
    }

    /// Which variant of an enum.
    #[inline]
    fn write_isize(&mut self, word: isize) {
        self.push_small(word.cast_unsigned() as u64);
    }
}
