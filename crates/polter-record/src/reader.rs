//! Reads the ring in a thread of its own, so that a ghost is told at once, however long it takes to write down what was
//! recorded: the names of the first stack alone take half a second.
//!
//! ```text
//!   ring ─▶ Reader ─▶ Makers ─▶ tell_fn
//!             └─▶ chunks of records ─▶ Recorder ─▶ lines
//! ```

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::kernel::{Programs, Record};
use crate::makers::{MadeGhost, Makers};

/// Records in a chunk.
const AT_ONCE: usize = 1 << 12;

/// Bytes that wait to be written. What comes beyond them is lost to the recording, and tells of ghosts all the same.
const MAX_WAITING: usize = 1 << 25;

/// How long the ring is left alone when it was empty, and nothing is urgent.
const PAUSE: Duration = Duration::from_millis(10);

/// How long it is left alone after a chunk that was full.
const FLOOD: Duration = Duration::from_micros(500);

/// The thread, and what it has read.
pub(crate) struct Reader {
    thread: Option<JoinHandle<(Programs, u32)>>,
    is_over: Arc<AtomicBool>,
    chunks: Receiver<Chunk>,
    /// One that was waited for.
    next: Option<Chunk>,
    /// Bytes that were read and not passed on.
    waiting: Arc<AtomicUsize>,
}

/// Records.
struct Chunk {
    /// Each after its size.
    records: Vec<u8>,
    /// Those that have found no room before them, since the thread began.
    dropped: u32,
}

impl Reader {
    /// Starts the thread, which calls `begin_fn` first. It passes each ghost to `tell_fn` when it reads the record that
    /// makes it.
    pub(crate) fn start(
        mut programs: Programs,
        mut makers: Makers,
        begin_fn: impl FnOnce() + Send + 'static,
        mut tell_fn: impl FnMut(MadeGhost) + Send + 'static,
    ) -> Reader {
        let is_over = Arc::new(AtomicBool::new(false));
        let waiting = Arc::new(AtomicUsize::new(0));
        let (send, chunks) = channel();
        let mut way = Way {
            send,
            waiting: Arc::clone(&waiting),
            dropped: 0,
        };
        let stop = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            begin_fn();
            makers.take().for_each(&mut tell_fn);
            while !stop.load(Ordering::SeqCst) {
                match way.read(&mut programs, &mut makers, &mut tell_fn) {
                    // Without the wait it is asked again and again.
                    0 if programs.wait(PAUSE).is_err() => thread::sleep(PAUSE),
                    // It may be served before others, and leaves them a part of the time.
                    AT_ONCE => thread::sleep(FLOOD),
                    _ => {}
                }
            }
            (programs, way.dropped)
        });
        Reader {
            thread: Some(thread),
            is_over,
            chunks,
            next: None,
            waiting,
        }
    }

    /// Passes on what has been read so far, at most a chunk; returns how many records there were.
    pub(crate) fn drain(&mut self, mut tell_fn: impl FnMut(Record<'_>)) -> usize {
        let Some(chunk) = self.next.take().or_else(|| self.chunks.try_recv().ok()) else {
            return 0;
        };
        self.waiting
            .fetch_sub(chunk.records.len(), Ordering::SeqCst);
        let (mut rest, mut count) = (&chunk.records[..], 0);
        while let Some((size, more)) = rest.split_first_chunk() {
            let (bytes, more) = more.split_at(u32::from_ne_bytes(*size) as usize);
            if let Some(mut record) = Record::read(bytes) {
                record.head.lost = record.head.lost.wrapping_add(chunk.dropped);
                tell_fn(record);
            }
            (rest, count) = (more, count + 1);
        }
        count
    }

    /// Waits until something has been read, at most so long.
    pub(crate) fn wait(&mut self, at_most: Duration) -> io::Result<()> {
        if self.next.is_none() {
            match self.chunks.recv_timeout(at_most) {
                Ok(chunk) => self.next = Some(chunk),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(io::ErrorKind::BrokenPipe.into()),
            }
        }
        Ok(())
    }

    /// Ends the thread. Gives back the programs, and says how many records found no room among those that wait: what is
    /// left of these can still be drained.
    pub(crate) fn stop(&mut self) -> io::Result<(Programs, u32)> {
        self.is_over.store(true, Ordering::SeqCst);
        let ended = self.thread.take().and_then(|it| it.join().ok());
        ended.ok_or_else(|| io::Error::other("the thread that reads the ring has failed"))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
    }
}

/// The way of what is read to the recorder.
struct Way {
    send: Sender<Chunk>,
    waiting: Arc<AtomicUsize>,
    dropped: u32,
}

impl Way {
    /// Reads what is in the ring; returns how many records there were.
    fn read(
        &mut self,
        programs: &mut Programs,
        makers: &mut Makers,
        tell_fn: &mut impl FnMut(MadeGhost),
    ) -> usize {
        let is_full = self.waiting.load(Ordering::SeqCst) > MAX_WAITING;
        let mut records = Vec::new();
        let count = programs.drain_bytes(AT_ONCE, |bytes| {
            if let Some(record) = Record::read(bytes) {
                makers.follow(&record);
                makers.take().for_each(&mut *tell_fn);
            }
            if !is_full {
                // The kernel's records are far smaller than this.
                let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                records.extend_from_slice(&size.to_ne_bytes());
                records.extend_from_slice(bytes);
            }
        });
        makers.look(count == 0);
        makers.take().for_each(tell_fn);
        if is_full {
            self.dropped = self.dropped.wrapping_add(count as u32);
        } else if count > 0 {
            self.waiting.fetch_add(records.len(), Ordering::SeqCst);
            // Nobody reads on where the recording is over.
            let _ = self.send.send(Chunk {
                records,
                dropped: self.dropped,
            });
        }
        count
    }
}
