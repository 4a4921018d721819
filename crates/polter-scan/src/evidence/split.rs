//! Which holders can name a registration's file, and which elders cannot.

use crate::snapshot::{Meaning, Registration, Snapshot};

/// The holders that can name a registration's file, and their ancestors that cannot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Split {
    pub(crate) namers: Vec<u32>,
    pub(crate) elders: Vec<u32>,
}

impl Registration {
    /// How the holders fall into two parts; `None` if they do not.
    ///
    /// Only an elder counts that is an ancestor of all who can name the file. A younger holder
    /// without the file is a forked child that has closed its copies, as it should.
    pub(crate) fn split(&self, snapshot: &Snapshot) -> Option<Split> {
        if self.is_plain() {
            return None;
        }
        let with_meaning = |is_same: bool| {
            let chosen = self.tables.iter().filter(move |table| match table.meaning {
                Meaning::Same => is_same,
                Meaning::Closed | Meaning::Other => !is_same,
                Meaning::Unknown => false,
            });
            chosen.map(|table| table.pid).collect::<Vec<u32>>()
        };
        let (namers, without) = (with_meaning(true), with_meaning(false));
        let is_elder = |pid: &u32| {
            let mut namers = namers.iter();
            namers.all(|younger| snapshot.is_descendant(*younger, *pid))
        };
        let elders: Vec<u32> = without.into_iter().filter(is_elder).collect();
        (!namers.is_empty() && !elders.is_empty()).then_some(Split { namers, elders })
    }
}
