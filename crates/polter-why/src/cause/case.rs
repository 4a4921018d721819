//! One process, with its instances and registrations.

use polter_scan::{Finding, Instance, Meaning, Registration, Report, Snapshot, Sureness};

use super::{Cause, CauseClass};
use crate::facts::{Facts, ThreadFacts};
use polter_class::Class;

/// Ghosts that are told of a process that sleeps.
const MAX_GHOSTS: usize = 8;

/// A process, with everything that was seen of it.
pub(crate) struct Case<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) report: &'a Report,
    pub(crate) facts: &'a Facts,
    /// The window in seconds.
    pub(crate) seconds: f64,
}

/// A registration in an instance of the process.
#[derive(Clone, Copy)]
pub(crate) struct Registered<'a> {
    pub(crate) instance: &'a Instance,
    pub(crate) registration: &'a Registration,
    /// The process's fd for the instance.
    pub(crate) epfd: i32,
}

impl<'a> Case<'a> {
    /// The instances that the process holds, each with its first fd.
    pub(crate) fn instances(&self) -> impl Iterator<Item = (&'a Instance, i32)> + use<'a> {
        let pid = self.facts.pid;
        self.snapshot.instances.iter().filter_map(move |instance| {
            let fd = instance.fds_of(pid).first().copied()?;
            Some((instance, fd))
        })
    }

    /// The registrations that the process can name by this fd.
    pub(crate) fn registered(&self, fd: i32) -> impl Iterator<Item = Registered<'a>> + use<'a> {
        let pid = self.facts.pid;
        self.instances().flat_map(move |(instance, epfd)| {
            let of_fd = instance.registrations.iter().filter(move |it| it.fd == fd);
            let named = of_fd.filter(move |it| can_name(it, pid));
            named.map(move |registration| Registered {
                instance,
                registration,
                epfd,
            })
        })
    }

    /// The finding that says a registration is a ghost.
    pub(crate) fn ghost(&self, registered: Registered<'_>) -> Option<&'a Finding> {
        let Registered {
            instance,
            registration,
            ..
        } = registered;
        let is_it = |it: &&Finding| {
            let is_ghost = it.class.is_ghost() || it.class == Class::NumberReuse;
            let of_it = (it.fd, it.occurrence) == (registration.fd, registration.occurrence);
            is_ghost && of_it && it.instance == instance.names
        };
        self.report.findings.iter().find(is_it)
    }

    /// A ghost, as a cause.
    pub(crate) fn ghost_cause(&self, ghost: &Finding, epfd: i32, reasons: Vec<String>) -> Cause {
        Cause {
            class: CauseClass::Ghost(ghost.class),
            sureness: ghost.sureness,
            fd: Some(ghost.fd),
            instance: Some(epfd),
            summary: ghost.summary.clone(),
            reasons: reasons.into_iter().chain(ghost.reasons.clone()).collect(),
            fix: ghost
                .fix
                .split("; now: ")
                .next()
                .unwrap_or_default()
                .to_owned(),
            // No DEL can name a file that only a message or a ring has.
            now: (ghost.class != Class::InFlightGhost)
                .then(|| format!("polter exorcise {} --fd {}", self.facts.pid, ghost.fd)),
        }
    }

    /// The ghosts of a process that sleeps: they make no spin now, and will as soon as their file is ready.
    pub(crate) fn sleeping_ghosts(&self) -> Vec<Cause> {
        let pid = self.facts.pid;
        let of_it = self.report.findings.iter().filter(|it| it.pid == pid);
        let ghosts = of_it.filter(|it| it.class.is_ghost() || it.class == Class::NumberReuse);
        let ghosts = ghosts
            .filter(|it| it.sureness != Sureness::Open)
            .take(MAX_GHOSTS);
        let cause = |ghost: &Finding| {
            let epfd = ghost
                .instance
                .iter()
                .find(|name| name.pid == pid)
                .map_or(-1, |name| name.fd);
            let reasons = vec!["the process does not spin on it now: its file has nothing to report, or somebody takes it".to_owned()];
            self.ghost_cause(ghost, epfd, reasons)
        };
        ghosts.map(cause).collect()
    }

    /// Other processes that hold an instance.
    pub(crate) fn sharers(&self, instance: &Instance) -> Vec<u32> {
        let mut pids = instance.pids();
        pids.retain(|pid| *pid != self.facts.pid);
        pids
    }

    /// A rate a second of a thread's CPU time: beside busy neighbours a loop goes round less often, and is one all the
    /// same.
    pub(crate) fn a_cpu_second(&self, count: u64, thread: Option<&ThreadFacts>) -> u64 {
        // Less than this is a tick or two, and chance.
        const LEAST: f64 = 0.03;
        let share = thread.map_or(LEAST, |it| it.on_cpu.max(LEAST));
        (count as f64 / (self.seconds * share).max(0.001)).round() as u64
    }

    /// A rate a second, for a sentence.
    pub(crate) fn a_second(&self, count: u64) -> u64 {
        (count as f64 / self.seconds.max(0.001)).round() as u64
    }
}

/// True if the fd names the registration's file in this process's table.
pub(crate) fn can_name(registration: &Registration, pid: u32) -> bool {
    let mut tables = registration.tables.iter();
    tables.any(|table| table.pid == pid && table.meaning == Meaning::Same)
}
