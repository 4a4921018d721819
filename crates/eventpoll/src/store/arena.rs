//! Arenas: one vector a kind of thing, slots reused, ids dense.
//!
//! A kernel is cloned and hashed as a whole by searches, so everything in it
//! lives in a few flat vectors, and a link is an index.

use super::written::Written;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

/// The index of a thing in its arena.
pub(crate) trait Id: Copy {
    fn from_index(index: u32) -> Self;
    fn index(self) -> u32;
}

/// The things of one kind, each at a slot of its own.
#[derive(Debug)]
pub(crate) struct Arena<I, T> {
    slots: Vec<Option<T>>,
    /// Free slots; the last one is used next.
    free: Vec<u32>,
    is_written: bool,
    id: PhantomData<I>,
}

impl<I, T> Default for Arena<I, T> {
    fn default() -> Self {
        Arena {
            slots: Vec::new(),
            free: Vec::new(),
            is_written: false,
            id: PhantomData,
        }
    }
}

impl<I, T: Clone> Clone for Arena<I, T> {
    fn clone(&self) -> Self {
        Arena {
            slots: self.slots.clone(),
            free: self.free.clone(),
            is_written: self.is_written,
            id: PhantomData,
        }
    }

    /// Keeps the memory it has.
    fn clone_from(&mut self, source: &Self) {
        self.slots.clone_from(&source.slots);
        self.free.clone_from(&source.free);
        self.is_written = source.is_written;
    }
}

impl<I, T: Clone> Written for Arena<I, T> {
    #[inline]
    fn is_written(&self) -> bool {
        self.is_written
    }

    #[inline]
    fn settle(&mut self) {
        self.is_written = false;
    }

    fn weight(&self) -> usize {
        let slots = self.slots.capacity() * size_of::<Option<T>>();
        size_of::<Self>() + slots + self.free.capacity() * size_of::<u32>()
    }
}

impl<I, T: PartialEq> PartialEq for Arena<I, T> {
    fn eq(&self, other: &Self) -> bool {
        (&self.slots, &self.free) == (&other.slots, &other.free)
    }
}

impl<I, T: Eq> Eq for Arena<I, T> {}

impl<I, T: Hash> Hash for Arena<I, T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.slots.hash(state);
        self.free.hash(state);
    }
}

/// From this length on an arena grows by a sixteenth, not to its double:
/// a registration's weight is a promise.
const LARGE: usize = 1024;

impl<I: Id, T> Arena<I, T> {
    #[inline(always)]
    pub(crate) fn insert(&mut self, value: T) -> I {
        self.is_written = true;
        match self.free.pop() {
            Some(index) => {
                self.slots[index as usize] = Some(value);
                I::from_index(index)
            }
            None => {
                if self.slots.len() == self.slots.capacity() && self.slots.len() >= LARGE {
                    self.slots.reserve_exact(self.slots.len() / 16);
                }
                self.slots.push(Some(value));
                I::from_index(self.slots.len() as u32 - 1)
            }
        }
    }

    #[inline(always)]
    pub(crate) fn remove(&mut self, id: I) -> T {
        self.is_written = true;
        let value = self.slots[id.index() as usize].take();
        self.free.push(id.index());
        value.expect("an id outlived its thing")
    }

    pub(crate) fn get(&self, id: I) -> Option<&T> {
        self.slots.get(id.index() as usize)?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, id: I) -> Option<&mut T> {
        self.is_written = true;
        self.slots.get_mut(id.index() as usize)?.as_mut()
    }

    /// In the order of their slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (I, &T)> {
        let numbered = self.slots.iter().enumerate();
        numbered.filter_map(|(index, slot)| Some((I::from_index(index as u32), slot.as_ref()?)))
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}

impl<I: Id, T> std::ops::Index<I> for Arena<I, T> {
    type Output = T;

    #[inline(always)]
    fn index(&self, id: I) -> &T {
        self.slots[id.index() as usize]
            .as_ref()
            .expect("an id outlived its thing")
    }
}

impl<I: Id, T> std::ops::IndexMut<I> for Arena<I, T> {
    #[inline(always)]
    fn index_mut(&mut self, id: I) -> &mut T {
        self.is_written = true;
        self.slots[id.index() as usize]
            .as_mut()
            .expect("an id outlived its thing")
    }
}
