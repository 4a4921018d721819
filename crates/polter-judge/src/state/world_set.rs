//! A set of worlds.

/// Some of the worlds, by index: a bit for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct WorldSet(u32);

impl WorldSet {
    pub(crate) fn insert(&mut self, world: usize) {
        self.0 |= 1 << world;
    }

    pub(crate) fn has(self, world: usize) -> bool {
        self.0 & 1 << world != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn all() -> WorldSet {
        WorldSet(u32::MAX)
    }

    pub(crate) fn with(self, other: WorldSet) -> WorldSet {
        WorldSet(self.0 | other.0)
    }

    pub(crate) fn without(self, other: WorldSet) -> WorldSet {
        WorldSet(self.0 & !other.0)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        (0..u32::BITS as usize).filter(move |world| self.has(*world))
    }
}
