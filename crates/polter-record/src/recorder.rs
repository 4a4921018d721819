//! A recording under way: from the ring into a file.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use polter_bpf::Refusal;
use rustc_hash::FxHashSet;
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

use crate::changes::Change;
use crate::kernel::{Programs, Record, Scope, What};
use crate::makers::{MadeGhost, Makers};
use crate::text::Writer;

/// Records that are read before the file is written to.
const AT_ONCE: usize = 1 << 14;

/// How often it is asked whether processes are there.
const LOOK: Duration = Duration::from_secs(1);

/// Records what some processes do.
pub struct Recorder<W: Write> {
    programs: Programs,
    writer: Writer<W>,
    /// The processes that are alive, as far as records say.
    alive: FxHashSet<u32>,
    has_executed: bool,
    /// Whether it is over when nobody of those who were named is left.
    has_end: bool,
    /// When it was last asked whether those that are alive are still there.
    looked: Instant,
    /// Follows who made which registration, if somebody wants to know.
    makers: Option<Makers>,
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
            programs: Programs::start(scope)?,
            writer,
            alive,
            has_executed: false,
            has_end: matches!(scope, Scope::Processes { .. }),
            looked: Instant::now(),
            makers: None,
        })
    }

    /// Writes what has been recorded so far, or the first part of it; returns whether there is more.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn drain(&mut self) -> io::Result<bool> {
        let (writer, alive) = (&mut self.writer, &mut self.alive);
        let has_executed = &mut self.has_executed;
        let makers = &mut self.makers;
        let mut written = Ok(());
        let count = self.programs.drain(AT_ONCE, |record| {
            note_life(alive, &record);
            if let Some(makers) = makers {
                makers.follow(&record);
            }
            *has_executed |= record.head.what == What::Exec;
            if written.is_ok() {
                written = writer.write(&record);
            }
        });
        written?;
        self.writer.flush()?;
        Ok(count == AT_ONCE)
    }

    /// Reads what has been recorded so far and writes nothing of it: the changes, in order. A snapshot that was taken
    /// since the recording began is as of now, once they are made to it.
    ///
    /// # Errors
    ///
    /// The kernel's.
    pub fn skip(&mut self) -> Result<Vec<Change>, Refusal> {
        self.programs.turn()?;
        let (writer, alive, makers) = (&mut self.writer, &mut self.alive, &mut self.makers);
        let mut changes = Vec::new();
        self.programs.drain(usize::MAX, |record| {
            note_life(alive, &record);
            if let Some(makers) = makers {
                makers.follow(&record);
            }
            writer.skip(&record);
            changes.extend(Change::of(&record).into_iter().flatten());
        });
        Ok(changes)
    }

    /// Writes a text of comments, each line with its `#`.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn comment(&mut self, text: &str) -> io::Result<()> {
        self.writer.comment(text)
    }

    /// Waits for something that cannot wait: the making of a ghost, or of an instance; at most so long.
    ///
    /// # Errors
    ///
    /// Those of poll(2).
    pub fn wait(&mut self, at_most: Duration) -> io::Result<()> {
        self.programs.wait(at_most)
    }

    /// Whether a process that was asked for, or a child that is followed, is still alive; always true where no process
    /// was named.
    pub fn is_anybody_alive(&mut self) -> bool {
        // The record of an end may have been lost.
        if self.has_end && self.looked.elapsed() >= LOOK {
            self.looked = Instant::now();
            self.alive.retain(|pid| is_there(*pid));
        }
        !self.has_end || !self.alive.is_empty()
    }

    /// Whether some process has begun to run a program: a command that cannot be started has not.
    pub fn has_executed(&self) -> bool {
        self.has_executed
    }

    /// From now on, [`ghosts`](Recorder::ghosts) tells of ghosts when they are made.
    pub fn follow_makers(&mut self) {
        self.makers = Some(Makers::default());
    }

    /// The ghosts that the records read so far have made, since the last call.
    pub fn ghosts(&mut self) -> impl Iterator<Item = MadeGhost> {
        self.makers.iter_mut().flat_map(Makers::take)
    }

    /// Where it writes to.
    pub fn out_mut(&mut self) -> &mut W {
        &mut self.writer.out
    }

    /// Ends the recording; says what it holds, and gives back where it was written to.
    ///
    /// # Errors
    ///
    /// Those of the file, or of the kernel's counts.
    pub fn finish(mut self) -> Result<(Told, W), Refusal> {
        self.programs.detach();
        while self.drain()? {}
        let totals = self.programs.totals()?;
        // After the last record nothing else says it; and what 32-bit programs did is as good as lost.
        self.writer.lose((totals.lost + totals.foreign) as u32)?;
        let told = Told {
            lines: self.writer.lines,
            lost: totals.lost,
            foreign: totals.foreign,
        };
        let mut last = format!("polter: {} lines, {} records lost", told.lines, told.lost);
        if told.foreign > 0 {
            last += &format!(", {} calls of 32-bit programs not recorded", told.foreign);
        }
        Ok((told, self.writer.finish(&last)?))
    }
}

/// True if a process has this number.
fn is_there(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
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
