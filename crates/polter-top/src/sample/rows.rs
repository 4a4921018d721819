//! From a snapshot to rows: of processes, of a process's registrations, of a registration's holders.

use std::collections::{BTreeMap, HashMap};

use polter_scan::{Finding, Instance, Kind, Meaning, Registration, Report, Snapshot};

/// A process that has an instance.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    pub(crate) pid: u32,
    /// Printable.
    pub(crate) comm: String,
    pub(crate) instances: usize,
    pub(crate) registrations: usize,
    pub(crate) ghosts: usize,
    /// A second; nothing if it was not counted.
    pub(crate) wakes: Option<f64>,
    /// The part of them that is in vain.
    pub(crate) in_vain: Option<f64>,
    /// Cores.
    pub(crate) cpu: Option<f64>,
}

/// One row for each process with an instance, without counts.
pub(crate) fn rows(snapshot: &Snapshot, report: &Report) -> Vec<Row> {
    let mut rows: BTreeMap<u32, Row> = BTreeMap::new();
    for instance in &snapshot.instances {
        for pid in instance.pids() {
            let row = rows.entry(pid).or_insert_with(|| Row {
                pid,
                comm: comm(snapshot, pid),
                instances: 0,
                registrations: 0,
                ghosts: 0,
                wakes: None,
                in_vain: None,
                cpu: None,
            });
            row.instances += 1;
            row.registrations += instance.registrations.len();
        }
    }
    for finding in report.findings.iter().filter(|it| it.class.is_ghost()) {
        if let Some(row) = rows.get_mut(&finding.pid) {
            row.ghosts += 1;
        }
    }
    rows.into_values().collect()
}

/// A process's name, printable.
fn comm(snapshot: &Snapshot, pid: u32) -> String {
    let process = snapshot.processes.get(&pid);
    process.map_or_else(
        || "?".to_owned(),
        |it| polter_trace::escape(it.comm.as_bytes()).to_string(),
    )
}

/// A registration of one of a process's instances.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Registered {
    /// The instance's first fd in the process.
    pub(crate) instance: i32,
    pub(crate) fd: i32,
    /// Which one it is of those under this fd.
    pub(crate) occurrence: u32,
    pub(crate) events: String,
    pub(crate) kind: &'static str,
    /// What is wrong with it, or what its fd means.
    pub(crate) state: String,
    pub(crate) is_ghost: bool,
}

/// The registrations of a process's instances; ghosts first.
pub(crate) fn registered(snapshot: &Snapshot, report: &Report, pid: u32) -> Vec<Registered> {
    let of_pid = |it: &&Instance| it.names.iter().any(|name| name.pid == pid);
    let findings = by_fd(report);
    let mut all: Vec<Registered> = snapshot
        .instances
        .iter()
        .filter(of_pid)
        .flat_map(|instance| {
            let epfd = instance.fds_of(pid).first().copied().unwrap_or(-1);
            let of_it = instance.registrations.iter();
            let findings = &findings;
            of_it.map(move |registration| {
                let finding = finding_of(findings, instance, registration);
                Registered {
                    instance: epfd,
                    fd: registration.fd,
                    occurrence: registration.occurrence,
                    events: events(registration.events),
                    kind: kind(registration.kind),
                    state: finding.map_or_else(
                        || meaning(registration, pid).to_owned(),
                        |it| format!("{} ({})", it.class.name(), sureness(it)),
                    ),
                    is_ghost: finding.is_some_and(|it| it.class.is_ghost()),
                }
            })
        })
        .collect();
    all.sort_by_key(|it| (!it.is_ghost, it.instance, it.fd, it.occurrence));
    all
}

/// Findings by the fd they are about, and which of its registrations.
type ByFd<'a> = HashMap<(i32, u32), Vec<&'a Finding>>;

fn by_fd(report: &Report) -> ByFd<'_> {
    let mut all = ByFd::new();
    for finding in &report.findings {
        let of_it = all.entry((finding.fd, finding.occurrence)).or_default();
        of_it.push(finding);
    }
    all
}

fn finding_of<'a>(
    findings: &ByFd<'a>,
    instance: &Instance,
    registration: &Registration,
) -> Option<&'a Finding> {
    let of_it = findings.get(&(registration.fd, registration.occurrence))?;
    of_it
        .iter()
        .find(|it| it.instance == instance.names)
        .copied()
}

fn sureness(finding: &Finding) -> String {
    format!("{:?}", finding.sureness).to_lowercase()
}

/// `IN OUT ET`, without what Linux adds.
fn events(bits: u32) -> String {
    let names = [
        (libc::EPOLLIN, "IN"),
        (libc::EPOLLPRI, "PRI"),
        (libc::EPOLLOUT, "OUT"),
        (libc::EPOLLRDHUP, "RDHUP"),
        (libc::EPOLLEXCLUSIVE, "EXCL"),
        (libc::EPOLLONESHOT, "ONESHOT"),
        (libc::EPOLLET, "ET"),
    ];
    let set = names
        .iter()
        .filter(|(bit, _)| bits & bit.cast_unsigned() != 0);
    let set: Vec<&str> = set.map(|(_, name)| *name).collect();
    match set.is_empty() {
        true => "-".to_owned(),
        false => set.join(" "),
    }
}

fn kind(kind: Option<Kind>) -> &'static str {
    match kind {
        None => "?",
        Some(Kind::Socket) => "socket",
        Some(Kind::Pipe) => "pipe",
        Some(Kind::Epoll) => "epoll",
        Some(Kind::Eventfd) => "eventfd",
        Some(Kind::Timerfd) => "timerfd",
        Some(Kind::Signalfd) => "signalfd",
        Some(Kind::Anonymous) => "anonymous",
        Some(Kind::Path) => "file",
    }
}

fn meaning(registration: &Registration, pid: u32) -> &'static str {
    let own = registration.tables.iter().find(|it| it.pid == pid);
    match own.map(|it| it.meaning) {
        Some(Meaning::Same) => "",
        Some(Meaning::Other) => "the fd is another file here",
        Some(Meaning::Closed) => "the fd is closed here",
        Some(Meaning::Unknown) | None => "not known",
    }
}

/// Lines on a registration: what is wrong and what helps, then who has its instance, and who its file.
pub(crate) fn holders(
    snapshot: &Snapshot,
    report: &Report,
    pid: u32,
    of: &Registered,
) -> Vec<String> {
    let is_instance = |it: &&Instance| it.fds_of(pid).contains(&of.instance);
    let Some(instance) = snapshot.instances.iter().find(is_instance) else {
        return Vec::new();
    };
    let is_it = |it: &&Registration| (it.fd, it.occurrence) == (of.fd, of.occurrence);
    let Some(registration) = instance.registrations.iter().find(is_it) else {
        return Vec::new();
    };
    let who = |pid: u32, fd: i32| format!("  {pid} {}, fd {fd}", comm(snapshot, pid));
    let mut lines = Vec::new();
    if let Some(finding) = finding_of(&by_fd(report), instance, registration) {
        lines.push(printable(&finding.summary));
        lines.extend(finding.reasons.iter().map(|it| printable(it)));
        lines.push(format!("fix: {}", printable(&finding.fix)));
        lines.push(String::new());
    }
    lines.push("the instance is held by".to_owned());
    lines.extend(instance.names.iter().map(|name| who(name.pid, name.fd)));
    lines.push("its fd means".to_owned());
    lines.extend(registration.tables.iter().map(|table| {
        let meaning = match table.meaning {
            Meaning::Same => "the registered file",
            Meaning::Other => "another file",
            Meaning::Closed => "nothing: it is closed",
            Meaning::Unknown => "it is not known what",
        };
        format!("  {} {}: {meaning}", table.pid, comm(snapshot, table.pid))
    }));
    if !registration.held_by.is_empty() || registration.nameless.is_some_and(|it| it > 0) {
        lines.push("the file is held by".to_owned());
        lines.extend(
            registration
                .held_by
                .iter()
                .map(|held| who(held.pid, held.fd)),
        );
        if let Some(nameless) = registration.nameless.filter(|it| *it > 0) {
            lines.push(format!(
                "  {nameless} that have no fd: a message, a ring, a call under way"
            ));
        }
    }
    lines
}

fn printable(text: &str) -> String {
    polter_trace::escape(text.as_bytes()).to_string()
}
