//! A recording under way: from the ring into a file.

use std::io::{self, Write};
use std::mem;
use std::time::{Duration, Instant};

use polter_bpf::Refusal;
use rustc_hash::FxHashSet;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use crate::changes::Change;
use crate::kernel::{Programs, Record, Scope, What};
use crate::makers::{MadeGhost, Makers};
use crate::reader::Reader;
use crate::tasks::Tasks;
use crate::text::Writer;

/// Records that are read before the file is written to.
const AT_ONCE: usize = 1 << 14;

/// How often it is asked whether processes are there.
const LOOK: Duration = Duration::from_secs(1);

/// Records what some processes do.
pub struct Recorder<W: Write> {
    source: Source,
    sink: Sink<W>,
    /// When it was last asked whether those that are alive are still there.
    looked: Instant,
}

/// Who reads the ring.
enum Source {
    /// This thread.
    Here(Box<Programs>),
    /// A thread of its own.
    Apart(Reader),
}

/// Where records go.
struct Sink<W> {
    writer: Writer<W>,
    /// The processes that are alive, as far as records say; nobody where no process was named.
    alive: FxHashSet<u32>,
    /// Whether it is over when nobody of those who were named is left.
    has_end: bool,
    tasks: Tasks,
    has_executed: bool,
    /// Follows who made which registration, if somebody wants to know.
    makers: Option<Makers>,
    /// The first error of the file.
    written: io::Result<()>,
}

/// What a recording holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// Lines written.
    pub lines: u64,
    /// Records that found no room in the ring: the recording says where.
    pub lost: u64,
    /// Calls of 32-bit programs, which are not recorded.
    pub foreign: u64,
}

impl<W: Write> Recorder<W> {
    /// Begins to record. `header` is the recording's first line, without its `#`.
    ///
    /// # Errors
    ///
    /// The kernel's refusal; or that of the file, as [`Refusal::Unreadable`].
    pub fn start(scope: &Scope, out: W, header: &str) -> Result<Recorder<W>, Refusal> {
        let writer = Writer::new(out, header)?;
        let alive = match scope {
            Scope::Processes { pids, .. } => pids.iter().copied().collect(),
            _ => FxHashSet::default(),
        };
        Ok(Recorder {
            source: Source::Here(Box::new(Programs::start(scope)?)),
            sink: Sink {
                writer,
                alive,
                has_end: matches!(scope, Scope::Processes { .. }),
                tasks: Tasks::default(),
                has_executed: false,
                makers: None,
                written: Ok(()),
            },
            looked: Instant::now(),
        })
    }

    /// Writes what has been recorded so far, or the first part of it; returns whether there is more.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn drain(&mut self) -> io::Result<bool> {
        let sink = &mut self.sink;
        let is_more = match &mut self.source {
            Source::Here(programs) => {
                programs.drain(AT_ONCE, |record| sink.take(&record)) == AT_ONCE
            }
            Source::Apart(reader) => reader.drain(|record| sink.take(&record)) > 0,
        };
        sink.tell_ended(!is_more);
        sink.flush()?;
        Ok(is_more)
    }

    /// Reads what has been recorded so far and writes nothing of it: the changes, in order. A snapshot that was taken
    /// since the recording began is as of now, once they are made to it.
    ///
    /// # Errors
    ///
    /// The kernel's. None is read once a thread of its own reads them.
    pub fn skip(&mut self) -> Result<Vec<Change>, Refusal> {
        let mut changes = Vec::new();
        if let Source::Here(programs) = &mut self.source {
            programs.turn()?;
            programs.drain(usize::MAX, |record| {
                self.sink.skip(&record);
                changes.extend(Change::of(&record).into_iter().flatten());
            });
        }
        Ok(changes)
    }

    /// Knows tasks of whom the text of comments tells: if their ends are lost, that is told as of any other's.
    pub fn know(&mut self, tids: impl Iterator<Item = u32>) {
        self.sink.tasks.know(tids);
    }

    /// Writes a text of comments, each line with its `#`.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn comment(&mut self, text: &str) -> io::Result<()> {
        self.sink.writer.comment(text)
    }

    /// Waits for something that cannot wait: the making of a ghost, or of an instance; at most so long.
    ///
    /// # Errors
    ///
    /// Those of poll(2).
    pub fn wait(&mut self, at_most: Duration) -> io::Result<()> {
        match &mut self.source {
            Source::Here(programs) => programs.wait(at_most),
            Source::Apart(reader) => reader.wait(at_most),
        }
    }

    /// Whether a process that was asked for, or a child that is followed, is still alive; always true where no process
    /// was named.
    pub fn is_anybody_alive(&mut self) -> bool {
        // The record of an end may have been lost.
        if self.sink.has_end && self.looked.elapsed() >= LOOK {
            self.looked = Instant::now();
            self.sink.alive.retain(|pid| is_there(*pid));
        }
        !self.sink.has_end || !self.sink.alive.is_empty()
    }

    /// Whether some process has begun to run a program: a command that cannot be started has not.
    pub fn has_executed(&self) -> bool {
        self.sink.has_executed
    }

    /// From now on it follows who makes which registration.
    pub fn follow_makers(&mut self) {
        self.sink.makers = Some(Makers::default());
    }

    /// From now on a thread of its own reads the ring. It calls `begin_fn` first, and passes each ghost to `tell_fn` when it
    /// is made, those too that have been made since [`follow_makers`](Recorder::follow_makers). Nothing is told without
    /// that.
    pub fn tell_ghosts(
        self,
        begin_fn: impl FnOnce() + Send + 'static,
        tell_fn: impl FnMut(MadeGhost) + Send + 'static,
    ) -> Recorder<W> {
        let Recorder {
            source, mut sink, ..
        } = self;
        let source = match (source, sink.makers.take()) {
            (Source::Here(programs), Some(makers)) => {
                Source::Apart(Reader::start(*programs, makers, begin_fn, tell_fn))
            }
            (source, _) => source,
        };
        Recorder {
            source,
            sink,
            ..self
        }
    }

    /// Where it writes to.
    pub fn out_mut(&mut self) -> &mut W {
        &mut self.sink.writer.out
    }

    /// Ends the recording; says what it holds, and gives back where it was written to.
    ///
    /// # Errors
    ///
    /// Those of the file, or of the kernel's counts.
    pub fn finish(mut self) -> Result<(Told, W), Refusal> {
        let sink = &mut self.sink;
        let (mut programs, dropped) = match self.source {
            Source::Here(programs) => (*programs, 0),
            Source::Apart(mut reader) => {
                let ended = reader.stop()?;
                while reader.drain(|record| sink.take(&record)) > 0 {}
                ended
            }
        };
        programs.detach();
        programs.drain(usize::MAX, |mut record| {
            record.head.lost = record.head.lost.wrapping_add(dropped);
            sink.take(&record);
        });
        sink.flush()?;
        let mut totals = programs.totals()?;
        totals.lost += u64::from(dropped);
        // After the last record nothing else says it; and what 32-bit programs did is as good as lost.
        sink.writer.lose((totals.lost + totals.foreign) as u32)?;
        let told = Told {
            lines: sink.writer.lines,
            lost: totals.lost,
            foreign: totals.foreign,
        };
        let mut last = format!("polter: {} lines, {} records lost", told.lines, told.lost);
        if told.foreign > 0 {
            last += &format!(", {} calls of 32-bit programs not recorded", told.foreign);
        }
        Ok((told, self.sink.writer.finish(&last)?))
    }
}

/// True if a process has this number.
fn is_there(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

impl<W: Write> Sink<W> {
    fn take(&mut self, record: &Record<'_>) {
        self.note(record);
        self.has_executed |= record.head.what == What::Exec;
        if self.written.is_ok() {
            self.written = self.writer.write(record);
        }
    }

    fn skip(&mut self, record: &Record<'_>) {
        self.note(record);
        self.writer.skip(record);
    }

    /// Writes the ends that were lost. With `is_empty`, all was read that is recorded.
    fn tell_ended(&mut self, is_empty: bool) {
        let ended = self.tasks.ended(is_empty);
        if !ended.is_empty() && self.written.is_ok() {
            self.written = self.writer.end_unseen(&ended, self.tasks.newest());
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        mem::replace(&mut self.written, Ok(()))?;
        self.writer.flush()
    }

    fn note(&mut self, record: &Record<'_>) {
        if self.has_end {
            note_life(&mut self.alive, record);
        }
        self.tasks.follow(record);
        if let Some(makers) = &mut self.makers {
            makers.follow(record);
        }
    }
}

/// Follows births and ends.
fn note_life(alive: &mut FxHashSet<u32>, record: &Record<'_>) {
    let Some(call) = &record.call else {
        return;
    };
    match record.head.what {
        What::Fork => {
            alive.insert(call.arguments[1] as u32);
        }
        What::Gone if call.arguments[1] == 0 => {
            alive.remove(&record.head.pid);
        }
        _ => {}
    }
}
