//! Instances that watch instances: how deep, no circles, and how many paths.

use crate::store::Head;
use crate::store::{EpollId, FileId};
use crate::{EpitemId, Errno, Kernel};
use std::collections::BTreeMap;

/// How many links a chain of instances may have. Linux: `EP_MAX_NESTS`.
const MAX_NESTS: usize = 4;

/// How many wake-up paths of each length may lead from one file.
/// Linux: `path_limits`; those of length 0 are not counted.
const PATH_LIMITS: [u32; MAX_NESTS + 1] = [1000, 500, 100, 50, 10];

impl Kernel {
    /// Refuses an instance that would close a circle or make a chain too
    /// long, looking both down from `file` and up from `epoll`.
    /// Linux: `ep_loop_check`.
    #[inline(always)]
    pub(crate) fn check_nesting(&self, epoll: EpollId, file: FileId) -> Result<(), Errno> {
        match self.files[file].epoll() {
            Some(inner) => self.check_depth(epoll, inner),
            None => Ok(()),
        }
    }

    #[inline(never)]
    fn check_depth(&self, epoll: EpollId, inner: EpollId) -> Result<(), Errno> {
        let down = self.depth_below(inner, epoll, 0, &mut BTreeMap::new());
        let is_allowed = match down {
            Some(down) => down + 1 + self.depth_above(epoll, &mut BTreeMap::new()) <= MAX_NESTS,
            None => false,
        };
        if is_allowed {
            Ok(())
        } else {
            Err(Errno::ELOOP)
        }
    }

    /// The longest chain below `epoll`; `None` if it leads back to `target` or
    /// is too long. Linux: `ep_loop_check_proc`.
    fn depth_below(
        &self,
        epoll: EpollId,
        target: EpollId,
        depth: usize,
        known: &mut BTreeMap<EpollId, usize>,
    ) -> Option<usize> {
        if let Some(known) = known.get(&epoll) {
            return Some(*known);
        }
        let mut longest = 0;
        for id in self.epitems_of(epoll) {
            if let Some(inner) = self.files[self.epitems[id].file].epoll() {
                if inner == target || depth > MAX_NESTS {
                    return None;
                }
                longest = longest.max(self.depth_below(inner, target, depth + 1, known)? + 1);
                if longest > MAX_NESTS {
                    return None;
                }
            }
        }
        known.insert(epoll, longest);
        Some(longest)
    }

    /// The longest chain above `epoll`. Linux: `ep_get_upwards_depth_proc`.
    fn depth_above(&self, epoll: EpollId, known: &mut BTreeMap<EpollId, usize>) -> usize {
        if let Some(known) = known.get(&epoll) {
            return *known;
        }
        let outer = self.watchers_of(self.epolls[epoll].file);
        let depth = outer
            .map(|outer| self.depth_above(outer, known) + 1)
            .max()
            .unwrap_or(0);
        known.insert(epoll, depth);
        depth
    }

    /// True if a new epitem made too many wake-up paths. Only files that are
    /// reached through nested instances are counted. Linux: `reverse_path_check`.
    #[inline(always)]
    pub(crate) fn has_too_many_paths(&self, epoll: EpollId, file: FileId) -> bool {
        let is_nested = !self.files[self.epolls[epoll].file].epitems.is_empty();
        match self.files[file].epoll() {
            Some(inner) => self.exceeds_paths_below(inner),
            None => is_nested && self.exceeds_paths(file),
        }
    }

    #[inline(never)]
    fn exceeds_paths_below(&self, inner: EpollId) -> bool {
        let mut leaves = Vec::new();
        self.leaves_below(inner, &mut leaves);
        leaves.sort_unstable();
        leaves.dedup();
        leaves.into_iter().any(|leaf| self.exceeds_paths(leaf))
    }

    fn leaves_below(&self, epoll: EpollId, leaves: &mut Vec<FileId>) {
        for id in self.epitems_of(epoll) {
            let file = self.epitems[id].file;
            match self.files[file].epoll() {
                Some(inner) => self.leaves_below(inner, leaves),
                None => leaves.push(file),
            }
        }
    }

    #[inline(never)]
    fn exceeds_paths(&self, file: FileId) -> bool {
        let mut counts = [0; MAX_NESTS + 1];
        !self.count_paths(file, 0, &mut counts)
    }

    /// False once a limit is passed. Linux: `reverse_path_check_proc`.
    fn count_paths(&self, file: FileId, depth: usize, counts: &mut [u32; MAX_NESTS + 1]) -> bool {
        if depth > MAX_NESTS {
            return false;
        }
        self.watchers_of(file).all(|outer| {
            let outer_file = self.epolls[outer].file;
            if !self.files[outer_file].epitems.is_empty() {
                return self.count_paths(outer_file, depth + 1, counts);
            }
            counts[depth] += 1;
            depth == 0 || counts[depth] <= PATH_LIMITS[depth]
        })
    }

    /// The instances that watch a file, one entry for each epitem.
    fn watchers_of(&self, file: FileId) -> impl Iterator<Item = EpollId> + '_ {
        self.epitems_on(self.files[file].epitems)
            .map(|id| self.epitems[id].epoll)
    }

    fn epitems_on(&self, list: Head<EpitemId>) -> impl Iterator<Item = EpitemId> + '_ {
        std::iter::successors(list.first(), |id| self.epitems[*id].of_file.next())
    }
}
