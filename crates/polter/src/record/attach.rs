//! What is there when a recording of running processes begins: a snapshot, as of the first line.
//!
//! ```text
//!   recorder on ──▶ snapshot ──▶ what was recorded meanwhile ──▶ lines
//!                       └─ changes made to it ◀──┘
//! ```
//! A table is read while its process changes it. So the changes that were recorded meanwhile are made to the snapshot: each
//! says what an fd names from then on, whether the snapshot has seen that already or not. Where it is not told what
//! changed (an exec, close_range), another snapshot is taken.

use std::collections::BTreeSet;
use std::io::Write;

use polter_judge::{Past, PastInstance, PastName, PastProcess, PastRegistration};
use polter_record::{Change, Recorder, Scope};
use polter_scan::{Choice, Limits, Proc, Snapshot};

use crate::failure::Failure;
use crate::past;

/// Snapshots that are taken until nothing unclear happens meanwhile.
const TRIES: usize = 3;

/// Takes the snapshot, and writes it at the head of the recording.
pub(crate) fn begin<W: Write>(recorder: &mut Recorder<W>, scope: &Scope) -> Result<(), Failure> {
    let mut past = Past::default();
    let mut unclear = 0;
    for _ in 0..TRIES {
        let proc = Proc::live();
        let of = match scope {
            Scope::Processes { pids, .. } => polter_scan::Scope::Pids(pids.clone()),
            Scope::Cgroup { .. } | Scope::All => polter_scan::Scope::All,
        };
        let snapshot = Snapshot::take_by(&proc, &of, Choice::Auto, &Limits::default())?;
        past = past::of(&proc, &snapshot);
        keep(&mut past, |pid| match scope {
            Scope::Processes { pids, .. } => pids.contains(&pid),
            Scope::Cgroup { path, .. } => is_in(&proc, pid, path),
            Scope::All => true,
        });
        let changes = recorder.skip().map_err(Failure::recorder)?;
        let is_unclear = |it: &&Change| matches!(it, Change::Unclear { .. });
        unclear = changes.iter().filter(is_unclear).count();
        changes
            .into_iter()
            .for_each(|change| make(&mut past, change));
        if unclear == 0 {
            break;
        }
    }
    let mut head = past.to_string();
    if unclear > 0 {
        // Which fds they closed is not known: as if they had been lost.
        head += &format!("# lost {unclear} events\n");
    }
    for process in &past.processes {
        let threads = process.threads.iter().copied();
        recorder.know(std::iter::once(process.pid).chain(threads));
    }
    recorder.comment(&head).map_err(Failure::Write)
}

/// Keeps what is about recorded processes: theirs, their instances, and whoever shares these.
fn keep(past: &mut Past, is_recorded_fn: impl Fn(u32) -> bool) {
    let is_recorded = |name: &PastName| is_recorded_fn(name.pid);
    past.instances.retain(|it| it.names.iter().any(is_recorded));
    let mut sharers = BTreeSet::new();
    for instance in &past.instances {
        sharers.extend(instance.names.iter().map(|name| name.pid));
        for it in &instance.registrations {
            sharers.extend(it.held_by.iter().map(|(pid, _)| *pid));
        }
    }
    let is_kept = |pid: u32| sharers.contains(&pid) || is_recorded_fn(pid);
    past.processes.retain(|it| is_kept(it.pid));
    for process in &mut past.processes {
        // The kernel's walk lists no fds but those it needs.
        process.open = open_fds(process.pid);
    }
}

fn open_fds(pid: u32) -> Vec<i32> {
    let listed = std::fs::read_dir(format!("/proc/{pid}/fd"));
    let listed = listed.into_iter().flatten().flatten();
    let mut fds: Vec<i32> = listed
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    fds.sort_unstable();
    fds
}

/// True if a process is in a cgroup or below it, by `/proc/PID/cgroup`.
fn is_in(proc: &Proc, pid: u32, cgroup: &str) -> bool {
    let text = proc.bytes(pid, "cgroup").unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let of_it = text.lines().find_map(|line| line.strip_prefix("0::"));
    let below = of_it.and_then(|it| it.strip_prefix(cgroup));
    below.is_some_and(|rest| cgroup == "/" || rest.is_empty() || rest.starts_with('/'))
}

/// Makes a change to a snapshot that may have seen it already.
fn make(past: &mut Past, change: Change) {
    match change {
        Change::Opened {
            pid,
            fd,
            copy_of,
            is_instance,
            is_cloexec,
        } => {
            // What it named before was closed: what the snapshot has registered under it may be newer, and comes again.
            close(past, pid, fd, true);
            let process = process(past, pid);
            process.open.push(fd);
            if is_instance {
                let name = PastName {
                    pid,
                    fd,
                    is_cloexec,
                };
                let of = copy_of.and_then(|of| instance(past, pid, of));
                match of {
                    Some(instance) => instance.names.push(name),
                    None => past.instances.push(PastInstance {
                        names: vec![name],
                        registrations: Vec::new(),
                    }),
                }
            }
        }
        Change::Closed { pid, fd, is_last } => close(past, pid, fd, is_last),
        Change::Registered {
            pid,
            epfd,
            fd,
            data,
        } => {
            if let Some(instance) = instance(past, pid, epfd) {
                let same = |it: &&mut PastRegistration| it.fd == fd && it.named_in.contains(&pid);
                match instance.registrations.iter_mut().find(same) {
                    Some(known) => known.data = data,
                    None => instance.registrations.push(PastRegistration {
                        fd,
                        data,
                        named_in: vec![pid],
                        held_by: Vec::new(),
                    }),
                }
            }
        }
        Change::Removed { pid, epfd, fd } => {
            if let Some(instance) = instance(past, pid, epfd) {
                let is_it = |it: &PastRegistration| it.fd == fd && it.named_in.contains(&pid);
                instance.registrations.retain(|it| !is_it(it));
            }
        }
        Change::Born { parent, pid, tid } => born(past, parent, pid, tid),
        Change::Gone { pid, tid, is_last } => {
            if is_last {
                end(past, pid);
            } else {
                process(past, pid).threads.retain(|it| *it != tid);
            }
        }
        Change::Unclear { .. } => {}
    }
}

fn process(past: &mut Past, pid: u32) -> &mut PastProcess {
    let at = past.processes.iter().position(|it| it.pid == pid);
    let at = at.unwrap_or_else(|| {
        past.processes.push(PastProcess {
            pid,
            ..PastProcess::default()
        });
        past.processes.len() - 1
    });
    &mut past.processes[at]
}

fn instance(past: &mut Past, pid: u32, fd: i32) -> Option<&mut PastInstance> {
    let is_it = |name: &PastName| (name.pid, name.fd) == (pid, fd);
    past.instances
        .iter_mut()
        .find(|it| it.names.iter().any(is_it))
}

fn close(past: &mut Past, pid: u32, fd: i32, is_last: bool) {
    process(past, pid).open.retain(|it| *it != fd);
    for instance in &mut past.instances {
        instance
            .names
            .retain(|name| (name.pid, name.fd) != (pid, fd));
        for it in &mut instance.registrations {
            it.held_by.retain(|holder| *holder != (pid, fd));
        }
        if is_last {
            let is_it = |it: &PastRegistration| it.fd == fd && it.named_in.contains(&pid);
            instance.registrations.retain(|it| !is_it(it));
        }
        for it in instance.registrations.iter_mut().filter(|it| it.fd == fd) {
            it.named_in.retain(|name| *name != pid);
        }
    }
    past.instances.retain(|it| !it.names.is_empty());
}

fn born(past: &mut Past, parent: u32, pid: u32, tid: u32) {
    if pid == parent {
        let threads = &mut process(past, pid).threads;
        if tid != pid && !threads.contains(&tid) {
            threads.push(tid);
        }
        return;
    }
    if past.processes.iter().any(|it| it.pid == pid) {
        return;
    }
    let open = process(past, parent).open.clone();
    process(past, pid).open = open;
    for instance in &mut past.instances {
        let names = instance.names.clone();
        let inherited = names.into_iter().filter(|name| name.pid == parent);
        instance
            .names
            .extend(inherited.map(|name| PastName { pid, ..name }));
        for it in &mut instance.registrations {
            if it.named_in.contains(&parent) {
                it.named_in.push(pid);
            }
        }
    }
}

fn end(past: &mut Past, pid: u32) {
    past.processes.retain(|it| it.pid != pid);
    for instance in &mut past.instances {
        instance.names.retain(|name| name.pid != pid);
        for it in &mut instance.registrations {
            it.named_in.retain(|name| *name != pid);
            it.held_by.retain(|(holder, _)| *holder != pid);
        }
    }
    past.instances.retain(|it| !it.names.is_empty());
}
