//! Watches the holders of each registration that only some of them can name.

use std::time::Duration;

use super::watch::watch;
use crate::proc::Proc;
use crate::snapshot::{Snapshot, Why};

/// How long is watched unless the caller says otherwise.
pub(crate) const WINDOW: Duration = Duration::from_millis(250);

/// Instances that are watched at once. Few servers share one, so few are left out.
const MAX_INSTANCES: usize = 64;

/// Registrations of one instance that are weighed.
const MAX_SPLITS: usize = 256;

impl Snapshot {
    /// Watches the holders of every registration whose fd names its file for some of them and not
    /// for an elder. Takes no time if there is no such registration.
    pub fn gather_evidence(&mut self, proc: &Proc, window: Duration) {
        if !proc.is_live() {
            return;
        }
        let mut splits = Vec::new();
        let instances = self.instances.iter().enumerate();
        for (at, instance) in instances {
            let registrations = instance.registrations.iter().enumerate();
            let split = registrations.filter_map(|(place, it)| {
                let split = it.split(self)?;
                Some(((at, place), split))
            });
            let of_it: Vec<_> = split.take(MAX_SPLITS).collect();
            splits.extend((!of_it.is_empty()).then_some(of_it));
            if splits.len() == MAX_INSTANCES {
                break;
            }
        }
        if splits.is_empty() {
            return;
        }
        let kin = self.hidden(proc);
        let watched = watch(proc, self, &splits, window);
        for ((at, place), mut evidence) in watched {
            let instance = &self.instances[at];
            let pids = instance.pids();
            let is_kin = |(_, line): &&(u32, Vec<u32>)| line.iter().any(|pid| pids.contains(pid));
            evidence.hidden_kin = kin.iter().filter(is_kin).map(|(pid, _)| *pid).collect();
            self.instances[at].registrations[place].evidence = Some(Box::new(evidence));
        }
    }

    /// The processes that may not be read, each with its ancestors. Their `stat` is public.
    fn hidden(&self, proc: &Proc) -> Vec<(u32, Vec<u32>)> {
        const GENERATIONS: usize = 64;
        let refused = self.unseen.iter().filter(|it| it.why == Why::Refused);
        let line = |pid: u32| {
            let parent = |pid: &u32| Some(proc.stat(*pid).ok()?.ppid).filter(|pid| *pid > 1);
            let line = std::iter::successors(parent(&pid), parent);
            (pid, line.take(GENERATIONS).collect())
        };
        refused.map(|unseen| line(unseen.pid)).collect()
    }
}
