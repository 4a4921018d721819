//! Which epitems may have something to report, in their order.
//!
//! ```text
//!   ids:  –  –  c  –  e  f        an epitem keeps its place: that of e is 4
//!               └ start  └ len 3
//! ```
//!
//! A scan goes over them from the front. The ids stand side by side, so that no
//! epitem has to be fetched to learn of the next. Who leaves leaves a gap behind.

use crate::store::EpitemId;
use std::hash::{Hash, Hasher};

/// Epitems, each once. Linux: `rdllist`, and the `txlist` of a scan.
#[derive(Debug, Default)]
pub(crate) struct ReadyList {
    ids: Vec<Option<EpitemId>>,
    /// Whoever stood before it has left, or stands further back.
    start: u32,
    /// How many are on it.
    len: u32,
}

/// Where on its list an epitem is.
pub(crate) type Place = u32;

/// So many gaps are nothing.
const FEW: usize = 32;

impl Clone for ReadyList {
    fn clone(&self) -> ReadyList {
        ReadyList {
            ids: self.ids.clone(),
            ..*self
        }
    }

    /// Keeps the memory it has.
    fn clone_from(&mut self, other: &ReadyList) {
        self.ids.clone_from(&other.ids);
        (self.start, self.len) = (other.start, other.len);
    }
}

/// Who is on it, and in which order.
impl Hash for ReadyList {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u32(self.len);
        self.iter().for_each(|id| id.hash(state));
    }
}

impl ReadyList {
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    pub(crate) fn first(&self) -> Option<EpitemId> {
        self.iter().next()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = EpitemId> + '_ {
        self.ids[self.start as usize..].iter().copied().flatten()
    }

    /// True if this is an epitem's place.
    pub(crate) fn has(&self, id: EpitemId, place: Place) -> bool {
        self.ids.get(place as usize) == Some(&Some(id))
    }

    /// Its place from here on.
    #[inline(always)]
    pub(crate) fn push_back(&mut self, id: EpitemId) -> Place {
        self.ids.push(Some(id));
        self.len += 1;
        self.ids.len() as u32 - 1
    }

    /// Nobody else's place changes.
    #[inline(always)]
    pub(crate) fn remove(&mut self, place: Place) {
        self.ids[place as usize] = None;
        self.len -= 1;
        if self.len == 0 {
            self.clear();
        } else if place == self.start {
            self.skip_gaps();
        }
    }

    #[inline(always)]
    fn clear(&mut self) {
        self.ids.clear();
        self.start = 0;
    }

    #[inline(never)]
    fn skip_gaps(&mut self) {
        let gaps = self.ids[self.start as usize..].iter();
        self.start += gaps.take_while(|id| id.is_none()).count() as u32;
    }

    /// True if it is mostly gaps.
    #[inline(always)]
    pub(crate) fn is_sparse(&self) -> bool {
        self.ids.len() > 2 * self.len as usize + FEW
    }

    /// What lies from `at` on, where it is; and copies of what was kept before `end`.
    #[inline(never)]
    fn cut(mut self, at: usize, end: usize) -> (ReadyList, ReadyList) {
        let mut kept = ReadyList::default();
        for id in self.ids[self.start as usize..end].iter().flatten() {
            kept.push_back(*id);
        }
        self.start = at as u32;
        self.skip_gaps();
        (self, kept)
    }

    /// Visits it from the front.
    #[inline(always)]
    pub(crate) fn scan(self) -> Scan {
        Scan {
            at: self.start as usize,
            list: self,
            behind: 0,
            gaps: 0,
        }
    }
}

/// A scan under way.
///
/// ```text
///   kept a   kept b   –   –   │ c   d   e
///                     └ behind ┘  └ at: next
/// ```
#[derive(Debug)]
pub(crate) struct Scan {
    list: ReadyList,
    at: usize,
    /// How far behind `at` the next one that is kept goes: those dropped, and gaps.
    behind: usize,
    /// Gaps that were passed over.
    gaps: u32,
}

impl Scan {
    /// The next epitem. It stays the next until it is kept or dropped.
    #[inline(always)]
    pub(crate) fn peek(&mut self) -> Option<EpitemId> {
        match self.list.ids.get(self.at)? {
            Some(id) => Some(*id),
            None => self.peek_behind_gap(),
        }
    }

    #[inline(never)]
    fn peek_behind_gap(&mut self) -> Option<EpitemId> {
        let behind = self.list.ids[self.at..].iter();
        let gaps = behind.take_while(|id| id.is_none()).count();
        self.at += gaps;
        self.behind += gaps;
        self.gaps += gaps as u32;
        *self.list.ids.get(self.at)?
    }

    /// The next one stays on the list, behind the others that do; says where, if its place is another one now.
    #[inline(always)]
    pub(crate) fn keep(&mut self) -> Option<Place> {
        let at = self.at;
        self.at += 1;
        (self.behind > 0).then(|| {
            let place = at - self.behind;
            self.list.ids[place] = self.list.ids[at];
            place as Place
        })
    }

    /// The next one leaves the list.
    #[inline(always)]
    pub(crate) fn drop_next(&mut self) {
        self.at += 1;
        self.behind += 1;
    }

    /// Those that were not visited, and those that were kept.
    #[inline(always)]
    pub(crate) fn end(self) -> (ReadyList, ReadyList) {
        if self.behind == 0 && self.at == self.list.ids.len() {
            return (ReadyList::default(), self.list);
        }
        self.split()
    }

    #[inline(never)]
    fn split(self) -> (ReadyList, ReadyList) {
        let Scan {
            mut list,
            at,
            behind,
            gaps,
        } = self;
        let end = at - behind;
        list.len -= at as u32 - list.start - gaps;
        if list.len > 0 {
            return list.cut(at, end);
        }
        list.ids.truncate(end);
        list.len = end as u32 - list.start;
        if list.len == 0 {
            list.clear();
        }
        (ReadyList::default(), list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Id;
    use proptest::prelude::*;

    fn of(ids: &[u32]) -> ReadyList {
        let mut list = ReadyList::default();
        for id in ids {
            list.push_back(EpitemId::from_index(*id));
        }
        list
    }

    fn ids(list: &ReadyList) -> Vec<u32> {
        list.iter().map(Id::index).collect()
    }

    /// Keeps the even ones, and stops at one: who is left, who is kept, and who has moved.
    fn scan(list: ReadyList, stop: u32) -> (ReadyList, Vec<u32>, Vec<(u32, Place)>) {
        let (mut scan, mut moved) = (list.scan(), Vec::new());
        while let Some(id) = scan.peek().map(Id::index).filter(|id| *id != stop) {
            match id % 2 {
                0 => moved.extend(scan.keep().map(|place| (id, place))),
                _ => scan.drop_next(),
            }
        }
        let (left, kept) = scan.end();
        (left, ids(&kept), moved)
    }

    #[test]
    fn a_scan_of_the_whole_leaves_nobody() {
        let (left, kept, moved) = scan(of(&[0, 1, 2, 3, 4]), 9);
        assert!(left.is_empty());
        assert_eq!(kept, [0, 2, 4]);
        assert_eq!(moved, [(2, 1), (4, 2)]);
    }

    #[test]
    fn a_scan_that_stops_leaves_the_rest_in_place() {
        let mut list = of(&[0, 1, 2, 3, 4, 5]);
        list.remove(4);
        let (mut left, kept, _) = scan(list, 3);
        assert_eq!(kept, [0, 2]);
        assert_eq!(ids(&left), [3, 5]);
        assert!(left.has(EpitemId::from_index(5), 5));
        left.remove(3);
        assert!(!left.is_empty());
        left.remove(5);
        assert!(left.is_empty());
    }

    #[test]
    fn where_gaps_alone_are_left_nobody_moves() {
        let mut list = of(&[0, 2, 3]);
        list.remove(2);
        let (left, kept, moved) = scan(list, 3);
        assert!(left.is_empty());
        assert_eq!((kept, moved), (vec![0, 2], vec![]));
    }

    #[test]
    fn who_leaves_moves_nobody() {
        let mut list = of(&[7, 8, 9]);
        list.remove(1);
        assert_eq!(ids(&list), [7, 9]);
        assert!(list.has(EpitemId::from_index(9), 2));
        list.remove(0);
        assert_eq!(list.first(), Some(EpitemId::from_index(9)));
        list.remove(2);
        assert!(list.is_empty());
        assert_eq!(list.push_back(EpitemId::from_index(7)), 0);
    }

    #[test]
    fn gaps_do_not_pile_up() {
        let mut list = of(&[7]);
        let mut pushed = 0;
        while !list.is_sparse() {
            let place = list.push_back(EpitemId::from_index(8));
            list.remove(place);
            pushed += 1;
        }
        assert!(pushed < 100, "{pushed}");
    }

    #[derive(Debug, Clone)]
    enum Op {
        Push,
        Remove(usize),
        /// So many are visited; those of the bits are kept.
        Scan(usize, u32),
    }

    fn ops() -> impl Strategy<Value = Vec<Op>> {
        let op = prop_oneof![
            3 => Just(Op::Push),
            2 => (0..40_usize).prop_map(Op::Remove),
            2 => (0..6_usize, any::<u32>()).prop_map(|(visits, keeps)| Op::Scan(visits, keeps)),
        ];
        proptest::collection::vec(op, 0..200)
    }

    proptest! {
        #[test]
        fn it_is_a_queue_whose_members_know_their_places(ops in ops()) {
            let (mut list, mut queue, mut places) = (ReadyList::default(), Vec::new(), Vec::new());
            for op in ops {
                match op {
                    Op::Push => {
                        let id = places.len() as u32;
                        places.push(list.push_back(EpitemId::from_index(id)));
                        queue.push(id);
                    }
                    Op::Remove(_) if queue.is_empty() => {}
                    Op::Remove(nth) => {
                        let id = queue.remove(nth % queue.len());
                        list.remove(places[id as usize]);
                    }
                    Op::Scan(visits, keeps) => {
                        let mut scan = std::mem::take(&mut list).scan();
                        let visited = queue.len().min(visits);
                        for id in queue.drain(..visited).collect::<Vec<_>>() {
                            assert_eq!(scan.peek(), Some(EpitemId::from_index(id)));
                            if keeps & 1 << (id % 32) == 0 {
                                scan.drop_next();
                                continue;
                            }
                            queue.push(id);
                            if let Some(place) = scan.keep() {
                                places[id as usize] = place;
                            }
                        }
                        let (left, kept) = scan.end();
                        list = if left.is_empty() { kept.clone() } else { left.clone() };
                        for id in kept.iter().filter(|_| !left.is_empty()) {
                            places[id.index() as usize] = list.push_back(id);
                        }
                    }
                }
                assert_eq!(ids(&list), queue);
                assert_eq!(list.len(), queue.len());
                assert!(queue.iter().all(|id| list.has(EpitemId::from_index(*id), places[*id as usize])));
            }
        }
    }
}
