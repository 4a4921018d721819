//! What was written to since it was copied: the rest of a copy is one still.

use std::hash::{Hash, Hasher};
use std::ops::{Deref, DerefMut};

/// Something that knows whether it was written to. A clone takes that over: it
/// may have been written to, seen from what its source was a copy of.
pub(crate) trait Written: Clone {
    /// False if it certainly is what it was when it was settled.
    fn is_written(&self) -> bool;

    /// From here on it was not written to.
    fn settle(&mut self);

    /// Bytes it takes, without what its own parts have allocated.
    fn weight(&self) -> usize {
        size_of::<Self>()
    }

    /// Becomes a copy, settled, in the memory it has.
    #[inline]
    fn renew(&mut self, original: &Self) {
        self.clone_from(original);
        self.settle();
    }

    /// Becomes a copy of `original` again, which it was one of when it was settled.
    #[inline]
    fn revert_to(&mut self, original: &Self) {
        if self.is_written() {
            self.renew(original);
        }
    }
}

/// A value of which it is known whether it was lent out for writing.
#[derive(Debug, Default)]
pub(crate) struct Tracked<T> {
    value: T,
    is_written: bool,
}

impl<T> Tracked<T> {
    pub(crate) fn new(value: T) -> Tracked<T> {
        Tracked {
            value,
            is_written: false,
        }
    }

    /// Becomes a copy of a value, settled, in the memory it has.
    pub(crate) fn put(&mut self, value: &T)
    where
        T: Clone,
    {
        self.value.clone_from(value);
        self.is_written = false;
    }
}

impl<T> Deref for Tracked<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Tracked<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.is_written = true;
        &mut self.value
    }
}

impl<T: Clone> Clone for Tracked<T> {
    fn clone(&self) -> Self {
        Tracked {
            value: self.value.clone(),
            is_written: self.is_written,
        }
    }

    /// Keeps the memory it has, if the value does.
    #[inline]
    fn clone_from(&mut self, source: &Self) {
        self.value.clone_from(&source.value);
        self.is_written = source.is_written;
    }
}

impl<T: Hash> Hash for Tracked<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}

impl<T: Clone> Written for Tracked<T> {
    #[inline]
    fn is_written(&self) -> bool {
        self.is_written
    }

    #[inline]
    fn settle(&mut self) {
        self.is_written = false;
    }
}
