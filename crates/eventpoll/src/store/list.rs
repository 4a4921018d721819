//! Doubly linked lists whose links live inside the things they link.
//!
//! ```text
//!   Head { first ──▶ a, last ──▶ c }      a.links ⇄ b.links ⇄ c.links
//! ```
//!
//! A thing can be on several lists at once, one [`Links`] for each; joining
//! and leaving cost the same however long the list is.

use super::arena::{Arena, Id};
use std::hash::{Hash, Hasher};

/// A thing's place on one list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Links<I> {
    prev: Option<I>,
    next: Option<I>,
}

/// The two ends of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head<I> {
    first: Option<I>,
    last: Option<I>,
}

/// Which of a thing's links a list uses.
pub(crate) type LinksOf<I, T> = fn(&mut T) -> &mut Links<I>;

impl<I: Id> Hash for Links<I> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_pair(self.prev, self.next, state);
    }
}

impl<I: Id> Hash for Head<I> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_pair(self.first, self.last, state);
    }
}

/// Both in one word: searches hash little else.
fn hash_pair<I: Id>(one: Option<I>, other: Option<I>, state: &mut impl Hasher) {
    let word = |id: Option<I>| id.map_or(0, |id| u64::from(id.index()) + 1);
    state.write_u64(word(one) << 32 | word(other));
}

impl<I> Default for Links<I> {
    fn default() -> Self {
        Links {
            prev: None,
            next: None,
        }
    }
}

impl<I> Links<I> {
    pub(crate) fn next(&self) -> Option<I>
    where
        I: Copy,
    {
        self.next
    }
}

impl<I> Default for Head<I> {
    fn default() -> Self {
        Head {
            first: None,
            last: None,
        }
    }
}

impl<I: Id> Head<I> {
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(crate) fn first(&self) -> Option<I> {
        self.first
    }

    #[inline]
    pub(crate) fn push_back<T>(&mut self, id: I, things: &mut Arena<I, T>, links: LinksOf<I, T>) {
        *links(&mut things[id]) = Links {
            prev: self.last,
            next: None,
        };
        match self.last {
            Some(last) => links(&mut things[last]).next = Some(id),
            None => self.first = Some(id),
        }
        self.last = Some(id);
    }

    #[inline]
    pub(crate) fn push_front<T>(&mut self, id: I, things: &mut Arena<I, T>, links: LinksOf<I, T>) {
        *links(&mut things[id]) = Links {
            prev: None,
            next: self.first,
        };
        match self.first {
            Some(first) => links(&mut things[first]).prev = Some(id),
            None => self.last = Some(id),
        }
        self.first = Some(id);
    }

    #[inline(always)]
    pub(crate) fn remove<T>(&mut self, id: I, things: &mut Arena<I, T>, links: LinksOf<I, T>) {
        let Links { prev, next } = std::mem::take(links(&mut things[id]));
        match prev {
            Some(prev) => links(&mut things[prev]).next = next,
            None => self.first = next,
        }
        match next {
            Some(next) => links(&mut things[next]).prev = prev,
            None => self.last = prev,
        }
    }

    /// The things on the list in order, if the links agree in both directions.
    pub(crate) fn check<T: Clone>(
        &self,
        things: &Arena<I, T>,
        links: LinksOf<I, T>,
    ) -> Result<Vec<I>, String>
    where
        I: PartialEq + std::fmt::Debug,
    {
        let (mut all, mut next) = (Vec::new(), self.first);
        while let Some(id) = next {
            let thing = things
                .get(id)
                .ok_or_else(|| format!("{id:?} is on a list, and gone"))?;
            let found = *links(&mut thing.clone());
            if found.prev != all.last().copied() || all.len() > things.len() {
                return Err(format!("the links of {id:?} do not agree: {found:?}"));
            }
            all.push(id);
            next = found.next;
        }
        if self.last != all.last().copied() {
            return Err(format!(
                "a list ends at {:?}, not {:?}",
                all.last(),
                self.last
            ));
        }
        Ok(all)
    }
}
