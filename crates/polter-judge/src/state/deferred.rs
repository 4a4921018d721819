//! The lines that wait until their task's parent is known; `handle::deferred` keeps and replays them.

use crate::verdict::LogTime;

/// Most lines kept at once.
pub(crate) const MAX_LINES: usize = 4096;

pub(crate) const MAX_BYTES: usize = 1 << 20;

/// The lines that wait.
#[derive(Debug, Default)]
pub(crate) struct Deferred {
    pub(crate) events: Vec<KeptLine>,
    pub(crate) bytes: usize,
}

/// A line that waits.
#[derive(Debug)]
pub(crate) struct KeptLine {
    pub(crate) pid: u32,
    pub(crate) line: u64,
    pub(crate) clock: Option<LogTime>,
    pub(crate) what: KeptEvent,
}

#[derive(Debug)]
pub(crate) enum KeptEvent {
    /// A call, or the first half of one, as the text of a line without its pid. It is parsed again when replayed.
    Call(Vec<u8>),
    Killed,
    Exited,
}

impl Deferred {
    pub(crate) fn has(&self, pid: u32) -> bool {
        self.events.iter().any(|kept| kept.pid == pid)
    }

    /// Takes out the lines whose pid is picked, in their order.
    pub(crate) fn take(&mut self, pick_fn: impl Fn(u32) -> bool) -> Vec<KeptLine> {
        let taken: Vec<KeptLine> = (self.events)
            .extract_if(.., |kept| pick_fn(kept.pid))
            .collect();
        self.bytes -= taken.iter().map(KeptLine::bytes).sum::<usize>();
        taken
    }
}

impl KeptLine {
    /// The bytes of its text, which are limited too.
    pub(crate) fn bytes(&self) -> usize {
        match &self.what {
            KeptEvent::Call(text) => text.len(),
            KeptEvent::Killed | KeptEvent::Exited => 0,
        }
    }
}
