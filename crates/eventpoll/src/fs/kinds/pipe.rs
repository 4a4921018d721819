//! Pipes: a ring of pages with two ends.

use crate::abi::{Out, Return, flags};
use crate::fs::{File, FileKind, PipeEnd};
use crate::store::{Fd, FileId, PipeId, QueueId, Tid};
use crate::task::{SIGPIPE, Scope};
use crate::wait::Limit;
use crate::{Errno, Events, Kernel};
use std::collections::VecDeque;

/// Bytes in one slot of the ring.
const PAGE: u32 = 4096;
/// Slots of a new pipe. Linux: `PIPE_DEF_BUFFERS`.
const DEFAULT_SLOTS: u32 = 16;
/// What an unprivileged program may ask for. Linux: `pipe_max_size`.
const MAX_BYTES: u32 = 1 << 20;

/// What both ends share. Linux: `struct pipe_inode_info`.
#[derive(Debug, Clone, Hash)]
pub(crate) struct Pipe {
    slots: VecDeque<PipeBuffer>,
    capacity: u32,
    readers: u32,
    writers: u32,
    read_queue: QueueId,
    write_queue: QueueId,
    /// Somebody has polled the pipe, so every write is a new edge. Linux: `poll_usage`.
    is_polled: bool,
}

/// One filled slot. Linux: `struct pipe_buffer`.
#[derive(Debug, Clone, Copy, Hash)]
struct PipeBuffer {
    offset: u32,
    len: u32,
    is_packet: bool,
}

impl Pipe {
    pub(crate) fn queue(&self, end: PipeEnd) -> QueueId {
        match end {
            PipeEnd::Read => self.read_queue,
            PipeEnd::Write => self.write_queue,
        }
    }

    /// How many of its ends are open.
    pub(crate) fn ends(&self) -> u32 {
        self.readers + self.writers
    }

    #[inline]
    fn poll(&self, end: PipeEnd) -> Events {
        let mut ready = Events::empty();
        match end {
            PipeEnd::Read => {
                ready.set(Events::READABLE, !self.slots.is_empty());
                ready.set(Events::HUP, self.writers == 0);
            }
            PipeEnd::Write => {
                ready.set(Events::WRITABLE, !self.is_full());
                ready.set(Events::ERR, self.readers == 0);
            }
        }
        ready
    }

    /// What it holds and who is left, as words.
    pub(crate) fn write_state(&self, words: &mut Vec<u32>) {
        let Pipe {
            ref slots,
            capacity,
            readers,
            writers,
            is_polled,
            ..
        } = *self;
        words.extend([capacity, readers, writers, is_polled.into()]);
        words.push(slots.len() as u32);
        for slot in slots {
            words.extend([slot.offset, slot.len, slot.is_packet.into()]);
        }
    }

    pub(crate) fn available(&self) -> u32 {
        self.slots.iter().map(|slot| slot.len).sum()
    }

    fn is_full(&self) -> bool {
        self.slots.len() as u32 >= self.capacity
    }

    /// Takes bytes out; says how many, and whether a full ring got room.
    fn take(&mut self, len: u64) -> (u64, bool) {
        let (mut taken, mut has_made_room) = (0, false);
        while taken < len
            && let Some(slot) = self.slots.front_mut()
        {
            let part = u64::from(slot.len).min(len - taken) as u32;
            slot.len -= part;
            slot.offset += part;
            taken += u64::from(part);
            let is_packet = slot.is_packet;
            // What is left of a packet is lost.
            if slot.len == 0 || is_packet {
                has_made_room |= self.slots.len() as u32 >= self.capacity;
                self.slots.pop_front();
            }
            if is_packet {
                break;
            }
        }
        (taken, has_made_room)
    }

    /// Puts bytes in, as many as fit; says how many.
    fn put(&mut self, len: u64, is_packet: bool, may_merge: bool) -> u64 {
        let mut put = 0;
        // The odd bytes go behind what is in the last page already.
        let odd = (len % u64::from(PAGE)) as u32;
        if may_merge
            && odd > 0
            && let Some(last) = self.slots.back_mut()
            && !last.is_packet
            && last.offset + last.len + odd <= PAGE
        {
            last.len += odd;
            put = u64::from(odd);
        }
        while put < len && !self.is_full() {
            let part = (len - put).min(PAGE.into()) as u32;
            self.slots.push_back(PipeBuffer {
                offset: 0,
                len: part,
                is_packet,
            });
            put += u64::from(part);
        }
        put
    }
}

/// How far a `write(2)` to a pipe has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct PipeWrite {
    pub(crate) written: u64,
    has_started: bool,
    has_slept: bool,
    /// By the last try.
    pub(crate) has_told_reader: bool,
    /// In the last try.
    pub(crate) has_found_room: bool,
}

impl Kernel {
    /// `pipe2(2)`. Linux: `do_pipe2`.
    pub fn pipe2(&mut self, caller: Tid, flags: u32) -> Result<[Fd; 2], Errno> {
        if flags & !(flags::O_CLOEXEC | flags::O_NONBLOCK | flags::O_DIRECT) != 0 {
            return Err(Errno::EINVAL);
        }
        self.room_for_fds(caller, 2)?;
        let pipe = self.pipes.insert(Pipe {
            slots: VecDeque::new(),
            capacity: DEFAULT_SLOTS,
            readers: 1,
            writers: 1,
            read_queue: self.waits.create(),
            write_queue: self.waits.create(),
            is_polled: false,
        });
        let reader = FileKind::Pipe {
            pipe,
            end: PipeEnd::Read,
        };
        // Linux keeps O_DIRECT on the writing end only.
        let reader =
            self.install_new(caller, reader, flags & !flags::O_DIRECT | flags::O_RDONLY)?;
        let writer = FileKind::Pipe {
            pipe,
            end: PipeEnd::Write,
        };
        let writer = self.install_new(caller, writer, flags | flags::O_WRONLY)?;
        Ok([reader, writer])
    }

    /// Linux: `pipe_poll`.
    #[inline]
    pub(crate) fn poll_pipe(&mut self, pipe: PipeId, end: PipeEnd) -> Events {
        let state = &mut self.pipes[pipe];
        state.is_polled = true;
        state.poll(end)
    }

    /// One try of a read; `None` if it must wait. Linux: `anon_pipe_read`.
    pub(crate) fn try_read_pipe(&mut self, pipe: PipeId, len: u64, has_slept: bool) -> Option<u64> {
        if len == 0 {
            return Some(0);
        }
        let wakes_in_vain = self.version.wakes_writers_in_vain() && self.pipes[pipe].is_full();
        let (taken, has_made_room) = self.pipes[pipe].take(len);
        let state = &self.pipes[pipe];
        if taken == 0 && state.writers > 0 {
            return None;
        }
        let (read_queue, write_queue) = (state.read_queue, state.write_queue);
        let has_more = !state.slots.is_empty();
        if has_made_room || wakes_in_vain {
            self.wake(write_queue, Limit::One, Events::WRITABLE);
        }
        if has_slept && has_more {
            self.wake(read_queue, Limit::One, Events::READABLE);
        }
        Some(taken)
    }

    /// One try of a write: `Some` when it ends, else it must wait for room.
    /// Linux: `anon_pipe_write`.
    pub(crate) fn try_write_pipe(
        &mut self,
        caller: Tid,
        pipe: PipeId,
        len: u64,
        is_packet: bool,
        so_far: &mut PipeWrite,
    ) -> Option<Result<u64, Errno>> {
        if len == 0 {
            return Some(Ok(0));
        }
        let state = &mut self.pipes[pipe];
        let read_queue = state.read_queue;
        if state.readers == 0 {
            // Whatever was written before.
            self.send_signal(caller, SIGPIPE, Scope::Thread);
            let written = so_far.written;
            return Some(if written > 0 {
                Ok(written)
            } else {
                Err(Errno::EPIPE)
            });
        }
        let was_empty = state.slots.is_empty();
        let may_merge = !so_far.has_started && !was_empty;
        let put = state.put(len - so_far.written, is_packet, may_merge);
        so_far.written += put;
        so_far.has_found_room = put > 0;
        so_far.has_started = true;
        let is_done = so_far.written == len;
        so_far.has_told_reader = was_empty || (is_done && self.pipes[pipe].is_polled);
        if so_far.has_told_reader {
            self.wake(read_queue, Limit::One, Events::READABLE);
        }
        if !is_done {
            so_far.has_slept = true;
            return None;
        }
        self.end_pipe_write(pipe, so_far);
        Some(Ok(so_far.written))
    }

    /// A write gave up waiting for room: news for the reader all the same.
    pub(crate) fn stop_pipe_write(&mut self, pipe: PipeId, so_far: &PipeWrite) {
        let state = &self.pipes[pipe];
        // It was told already if it found the pipe empty.
        if state.is_polled && !so_far.has_told_reader {
            let read_queue = state.read_queue;
            self.wake(read_queue, Limit::One, Events::READABLE);
        }
    }

    fn end_pipe_write(&mut self, pipe: PipeId, so_far: &PipeWrite) {
        let state = &self.pipes[pipe];
        if so_far.has_slept && !state.is_full() {
            let write_queue = state.write_queue;
            self.wake(write_queue, Limit::One, Events::WRITABLE);
        }
    }

    /// An end is gone; the other one's waiters hear of it. Linux: `pipe_release`.
    pub(crate) fn release_pipe(&mut self, pipe: PipeId, end: PipeEnd) {
        let state = &mut self.pipes[pipe];
        match end {
            PipeEnd::Read => state.readers -= 1,
            PipeEnd::Write => state.writers -= 1,
        }
        let (read_queue, write_queue) = (state.read_queue, state.write_queue);
        if (state.readers == 0) != (state.writers == 0) {
            self.wake(read_queue, Limit::All, Events::empty());
            self.wake(write_queue, Limit::All, Events::empty());
        } else {
            self.pipes.remove(pipe);
            self.waits.destroy(read_queue);
            self.waits.destroy(write_queue);
        }
    }

    /// `fcntl(F_SETPIPE_SZ)`: rounded up to a power of two pages.
    pub(crate) fn set_pipe_size(&mut self, file: FileId, bytes: u32) -> Result<Return, Errno> {
        let pipe = self.pipe_of(file)?;
        if bytes > 1 << 31 {
            return Err(Errno::EINVAL);
        }
        let size = bytes.max(PAGE).next_power_of_two();
        if size > MAX_BYTES && size / PAGE > self.pipes[pipe].capacity {
            return Err(Errno::EPERM);
        }
        let state = &mut self.pipes[pipe];
        if (state.slots.len() as u32) > size / PAGE {
            return Err(Errno::EBUSY);
        }
        state.capacity = size / PAGE;
        // There may be more room now; Linux does not look.
        let write_queue = state.write_queue;
        self.wake(write_queue, Limit::One, Events::empty());
        Ok(Return::value(size.into()))
    }

    /// `fcntl(F_GETPIPE_SZ)`.
    pub(crate) fn pipe_size(&self, file: FileId) -> Result<Return, Errno> {
        let pipe = self.pipe_of(file)?;
        Ok(Return::value((self.pipes[pipe].capacity * PAGE).into()))
    }

    fn pipe_of(&self, file: FileId) -> Result<PipeId, Errno> {
        match self.files[file].kind {
            FileKind::Pipe { pipe, .. } => Ok(pipe),
            _ => Err(Errno::EBADF),
        }
    }
}

impl File {
    /// True for the writing end of a pipe of packets.
    pub(crate) fn is_packet_pipe(&self) -> bool {
        self.flags & flags::O_DIRECT != 0
    }
}

impl From<[Fd; 2]> for Return {
    fn from(pair: [Fd; 2]) -> Return {
        Return::with(0, Out::Pair(pair))
    }
}
