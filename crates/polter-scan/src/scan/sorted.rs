//! Many fds sorted by their files, so that one file is found in a few steps.
//!
//! `kcmp` says more than yes or no: it orders files. Finding a registration's file among `n` fds
//! takes log `n` calls instead of `n`.

use std::cmp::Ordering;

use super::compare::{Comparer, Slot, Target, Unanswered};

/// Fds sorted by their files; the fds of one file stand together.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    files: Vec<Vec<Slot>>,
    /// Fds that could not be compared: closed meanwhile, or refused.
    pub(super) lost: Vec<Slot>,
}

impl Sorted {
    pub(super) fn new(comparer: &Comparer, slots: impl IntoIterator<Item = Slot>) -> Sorted {
        let slots: Vec<Slot> = slots.into_iter().collect();
        let mut sorted = Sorted::default();
        sorted.files = match slots[..] {
            // A single fd is compared with no other, so it is compared with itself: one that is
            // closed or refused must be among the lost.
            [slot] if comparer.files(slot, slot).is_none() => {
                sorted.lost.push(slot);
                Vec::new()
            }
            _ => sorted.sort(comparer, &slots),
        };
        sorted
    }

    /// Merge sort, because it asks the least and copes with fds that are closed under way.
    fn sort(&mut self, comparer: &Comparer, slots: &[Slot]) -> Vec<Vec<Slot>> {
        if slots.len() < 2 {
            return slots.iter().map(|slot| vec![*slot]).collect();
        }
        let (left, right) = slots.split_at(slots.len() / 2);
        let left = self.sort(comparer, left).into_iter();
        let right = self.sort(comparer, right).into_iter();
        self.merge(comparer, left, right)
    }

    fn merge(
        &mut self,
        comparer: &Comparer,
        mut left: impl Iterator<Item = Vec<Slot>>,
        mut right: impl Iterator<Item = Vec<Slot>>,
    ) -> Vec<Vec<Slot>> {
        let mut files = Vec::new();
        let (mut a, mut b) = (left.next(), right.next());
        while let (Some(of_a), Some(of_b)) = (&mut a, &mut b) {
            match comparer.files(of_a[0], of_b[0]) {
                Some(Ordering::Less) => files.extend(std::mem::replace(&mut a, left.next())),
                Some(Ordering::Greater) => files.extend(std::mem::replace(&mut b, right.next())),
                Some(Ordering::Equal) => {
                    of_a.append(of_b);
                    b = right.next();
                }
                None if comparer.files(of_a[0], of_a[0]).is_none() => {
                    self.lost.push(of_a.remove(0));
                    if of_a.is_empty() {
                        a = left.next();
                    }
                }
                None => {
                    self.lost.push(of_b.remove(0));
                    if of_b.is_empty() {
                        b = right.next();
                    }
                }
            }
        }
        files.extend(a.into_iter().chain(left));
        files.extend(b.into_iter().chain(right));
        files
    }

    /// The fds of each file.
    pub(super) fn into_files(self) -> Vec<Vec<Slot>> {
        self.files
    }

    /// The fds of a registration's file.
    pub(super) fn find(
        &mut self,
        comparer: &Comparer,
        target: &Target,
    ) -> Result<&[Slot], Unanswered> {
        let found = self.search(comparer, |slot| comparer.registration(slot, target))?;
        Ok(found.map_or(&[], |at| &self.files[at]))
    }

    /// Searches by halves; an fd that was closed meanwhile is moved to the lost.
    fn search(
        &mut self,
        comparer: &Comparer,
        compare_fn: impl Fn(Slot) -> Result<Ordering, Unanswered>,
    ) -> Result<Option<usize>, Unanswered> {
        let (mut from, mut to) = (0, self.files.len());
        while from < to {
            let middle = from + (to - from) / 2;
            let first = self.files[middle][0];
            match compare_fn(first) {
                Ok(Ordering::Equal) => return Ok(Some(middle)),
                Ok(Ordering::Less) => from = middle + 1,
                Ok(Ordering::Greater) => to = middle,
                Err(why) if why == Unanswered::Gone || comparer.files(first, first).is_some() => {
                    return Err(why);
                }
                Err(_) => {
                    self.lost.push(self.files[middle].remove(0));
                    if self.files[middle].is_empty() {
                        self.files.remove(middle);
                        to -= 1;
                    }
                }
            }
        }
        Ok(None)
    }
}
