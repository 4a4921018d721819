//! What a log tells: events, warnings, and how many there were of each.

use crate::call::{Call, Unfinished};
use crate::error::{Diagnostic, Problem};
use crate::note::{Exit, Note, Signal, StackFrame};
use crate::prefix::Clock;

/// What came of one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assembled<'a> {
    /// What happened; nothing for a line that only goes on, or cannot be read.
    pub event: Option<Event<'a>>,
    /// What is wrong with the line, or what it shows to be wrong before it.
    pub warning: Option<Diagnostic>,
    /// The number of the task that had none until now: events with the pid `None` were
    /// this task's.
    pub named: Option<u32>,
}

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// The task, if the log says which.
    pub pid: Option<u32>,
    /// The line that told it.
    pub line: u64,
    /// When.
    pub clock: Option<Clock>,
    /// What.
    pub kind: EventKind<'a>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind<'a> {
    /// A call began and ended.
    Call(Call<'a>),
    /// A call began.
    Entry(Unfinished<'a>),
    /// A call that began earlier ended.
    Exit {
        /// The line it began on.
        entry: u64,
        /// The call as it would have been on one line; columns count on that line.
        call: Call<'a>,
    },
    /// A signal arrived, or stopped the task.
    Signal(Signal<'a>),
    /// The task is gone, and with it the call it was in.
    Gone(Exit<'a>),
    /// A frame of the stack under a call.
    StackFrame {
        /// The line of the call.
        of: u64,
        /// The frame.
        frame: StackFrame<'a>,
    },
    /// strace said something of itself.
    Note(Note<'a>),
    /// A comment or a blank line.
    Comment(&'a [u8]),
}

/// How many lines there were, and how many of them were wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Lines.
    pub lines: u64,
    /// Lines that could not be read.
    pub unparsed: u64,
    /// Calls that resumed without having begun.
    pub without_entry: u64,
    /// Calls that never resumed although their task went on.
    pub never_resumed: u64,
    /// Calls forgotten for want of room.
    pub over_limit: u64,
    /// Stack lines without a call.
    pub stray_frames: u64,
}

impl Tally {
    /// Counts a problem and says where it is.
    pub(crate) fn warn(&mut self, line: u64, column: usize, problem: Problem) -> Diagnostic {
        self.count(problem);
        Diagnostic {
            line,
            column,
            problem,
        }
    }

    /// Counts a problem.
    pub(crate) fn count(&mut self, problem: Problem) {
        let counter = match problem {
            Problem::Line(_) => &mut self.unparsed,
            Problem::ResumedWithoutEntry | Problem::ResumedAsAnother { .. } => {
                &mut self.without_entry
            }
            Problem::NeverResumed { .. } => &mut self.never_resumed,
            Problem::OverLimit => &mut self.over_limit,
            Problem::FrameWithoutCall => &mut self.stray_frames,
        };
        *counter += 1;
    }
}
