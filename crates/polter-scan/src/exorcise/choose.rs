//! Chooses the registrations to be removed, and says why the others are not.

use super::plan::{Excused, Options, Outcome, Step};
use crate::evidence::Weighed;
use crate::snapshot::{InTable, Instance, Kind, Meaning, Name, Registration, Snapshot, Sureness};

/// One step for each registration that is a ghost or might be taken for one.
pub(super) fn steps(snapshot: &Snapshot, pid: u32, options: &Options) -> Vec<Step> {
    let mut steps = Vec::new();
    for instance in &snapshot.instances {
        let chooser = Chooser {
            snapshot,
            instance,
            pid,
            options,
        };
        let chosen = instance.registrations.iter();
        steps.extend(
            chosen
                .filter(|it| chooser.is_chosen(it))
                .map(|it| chooser.step(it)),
        );
    }
    steps
}

/// Chooses among the registrations of one instance.
struct Chooser<'a> {
    snapshot: &'a Snapshot,
    instance: &'a Instance,
    pid: u32,
    options: &'a Options,
}

impl Chooser<'_> {
    /// True if the plan has a step for this registration. One whose fd was given is listed even if
    /// it turns out to be live, so that the plan can say why it is left alone.
    fn is_chosen(&self, registration: &Registration) -> bool {
        if self.options.fd.is_some_and(|fd| fd != registration.fd) {
            return false;
        }
        let is_named = self.options.fd.is_some() && !registration.is_plain();
        registration.is_ghost() || is_named || self.is_foreign(registration)
    }

    /// True if the process cannot name the file, and only its descendants can.
    fn is_foreign(&self, registration: &Registration) -> bool {
        let is_younger = |pid: u32| self.snapshot.is_descendant(pid, self.pid);
        let mut with = namers(registration).peekable();
        is_nameless(registration, self.pid) && with.peek().is_some() && with.all(is_younger)
    }

    fn step(&self, registration: &Registration) -> Step {
        let start_time = |name: &Name| {
            let process = self.snapshot.processes.get(&name.pid);
            process.map_or(0, |process| process.start_time)
        };
        let names = &self.instance.names;
        let in_table = self.options.in_table;
        let weighed = self.weigh(registration);
        let is_likely = weighed
            .as_ref()
            .is_some_and(|it| it.sureness == Sureness::Likely);
        Step {
            instance: names.clone(),
            start_times: names.iter().map(start_time).map(Some).collect(),
            among: self.instance.registrations.len() as u64,
            fd: registration.fd,
            occurrence: registration.occurrence,
            events: registration.events,
            data: registration.data,
            held_by: registration.held_by.clone(),
            in_table,
            sureness: weighed.as_ref().map_or(Sureness::Certain, |it| it.sureness),
            reasons: weighed
                .as_ref()
                .map_or_else(Vec::new, |it| it.reasons.clone()),
            excused: if is_likely {
                idle(registration)
            } else {
                Vec::new()
            },
            loses: if in_table.is_some() || is_likely {
                namers(registration).collect()
            } else {
                Vec::new()
            },
            outcome: self.outcome(registration, is_likely),
        }
    }

    /// What the evidence says; `None` for a certain ghost, and with `in_table`, where the caller
    /// has decided.
    fn weigh(&self, registration: &Registration) -> Option<Weighed> {
        if self.options.in_table.is_some() || !is_nameless(registration, self.pid) {
            return None;
        }
        let evidence = registration.evidence.as_ref()?;
        Some(evidence.weigh(self.snapshot, self.instance, registration))
    }

    /// What is to be done about a registration whose fd does not name its file everywhere.
    fn outcome(&self, registration: &Registration, is_likely: bool) -> Outcome {
        if !self.instance.is_certain {
            return Outcome::kept(
                "it is not certain who holds the instance: kcmp(2) is not permitted",
                "run as root, or with CAP_SYS_PTRACE",
            );
        }
        match self.options.in_table {
            Some(table) if is_nameless(registration, table) => {}
            Some(table) if namers(registration).any(|pid| pid == table) => {
                return self.live(registration, table);
            }
            None if registration.is_ghost() => {}
            None if is_likely && self.is_wanted(registration) => {}
            None if is_likely => return self.does_no_harm(registration),
            None => match namers(registration).next() {
                Some(pid) => return self.live(registration, pid),
                None => return not_told(),
            },
            Some(_) => return not_told(),
        }
        if registration.held_by.is_empty() {
            return out_of_sight(registration);
        }
        Outcome::Planned
    }

    /// True if a likely ghost is to be removed: it is asked for, or the process spins on it.
    fn is_wanted(&self, registration: &Registration) -> bool {
        let evidence = registration.evidence.as_ref();
        let is_spinning = evidence.is_some_and(|it| it.is_surely_spinning(registration, self.pid));
        self.options.likely || is_spinning
    }

    fn does_no_harm(&self, registration: &Registration) -> Outcome {
        let pid = self.pid;
        let who = registration
            .evidence
            .as_ref()
            .map_or(0, |it| it.origin.namer);
        let may_spin = (registration.evidence.as_ref())
            .is_some_and(|it| it.is_spinning(registration, self.pid));
        let doubt = if may_spin {
            "had too little time to say surely that it spins on it"
        } else {
            "does not spin on it"
        };
        Outcome::kept(
            format!("it is likely a ghost, but process {pid} {doubt}"),
            format!(
                "--likely removes it all the same: {} can name the file, and loses it",
                self.snapshot.called(who)
            ),
        )
    }

    fn live(&self, registration: &Registration, pid: u32) -> Outcome {
        let reason = format!("it is live: its fd names its file in process {pid}");
        let mut way_out = format!("have process {pid} remove it, or end that process");
        if pid != self.pid && is_nameless(registration, self.pid) {
            way_out += &format!(
                "; if process {0} made it and process {pid} may lose it: --fd {1} --in-table {0}",
                self.pid, registration.fd
            );
        }
        Outcome::kept(reason, way_out)
    }
}

/// The processes that can name the file and do not wait on the instance, with what their threads
/// had done when the watch ended.
fn idle(registration: &Registration) -> Vec<Excused> {
    let namers = registration.evidence.iter().flat_map(|it| &it.namers);
    let excused = namers.map(|it| Excused {
        pid: it.pid,
        threads: it.threads.clone(),
    });
    excused.collect()
}

/// The processes that can name the file by the registration's fd.
fn namers(registration: &Registration) -> impl Iterator<Item = u32> + '_ {
    let tables = registration.tables.iter();
    let same = tables.filter(|table| table.meaning == Meaning::Same);
    same.map(|table| table.pid)
}

/// True if the fd is known not to name the file in a process's table.
fn is_nameless(registration: &Registration, pid: u32) -> bool {
    let is_elsewhere = |table: &InTable| matches!(table.meaning, Meaning::Closed | Meaning::Other);
    let mut tables = registration.tables.iter();
    tables.any(|table| table.pid == pid && is_elsewhere(table))
}

fn not_told() -> Outcome {
    Outcome::kept(
        "whether its fd names its file could not be told",
        "run as root, or with CAP_SYS_PTRACE",
    )
}

fn out_of_sight(registration: &Registration) -> Outcome {
    let what = match registration.kind {
        Some(Kind::Socket) => "socket",
        _ => "file",
    };
    Outcome::kept(
        format!(
            "no process in sight has its {what} open: it is in a message, in an io_uring, or with a \
             process that may not be looked at"
        ),
        "have the message received or the socket it waits in closed; as root all processes are in \
         sight; else restart the process",
    )
}
