//! The container, pod or unit that a process is in, by its cgroup.

use serde::Serialize;

/// Where a process belongs. Names come from whoever made the cgroup, and may hold anything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Place {
    /// Its cgroup's path, as `/proc/PID/cgroup` has it.
    pub cgroup: Option<String>,
    /// The systemd unit: a service, a scope or a slice's last one.
    pub unit: Option<String>,
    /// The container's id, in full.
    pub container: Option<String>,
    /// The Kubernetes pod's uid.
    pub pod: Option<String>,
}

/// Digits of a container's id.
const ID: usize = 64;

impl Place {
    /// Reads `/proc/PID/cgroup`: a line `HIERARCHY:CONTROLLERS:PATH` for each hierarchy. See cgroups(7).
    pub fn of(text: &str) -> Place {
        let path = |line: &str| line.splitn(3, ':').nth(2).map(str::to_owned);
        let unified = text.lines().find(|line| line.starts_with("0::"));
        let line = unified.into_iter().chain(text.lines());
        let path = line.filter_map(path).find(|path| path != "/");
        let Some(path) = path else {
            return Place {
                cgroup: text
                    .lines()
                    .next()
                    .and_then(|line| line.splitn(3, ':').nth(2))
                    .map(str::to_owned),
                ..Place::default()
            };
        };
        let parts = || path.split('/').filter(|part| !part.is_empty());
        let is_unit = |part: &&str| part.ends_with(".service") || part.ends_with(".scope");
        Place {
            unit: parts().rfind(is_unit).map(str::to_owned),
            container: parts().rev().find_map(container),
            pod: parts().find_map(pod),
            cgroup: Some(path),
        }
    }
}

/// The id in `docker-ID.scope`, `cri-containerd-ID.scope`, `crio-ID`, `libpod-ID.scope`, or `ID` alone.
fn container(part: &str) -> Option<String> {
    let name = part.strip_suffix(".scope").unwrap_or(part);
    let id = name.rsplit('-').next()?;
    let is_id = id.len() == ID && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| id.to_owned())
}

/// The uid in `kubepods-burstable-podUID.slice` or `podUID`.
fn pod(part: &str) -> Option<String> {
    let name = part.strip_suffix(".slice").unwrap_or(part);
    let is_within = name.starts_with("kubepods") || name.starts_with("pod");
    let uid = name.rsplit("pod").next().filter(|_| is_within)?;
    // In a slice's name the hyphens of the uid are underscores.
    let uid = uid.replace('_', "-");
    let is_uid = uid.len() == 36
        && uid
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    is_uid.then_some(uid)
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn a_unit_a_container_and_a_pod_are_known_by_their_cgroup() {
        let id = "4e".repeat(32);
        let uid = "6a2f11c8-0f0e-4a51-9c1a-2f1de3a7c001";
        check(
            "0::/system.slice/nginx.service\n",
            Some("nginx.service"),
            None,
            None,
        );
        check(
            "0::/user.slice/user-1000.slice/session-3.scope\n",
            Some("session-3.scope"),
            None,
            None,
        );
        let docker = format!("0::/system.slice/docker-{id}.scope\n");
        check(
            &docker,
            Some(&format!("docker-{id}.scope")),
            Some(&id),
            None,
        );
        let old = format!("12:cpu,cpuacct:/docker/{id}\n11:memory:/docker/{id}\n");
        check(&old, None, Some(&id), None);
        let slice = format!("kubepods-burstable-pod{}.slice", uid.replace('-', "_"));
        let kube = format!("0::/kubepods.slice/{slice}/cri-containerd-{id}.scope\n");
        check(
            &kube,
            Some(&format!("cri-containerd-{id}.scope")),
            Some(&id),
            Some(uid),
        );
        let plain = format!("0::/kubepods/besteffort/pod{uid}/{id}\n");
        check(&plain, None, Some(&id), Some(uid));
        check("0::/\n", None, None, None);
        check("", None, None, None);
        check("::::\n\0", None, None, None);
    }

    #[track_caller]
    fn check(text: &str, unit: Option<&str>, container: Option<&str>, pod: Option<&str>) {
        let place = Place::of(text);
        assert_eq!(place.unit.as_deref(), unit);
        assert_eq!(place.container.as_deref(), container);
        assert_eq!(place.pod.as_deref(), pod);
    }
}
