//! From the options to the processes that are recorded.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use polter_record::Scope;
use polter_trace::escape;

use super::held::Held;
use crate::cli::{RecordArgs, Targets};
use crate::failure::Failure;

/// Whom the options name.
pub(super) fn scope(args: &RecordArgs, held: Option<&Held>) -> Result<Scope, Failure> {
    if let Some(held) = held {
        return Ok(Scope::Processes {
            pids: vec![held.pid()],
            follows: true,
        });
    }
    scope_of(&args.targets, args.follow)
}

/// Running processes; with `follows`, their descendants too.
pub(crate) fn scope_of(targets: &Targets, follows: bool) -> Result<Scope, Failure> {
    if targets.all {
        return Ok(Scope::All);
    }
    if let Some(path) = &targets.cgroup {
        return cgroup(path);
    }
    let mut pids = targets.pids.clone();
    for pid in &pids {
        let path = PathBuf::from(format!("/proc/{pid}"));
        fs::metadata(&path).map_err(Failure::read(&path))?;
    }
    let mut at = 0;
    while follows && at < pids.len() {
        for child in children(pids[at]) {
            if !pids.contains(&child) {
                pids.push(child);
            }
        }
        at += 1;
    }
    Ok(Scope::Processes { pids, follows })
}

/// The children of a process, by all its threads.
fn children(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task"));
    let tasks = tasks.into_iter().flatten().flatten();
    let listed = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let mut pids = Vec::new();
    for children in listed {
        let numbers = children.split_ascii_whitespace();
        pids.extend(numbers.filter_map(|pid| pid.parse::<u32>().ok()));
    }
    pids
}

/// A cgroup, by its folder: whole, or as `/proc/PID/cgroup` has it.
fn cgroup(path: &Path) -> Result<Scope, Failure> {
    let root = hierarchy().ok_or(Failure::NoCgroups)?;
    let folder = match path.strip_prefix(&root) {
        Ok(_) => path.to_owned(),
        Err(_) => root.join(path.strip_prefix("/").unwrap_or(path)),
    };
    let folder = folder.canonicalize().map_err(Failure::read(&folder))?;
    let id = fs::metadata(&folder).map_err(Failure::read(&folder))?.ino();
    let below = folder.strip_prefix(&root).unwrap_or(Path::new(""));
    let path = format!("/{}", below.display());
    Ok(Scope::Cgroup { id, path })
}

/// Where the hierarchy of cgroup2 is mounted.
fn hierarchy() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let mut of_it = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (_, place, kind) = (words.next()?, words.next()?, words.next()?);
        (kind == "cgroup2").then(|| PathBuf::from(place))
    });
    of_it.next()
}

/// The recording's first line: who has recorded whom, on what.
pub(super) fn header(args: &RecordArgs) -> String {
    if args.command.is_empty() {
        header_of_targets(&args.targets)
    } else {
        header_of(&args.command)
    }
}

/// The same for running processes.
pub(crate) fn header_of_targets(targets: &Targets) -> String {
    with_version(&if targets.all {
        "all processes".to_owned()
    } else if let Some(cgroup) = &targets.cgroup {
        format!("cgroup {}", escape(cgroup.as_os_str().as_encoded_bytes()))
    } else {
        let pids: Vec<String> = targets.pids.iter().map(u32::to_string).collect();
        format!("pid {}", pids.join(" "))
    })
}

/// The same for a command.
pub(crate) fn header_of(command: &[OsString]) -> String {
    let words = command.iter();
    let words = words.map(|word| escape(word.as_encoded_bytes()).to_string());
    with_version(&words.collect::<Vec<_>>().join(" "))
}

fn with_version(whom: &str) -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let version = env!("CARGO_PKG_VERSION");
    format!(
        "polter {version} record, by eBPF on Linux {}: {whom}",
        release.trim()
    )
}
