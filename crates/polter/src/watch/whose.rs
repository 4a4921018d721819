//! The name of a process, and the container, pod and unit that it is in, while it lives.

use polter_scan::Proc;
use polter_why::Place;
use serde::Serialize;

/// Where processes are looked up.
pub(crate) struct Whose {
    /// The machine's `/proc`, if the processes are this machine's.
    proc: Option<Proc>,
    pub(crate) machine: Machine,
}

/// The machine that watches.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Machine {
    /// Its name.
    pub(crate) host: Option<String>,
    /// The id of its boot, as `/proc/sys/kernel/random/boot_id` has it.
    pub(crate) boot_id: Option<String>,
}

impl Whose {
    pub(crate) fn new(is_here: bool) -> Whose {
        let read = |path: &str| {
            let text = std::fs::read_to_string(path).ok()?;
            Some(text.trim_end().to_owned())
        };
        Whose {
            proc: is_here.then(Proc::live),
            machine: Machine {
                host: read("/proc/sys/kernel/hostname"),
                boot_id: read("/proc/sys/kernel/random/boot_id"),
            },
        }
    }

    /// The process's name as `/proc` has it.
    pub(crate) fn comm(&self, pid: u32) -> Option<String> {
        let comm = self.proc.as_ref()?.bytes(pid, "comm").ok()?;
        let comm = comm.strip_suffix(b"\n").unwrap_or(&comm);
        Some(String::from_utf8_lossy(comm).into_owned())
    }

    /// The process's cgroup, and what it says.
    pub(crate) fn place(&self, pid: u32) -> Place {
        let text = self
            .proc
            .as_ref()
            .and_then(|proc| proc.bytes(pid, "cgroup").ok());
        text.map_or_else(Place::default, |text| {
            Place::of(&String::from_utf8_lossy(&text))
        })
    }
}
