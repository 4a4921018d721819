//! The lines that wait until their task's parent is known; `handle::deferred` keeps and replays them.

/// Most lines kept at once.
pub(crate) const MAX_LINES: usize = 4096;

pub(crate) const MAX_BYTES: usize = 1 << 20;

/// The lines that wait.
#[derive(Debug, Default)]
pub(crate) struct Deferred {
    pub(crate) events: Vec<Kept>,
    pub(crate) bytes: usize,
}

#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) pid: u32,
    pub(crate) line: u64,
    pub(crate) what: What,
}

#[derive(Debug)]
pub(crate) enum What {
    /// A call, or the first half of one, as the text of a line without its pid. It is parsed again when replayed.
    Call(Vec<u8>),
    Killed,
    Exited,
}

impl Deferred {
    pub(crate) fn has(&self, pid: u32) -> bool {
        self.events.iter().any(|kept| kept.pid == pid)
    }

    pub(crate) fn take(&mut self, pick_fn: impl Fn(u32) -> bool) -> Vec<Kept> {
        let taken: Vec<Kept> = (self.events)
            .extract_if(.., |kept| pick_fn(kept.pid))
            .collect();
        self.bytes -= taken.iter().map(Kept::bytes).sum::<usize>();
        taken
    }
}

impl Kept {
    pub(crate) fn bytes(&self) -> usize {
        match &self.what {
            What::Call(text) => text.len(),
            What::Killed | What::Exited => 0,
        }
    }
}
