//! Which permission is missing for a purpose, and the line that grants it on this host.

use super::here::{
    CAP_BPF, CAP_DAC_READ_SEARCH, CAP_PERFMON, CAP_SYS_ADMIN, CAP_SYS_PTRACE, Container, Here,
};

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To have the kernel walk its tables and count calls.
    UseBpf,
    /// To have the kernel record calls.
    #[cfg(feature = "bpf")]
    Record,
    /// To look into another process: its fds, what its threads wait for, copies of its files.
    LookInside,
    /// To see other users' processes.
    SeeAll,
}

/// What is missing for a purpose, what it would show, and the line that grants it. `verb` is the command that was given,
/// such as `polter why 4121`. Empty if nothing is known to be missing.
pub(crate) fn advice(here: &Here, purpose: Purpose, verb: &str) -> Vec<String> {
    let (wanted, shows) = match purpose {
        Purpose::UseBpf => (
            &[CAP_BPF, CAP_PERFMON][..],
            "the kernel would walk its own tables and count calls: every holder, every report, and whether anybody acts on it",
        ),
        #[cfg(feature = "bpf")]
        Purpose::Record => (
            &[CAP_BPF, CAP_PERFMON][..],
            "the kernel would record calls, of any process",
        ),
        Purpose::LookInside => (
            &[CAP_SYS_PTRACE][..],
            "what its threads wait for, and which of its files are ready",
        ),
        Purpose::SeeAll => (
            &[CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH][..],
            "other users' processes, and what they keep open",
        ),
    };
    let uses_bpf = !matches!(purpose, Purpose::LookInside | Purpose::SeeAll);
    let instead = match purpose {
        Purpose::UseBpf => "; /proc is read instead",
        _ => "",
    };
    let is_admin = here.can(CAP_SYS_ADMIN) && uses_bpf;
    let missing: Vec<u32> = wanted
        .iter()
        .copied()
        .filter(|it| !here.can(*it) && !is_admin)
        .collect();
    let mut lines = Vec::new();
    if uses_bpf && !here.has_sysfs {
        lines.push(format!("/sys is not mounted here, and the kernel's types are in it: mount -t sysfs sysfs /sys; with it: {shows}"));
    } else if uses_bpf && !here.has_types {
        lines.push(format!("this kernel does not show its types (/sys/kernel/btf/vmlinux): it needs CONFIG_DEBUG_INFO_BTF{instead}"));
        return lines;
    }
    if uses_bpf && here.is_locked_down {
        lines.push(format!("the kernel is locked down (confidentiality in /sys/kernel/security/lockdown), and lets no program read its memory{instead}"));
        return lines;
    }
    if !missing.is_empty() {
        let names: Vec<&str> = missing.iter().map(|it| name(*it)).collect();
        lines.push(format!(
            "missing: {} (CapEff in /proc/self/status); with it: {shows}",
            names.join(", ")
        ));
        lines.extend(grants(here, wanted, verb));
    } else if here.is_filtered {
        lines.push(format!("a seccomp filter judges this process's calls (Seccomp: 2 in /proc/self/status) and refuses this one; without: {shows}"));
        lines.push(unfiltered(here, verb));
    }
    if purpose == Purpose::LookInside && missing.contains(&CAP_SYS_PTRACE) {
        lines.extend(yama(here));
    }
    if here.is_hidden && purpose == Purpose::SeeAll {
        lines.push("/proc is mounted with hidepid: mount -o remount,hidepid=0 /proc shows all processes to all".to_owned());
    }
    lines
}

/// The line that grants some capabilities here.
fn grants(here: &Here, wanted: &[u32], verb: &str) -> Vec<String> {
    let bare = |it: &u32| name(*it).trim_start_matches("CAP_").to_owned();
    let added: Vec<String> = wanted
        .iter()
        .map(|it| format!("--cap-add {}", bare(it)))
        .collect();
    let added = added.join(" ");
    match here.container {
        Some(Container::Kubernetes) => vec![
            "kubectl debug -it POD --image=IMAGE_WITH_POLTER --target=CONTAINER --profile=sysadmin".to_owned(),
            format!("or from the node, in a pod with hostPID: true and capabilities: {}", wanted.iter().map(bare).collect::<Vec<_>>().join(", ")),
        ],
        Some(kind @ (Container::Docker | Container::Podman)) => {
            let tool = if kind == Container::Docker { "docker" } else { "podman" };
            vec![format!("{tool} run {added} --pid=host …   (or from the host: sudo {verb})")]
        }
        Some(Container::Other) => vec![format!("in the container: give it {}; or from the host, as root: {verb}", wanted.iter().map(|it| name(*it)).collect::<Vec<_>>().join(", "))],
        None if here.is_root => vec!["root has lost it: look at how this session was made (systemd's CapabilityBoundingSet, capsh)".to_owned()],
        None => {
            let lower: Vec<String> = wanted.iter().map(|it| name(*it).to_lowercase()).collect();
            vec![
                format!("sudo {verb}"),
                format!("or once for all: sudo setcap {}+ep \"$(command -v polter)\"", lower.join(",")),
            ]
        }
    }
}

fn unfiltered(here: &Here, verb: &str) -> String {
    match here.container {
        Some(Container::Docker) => "docker run --security-opt seccomp=unconfined …".to_owned(),
        Some(Container::Podman) => "podman run --security-opt seccomp=unconfined …".to_owned(),
        Some(Container::Kubernetes) => {
            "securityContext: {seccompProfile: {type: Unconfined}}".to_owned()
        }
        _ => format!("start it without the filter: {verb}"),
    }
}

fn yama(here: &Here) -> Option<String> {
    match here.yama? {
        1 => Some("kernel.yama.ptrace_scope is 1: a process may look into its descendants only; or: sudo sysctl kernel.yama.ptrace_scope=0".to_owned()),
        2 => Some("kernel.yama.ptrace_scope is 2: only CAP_SYS_PTRACE may".to_owned()),
        3 => Some("kernel.yama.ptrace_scope is 3: nobody may until the next boot".to_owned()),
        _ => None,
    }
}

const fn name(capability: u32) -> &'static str {
    match capability {
        CAP_DAC_READ_SEARCH => "CAP_DAC_READ_SEARCH",
        CAP_SYS_PTRACE => "CAP_SYS_PTRACE",
        CAP_SYS_ADMIN => "CAP_SYS_ADMIN",
        CAP_PERFMON => "CAP_PERFMON",
        _ => "CAP_BPF",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: u64 = u64::MAX;

    #[test]
    fn who_may_do_it_all_is_advised_nothing() {
        let here = here(ALL);
        for purpose in [
            Purpose::UseBpf,
            Purpose::Record,
            Purpose::LookInside,
            Purpose::SeeAll,
        ] {
            assert_eq!(advice(&here, purpose, "polter why 1"), Vec::<String>::new());
        }
    }

    #[test]
    fn a_user_is_told_of_sudo_and_of_setcap() {
        let told = advice(&here(0), Purpose::UseBpf, "polter why 7");
        check(
            &told,
            &[
                "CAP_BPF, CAP_PERFMON",
                "sudo polter why 7",
                "setcap cap_bpf,cap_perfmon+ep",
            ],
        );
    }

    #[test]
    fn each_kind_of_container_has_its_own_line() {
        for (container, line) in [
            (
                Container::Docker,
                "docker run --cap-add BPF --cap-add PERFMON",
            ),
            (
                Container::Podman,
                "podman run --cap-add BPF --cap-add PERFMON",
            ),
            (Container::Kubernetes, "kubectl debug"),
            (Container::Other, "from the host, as root: polter why 7"),
        ] {
            let here = Here {
                container: Some(container),
                ..here(0)
            };
            check(&advice(&here, Purpose::UseBpf, "polter why 7"), &[line]);
        }
    }

    #[test]
    fn yama_hidepid_seccomp_lockdown_and_missing_types_are_named() {
        let yama = Here {
            yama: Some(1),
            ..here(0)
        };
        check(
            &advice(&yama, Purpose::LookInside, "polter why 7"),
            &["ptrace_scope is 1", "sysctl"],
        );
        let hidden = Here {
            is_hidden: true,
            ..here(0)
        };
        check(
            &advice(&hidden, Purpose::SeeAll, "polter scan"),
            &["hidepid"],
        );
        let filtered = Here {
            is_filtered: true,
            ..here(ALL)
        };
        check(
            &advice(&filtered, Purpose::UseBpf, "polter why 7"),
            &["seccomp filter"],
        );
        let locked = Here {
            is_locked_down: true,
            ..here(ALL)
        };
        check(
            &advice(&locked, Purpose::UseBpf, "polter why 7"),
            &["locked down"],
        );
        let bare = Here {
            has_sysfs: false,
            has_types: false,
            ..here(ALL)
        };
        check(
            &advice(&bare, Purpose::UseBpf, "polter why 7"),
            &["mount -t sysfs"],
        );
        let plain = Here {
            has_types: false,
            ..here(ALL)
        };
        check(
            &advice(&plain, Purpose::UseBpf, "polter why 7"),
            &["CONFIG_DEBUG_INFO_BTF"],
        );
    }

    #[test]
    fn nothing_is_read_instead_of_a_recording() {
        for here in [
            Here {
                is_locked_down: true,
                ..here(ALL)
            },
            Here {
                has_types: false,
                ..here(ALL)
            },
        ] {
            let said = |purpose| advice(&here, purpose, "polter record --all").join("\n");
            assert!(said(Purpose::UseBpf).ends_with("; /proc is read instead"));
            let said = said(Purpose::Record);
            assert!(
                !said.contains("instead") && said.contains("/sys/kernel/"),
                "{said}"
            );
        }
    }

    fn here(capabilities: u64) -> Here {
        Here {
            capabilities,
            has_sysfs: true,
            has_types: true,
            ..Here::default()
        }
    }

    #[track_caller]
    fn check(told: &[String], parts: &[&str]) {
        let told = told.join("\n");
        for part in parts {
            assert!(told.contains(part), "{part} is not in {told}");
        }
    }
}
