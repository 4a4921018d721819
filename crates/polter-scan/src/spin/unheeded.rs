//! Which processes use a core because the same event is reported for ever? Not only ghosts make a
//! loop spin.
//!
//! First this finds who is busy. Then it finds which of their files are ready at every look and
//! never change: a hang-up that nobody acts on, bytes that nobody reads, an interest in writing
//! that was left on.

use std::collections::BTreeSet;
use std::time::Duration;

use rustix::event::PollFlags;

use crate::evidence::IN_KERNEL;
use crate::finding::{Busy, Class, Finding, Report, severity};
use crate::proc::Proc;
use crate::snapshot::{
    InTable, Instance, Kind, Meaning, Registration, Snapshot, Sureness, Threads, busiest,
};
use crate::sys;

/// A busy thread has a CPU, or wants one, for this share of the window at least.
const BUSY: f64 = 0.5;

/// How often each file is looked at.
const LOOKS: u32 = 12;

/// Processes that are watched, and registrations of one busy process that are looked at.
const MAX_PROCESSES: usize = 4096;
const MAX_REGISTRATIONS: usize = 1024;

impl Report {
    /// Watches every holder of an instance, for `window`: who is busy, and with which event.
    pub fn watch_for_unheeded(&mut self, proc: &Proc, snapshot: &Snapshot, window: Duration) {
        if !proc.is_live() {
            return;
        }
        let half = window / 2;
        for busy in busy(proc, snapshot, half) {
            let has_ghost = |it: &Finding| it.class.is_ghost() && it.pid == busy.pid;
            if self.findings.iter().any(has_ghost) {
                continue;
            }
            if busy.in_kernel >= IN_KERNEL {
                let found = find(snapshot, &busy, half);
                self.findings.extend(found);
            }
            self.busy.push(busy);
        }
        self.findings
            .sort_by_key(|finding| (finding.severity, finding.class, finding.pid));
    }
}

fn busy(proc: &Proc, snapshot: &Snapshot, window: Duration) -> Vec<Busy> {
    let pids = snapshot.instances.iter().flat_map(Instance::pids);
    let pids: BTreeSet<u32> = pids.take(MAX_PROCESSES).collect();
    let look = |pid: &u32| -> Option<Threads> { proc.counters(*pid) };
    let before: Vec<_> = pids.iter().map(look).collect();
    let start = std::time::Instant::now();
    std::thread::sleep(window);
    let took = start.elapsed();
    let busy = pids.iter().zip(before).map(|(pid, before)| {
        let busiest = busiest(before.as_ref(), look(pid).as_ref(), took);
        let process = snapshot.processes.get(pid);
        Busy {
            pid: *pid,
            comm: process.map_or_else(String::new, |it| it.comm.clone()),
            busy: busiest.busy,
            in_kernel: busiest.in_kernel,
        }
    });
    busy.filter(|it| it.busy >= BUSY).collect()
}

/// The registrations that a busy process may be told of all the time.
fn find(snapshot: &Snapshot, busy: &Busy, window: Duration) -> Vec<Finding> {
    let mut watched = Vec::new();
    for instance in &snapshot.instances {
        if instance.pids().contains(&busy.pid) {
            let can_be_named = |it: &&Registration| {
                let is_same =
                    |table: &InTable| table.pid == busy.pid && table.meaning == Meaning::Same;
                it.is_reported_always() && it.tables.iter().any(is_same)
            };
            let registrations = instance.registrations.iter().filter(can_be_named);
            watched.extend(registrations.map(|it| WatchedRegistration::new(instance, it)));
        }
    }
    watched.truncate(MAX_REGISTRATIONS);
    let inner = |fd: i32| {
        let mut instances = snapshot.instances.iter();
        instances.find(|it| it.fds_of(busy.pid).contains(&fd))
    };
    // An instance is asked only if no file in it answers by who asks.
    watched.retain(|it| inner(it.registration.fd).is_none_or(|it| snapshot.can_be_polled(it)));
    for _ in 0..LOOKS {
        watched.retain_mut(|it| it.look(busy.pid));
        std::thread::sleep(window / LOOKS);
    }
    watched.iter().map(|it| it.finding(busy)).collect()
}

/// A registration whose file was ready and unchanged at every look so far.
struct WatchedRegistration<'a> {
    instance: &'a Instance,
    registration: &'a Registration,
    always: PollFlags,
    /// How many bytes wait in it, as counted at the first look; `None` inside if that is not
    /// counted. A program that reads or writes changes it.
    amount: Option<Option<i32>>,
}

impl WatchedRegistration<'_> {
    fn new<'a>(instance: &'a Instance, registration: &'a Registration) -> WatchedRegistration<'a> {
        WatchedRegistration {
            instance,
            registration,
            always: PollFlags::all(),
            amount: None,
        }
    }

    /// False if it is not ready, or has changed since the last look.
    fn look(&mut self, pid: u32) -> bool {
        let Ok(file) = sys::copy_of(pid, self.registration.fd) else {
            return false;
        };
        let events = PollFlags::from_bits_truncate(self.registration.events as u16);
        let ready = match self.registration.kind {
            Some(Kind::Epoll) => sys::instance_ready(&file),
            _ => sys::ready(&file, events),
        };
        self.always &= ready.unwrap_or(PollFlags::empty());
        let is_down = PollFlags::HUP | PollFlags::ERR;
        if self.always.intersects(is_down) {
            return true;
        }
        // A busy server's backlog is never empty, though it accepts all the time.
        if rustix::net::sockopt::socket_acceptconn(&file) == Ok(true) {
            return false;
        }
        let amount = if self.always.contains(PollFlags::IN) {
            sys::unread(&file)
        } else {
            sys::unsent(&file)
        };
        !self.always.is_empty() && *self.amount.get_or_insert(amount) == amount
    }

    fn finding(&self, busy: &Busy) -> Finding {
        let fd = self.registration.fd;
        let (event, fix) = if self.always.intersects(PollFlags::HUP | PollFlags::ERR) {
            let event = "its other end is gone (a hang-up or an error, which no mask leaves out)";
            (event, "close it when that is reported")
        } else if self.always.contains(PollFlags::IN) {
            (
                "there is something to read, and nobody reads it",
                "read it when it is reported",
            )
        } else {
            (
                "it can be written to, and nobody writes",
                "EPOLL_CTL_MOD without EPOLLOUT while there is nothing to write",
            )
        };
        let name = self.instance.names.iter().find(|name| name.pid == busy.pid);
        let (wanted, kernel) = (busy.busy.min(1.0) * 100.0, busy.in_kernel * 100.0);
        Finding {
            class: Class::UnheededEvent,
            severity: severity(Class::UnheededEvent),
            sureness: Sureness::Likely,
            pid: busy.pid,
            comm: busy.comm.clone(),
            fd,
            occurrence: self.registration.occurrence,
            instance: self.instance.names.clone(),
            summary: format!("{fd} is reported by every wait: {event}."),
            reasons: vec![
                format!("it was so at each of {LOOKS} looks, and nothing changed"),
                format!(
                    "process {} never rests: a thread had a CPU or wanted one for {wanted:.0} % of the time, {kernel:.0} % of that in the kernel",
                    busy.pid
                ),
            ],
            tables: self.registration.tables.to_vec(),
            held_by: Vec::new(),
            nameless: None,
            threads: std::collections::BTreeMap::new(),
            fix: format!(
                "{fix}, or EPOLL_CTL_DEL {fd} in instance {}",
                name.map_or(-1, |name| name.fd)
            ),
            spin: None,
        }
    }
}
