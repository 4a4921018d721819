//! Reads what this process may do, and where it runs.

use std::fs;
use std::path::Path;

/// Linux: include/uapi/linux/capability.h
pub(super) const CAP_DAC_READ_SEARCH: u32 = 2;
pub(super) const CAP_SYS_PTRACE: u32 = 19;
pub(super) const CAP_SYS_ADMIN: u32 = 21;
pub(super) const CAP_PERFMON: u32 = 38;
pub(super) const CAP_BPF: u32 = 39;

/// What this process may do, as far as a scan needs it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Here {
    /// Its effective capabilities, a bit each; capabilities(7).
    pub(super) capabilities: u64,
    /// True for root in its user namespace.
    pub(super) is_root: bool,
    /// `kernel.yama.ptrace_scope`; `None` if the kernel has no yama.
    pub(super) yama: Option<u8>,
    /// True if `/proc` hides other users' processes; proc(5), `hidepid`.
    pub(super) is_hidden: bool,
    /// True if a seccomp filter judges its calls; proc(5), `Seccomp`.
    pub(super) is_filtered: bool,
    /// True if `/sys` is there: a bare container may lack it.
    pub(super) has_sysfs: bool,
    /// True if the kernel shows its types, which the programs are fitted by.
    pub(super) has_types: bool,
    /// True if the kernel is locked down so far that it shows nobody its memory; kernel_lockdown(7).
    pub(super) is_locked_down: bool,
    /// The kind of container that it runs in.
    pub(super) container: Option<Container>,
}

/// A kind of container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Container {
    /// A pod's.
    Kubernetes,
    /// Docker's.
    Docker,
    /// Podman's.
    Podman,
    /// Another one: the process is in a pid namespace.
    Other,
}

impl Here {
    /// Reads it off `/proc/self` and its surroundings.
    pub(crate) fn now() -> Here {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let status = read("/proc/self/status");
        Here {
            capabilities: status_line(&status, "CapEff:").and_then(hex).unwrap_or(0),
            is_root: rustix::process::geteuid().is_root(),
            yama: read("/proc/sys/kernel/yama/ptrace_scope")
                .trim()
                .parse()
                .ok(),
            is_hidden: hides(&read("/proc/self/mountinfo")),
            is_filtered: status_line(&status, "Seccomp:") == Some("2"),
            has_sysfs: Path::new("/sys/kernel").exists(),
            has_types: Path::new("/sys/kernel/btf/vmlinux").exists(),
            is_locked_down: read("/sys/kernel/security/lockdown").contains("[confidentiality]"),
            container: container(&read("/proc/self/cgroup")),
        }
    }

    pub(super) fn can(&self, capability: u32) -> bool {
        self.capabilities & 1 << capability != 0
    }
}

fn status_line<'a>(status: &'a str, key: &str) -> Option<&'a str> {
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    Some(line.trim())
}

fn hex(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

/// True if `/proc` is mounted with `hidepid`, by `/proc/self/mountinfo`: the options of its file system stand last.
fn hides(mounts: &str) -> bool {
    let is_proc = |line: &&str| line.split(' ').nth(4) == Some("/proc");
    let option = |line: &str| {
        let options = line.rsplit(' ').next().unwrap_or_default();
        let hidden = options
            .split(',')
            .find_map(|it| it.strip_prefix("hidepid="));
        hidden.is_some_and(|value| !matches!(value, "0" | "off"))
    };
    mounts.lines().filter(is_proc).any(option)
}

fn container(cgroup: &str) -> Option<Container> {
    let exists = |path: &str| Path::new(path).exists();
    if std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() || cgroup.contains("kubepods") {
        Some(Container::Kubernetes)
    } else if exists("/run/.containerenv") {
        Some(Container::Podman)
    } else if exists("/.dockerenv") || cgroup.contains("docker") {
        Some(Container::Docker)
    } else {
        is_contained().then_some(Container::Other)
    }
}

/// True in a pid namespace. Linux: `PROC_PID_INIT_INO`.
fn is_contained() -> bool {
    let namespace = fs::read_link("/proc/self/ns/pid");
    namespace.is_ok_and(|target| target.as_os_str() != "pid:[4026531836]")
}

#[cfg(test)]
mod tests {
    use super::hides;

    #[test]
    fn hidepid_is_an_option_of_the_file_system() {
        let line = |options: &str| format!("25 1 0:23 / /proc rw,nosuid - proc proc rw{options}");
        assert!(!hides(&line("")));
        assert!(!hides(&line(",hidepid=off")));
        assert!(hides(&line(",gid=4,hidepid=invisible")));
        assert!(hides(&line(",hidepid=2")));
        assert!(!hides("25 1 0:23 / /other rw - proc proc rw,hidepid=2"));
    }
}
