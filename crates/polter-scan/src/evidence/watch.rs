//! Looks many times over a window: who waits on an instance, who sleeps elsewhere, who runs.
//!
//! A look shows what a sleeping thread sleeps in. Nobody sees what a thread does that comes to a
//! CPU between two looks, but its counters show that it did.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::file::{Place, WatchedFile};
use super::process::WatchedProcess;
use super::split::Split;
use crate::proc::Proc;
use crate::snapshot::{Evidence, Origin, Snapshot, Use};

/// The time between two looks.
const APART: Duration = Duration::from_millis(10);

/// Watches all holders of the instances in question; returns the evidence, registration by
/// registration.
pub(super) fn watch(
    proc: &Proc,
    snapshot: &Snapshot,
    splits: &[Vec<(Place, Split)>],
    window: Duration,
) -> Vec<(Place, Evidence)> {
    let mut watched: BTreeMap<(usize, u32), WatchedProcess> = BTreeMap::new();
    let mut files: Vec<WatchedFile> = Vec::new();
    for ((at, place), split) in splits.iter().flatten() {
        let instance = &snapshot.instances[*at];
        // All holders, not only one of each table as in the split: any of the processes that share
        // a table can wait.
        for pid in instance.pids() {
            let watch = || WatchedProcess::new(proc, snapshot, instance, pid);
            watched.entry((*at, pid)).or_insert_with(watch);
        }
        files.push(WatchedFile::new(snapshot, (*at, *place), split));
    }
    let (start, mut looks) = (Instant::now(), 0);
    loop {
        watched.values_mut().for_each(|it| it.look(proc));
        files.iter_mut().for_each(WatchedFile::look);
        looks += 1;
        if start.elapsed() >= window {
            break;
        }
        std::thread::sleep(APART.min(window));
    }
    let took = start.elapsed();
    let uses: BTreeMap<(usize, u32), Use> = watched
        .into_iter()
        .map(|(key, it)| (key, it.end(proc, took)))
        .collect();
    let evidence = files.into_iter().map(|file| {
        let at = file.place.0;
        let instance = &snapshot.instances[at];
        let of = |pid: &u32| uses.get(&(at, *pid)).cloned();
        let is_other = |pid: &u32| !file.split.elders.contains(pid) && !file.is_known(pid);
        let namers = file.split.namers.iter().copied();
        // A process that shares a table is in no part of the split. It counts as able to name the
        // file, which is the careful guess.
        let others = instance.pids().into_iter().filter(is_other);
        let mut namers: Vec<u32> = namers.chain(others).collect();
        namers.sort_unstable();
        namers.dedup();
        let registration = &instance.registrations[file.place.1];
        let origin = Origin::of(
            proc,
            snapshot,
            instance,
            registration,
            &file.split,
            file.elder,
        );
        let evidence = Evidence {
            elder: file.elder,
            window_ms: took.as_millis() as u64,
            looks,
            namers: namers.iter().filter_map(of).collect(),
            elders: file.split.elders.iter().filter_map(of).collect(),
            is_ready: file.is_ready,
            is_steady: file.is_steady,
            origin,
            hidden_kin: Vec::new(),
        };
        (file.place, evidence)
    });
    evidence.collect()
}
