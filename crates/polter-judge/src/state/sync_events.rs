//! Sync events, and sets of them: a bit for each.

/// Most sync events at a time.
pub(super) const MAX_EVENTS: usize = 1024;

/// A call whose order may matter. The number is used again once nobody needs the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SyncEvent(u16);

/// A set of sync events: those that a process knows of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct SyncEvents([u64; MAX_EVENTS / 64]);

impl SyncEvents {
    pub(crate) fn insert(&mut self, event: SyncEvent) {
        self.0[usize::from(event.0 / 64)] |= 1 << (event.0 % 64);
    }

    pub(crate) fn has(&self, event: SyncEvent) -> bool {
        self.0[usize::from(event.0 / 64)] & (1 << (event.0 % 64)) != 0
    }

    pub(super) fn union(self, other: SyncEvents) -> SyncEvents {
        SyncEvents(std::array::from_fn(|word| self.0[word] | other.0[word]))
    }

    /// Keeps what is also in `other`; false if nothing is left.
    pub(super) fn keep(&mut self, other: SyncEvents) -> bool {
        *self = SyncEvents(std::array::from_fn(|word| self.0[word] & other.0[word]));
        *self != SyncEvents::default()
    }

    pub(super) fn first_free(&self) -> Option<SyncEvent> {
        let word = self.0.iter().position(|word| *word != u64::MAX)?;
        let bit = self.0[word].trailing_ones() as usize;
        Some(SyncEvent((word * 64 + bit) as u16))
    }

    pub(super) fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }
}
