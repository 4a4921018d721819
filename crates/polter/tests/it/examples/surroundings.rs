//! What an example needs around it: a server, its log, a haunted process, the scenarios, and the
//! hosts it names.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::haunted::{Haunted, can_exorcise};
use crate::polter::{GHOST, HEALTHY, Ran, polter};

/// A directory to run in, and a process to scan.
pub(super) struct Surroundings {
    dir: TempDir,
    haunted: Haunted,
}

impl Surroundings {
    pub(super) fn new() -> Surroundings {
        let dir = TempDir::new().expect("a temporary directory");
        let at = |name: &str| dir.path().join(name);
        for (name, text) in [
            ("log", GHOST),
            ("a.log", GHOST),
            ("b.log", HEALTHY),
            ("server.strace", HEALTHY),
        ] {
            std::fs::write(at(name), text).expect("a log is written");
        }
        std::fs::write(at("a.strace"), HEALTHY).expect("a script is written");
        std::fs::write(at("big.strace"), RACE).expect("a script is written");
        std::fs::write(at("Makefile"), "test:\n\t@true\n").expect("a Makefile is written");
        std::fs::write(at("app.py"), "print('hello')\n").expect("a program is written");
        script(&at("server"), "exit 0");
        std::os::unix::fs::symlink(root().join("scenarios"), at("scenarios")).expect("a link");
        std::fs::create_dir(at("bin")).expect("a directory");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_polter"), at("bin/polter")).expect("a link");
        // The host of an example is this one.
        script(&at("bin/ssh"), "shift; exec sh -c \"$*\"");
        std::fs::create_dir_all(at("home/.local/share/bash-completion/completions"))
            .expect("a directory");
        std::fs::create_dir_all(at("home/.config/fish/completions")).expect("a directory");
        let server = at("haunted-server");
        std::fs::copy(haunted::binary(), &server).expect("a copy of the haunted program");
        let haunted = Haunted::start_as(
            server.as_os_str(),
            &["fork-ghost", "--linger", "120", "--spin"],
        );
        Surroundings { dir, haunted }
    }

    /// Runs an example as a shell would, with this around's process for whatever process it names.
    pub(super) fn run(&self, line: &str) -> Ran {
        let pid = self.haunted.pid();
        let dir = self.dir.path();
        let mut line = line
            .replace("$(pidof server)", &pid)
            .replace("\"$server_pid\"", &pid);
        for named in ["PID", "1234"] {
            line = line
                .split(' ')
                .map(|word| if word == named { pid.as_str() } else { word })
                .collect::<Vec<_>>()
                .join(" ");
        }
        let line = line
            .replace("--name server", "--name haunted-server")
            .replace("--name nginx", "--name haunted-server")
            .replace("/tmp/host-a", "host-a")
            // As many as take a second or two.
            .replace("--random 10000", "--random 200");
        let path = std::env::var("PATH").unwrap_or_default();
        let output = Command::new("bash")
            .args(["-c", &line])
            .current_dir(dir)
            .env("PATH", format!("{}:{path}", dir.join("bin").display()))
            .env("HOME", dir.join("home"))
            .env_remove("NO_COLOR")
            .stdin(Stdio::null())
            .output()
            .expect("a shell runs");
        output.into()
    }
}

/// True if a tool is installed.
pub(super) fn has_tool(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(name).is_file())
}

/// True if strace is there and may trace.
pub(super) fn can_trace() -> bool {
    Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .status()
        .is_ok_and(|status| status.success())
}

/// True if the lab's kernel is built and runs.
pub(super) fn has_lab_kernel() -> bool {
    polter(["lab", "--policy", "close", "--", "true"]).code == Some(0)
}

/// True if ghosts may be removed here.
pub(super) fn may_exorcise() -> bool {
    can_exorcise()
}

/// The source's own directory.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the source is there")
}

fn script(path: &Path, body: &str) {
    std::fs::write(path, format!("#!/bin/sh\n{body}\n")).expect("a script is written");
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(path, mode).expect("a script may be run");
}

/// Two tasks that write and wait.
const RACE: &str = "\
100 epoll_create1(0) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 fork() = 101
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, -1) = 1
101 write(5, \"x\", 1) = 1
";
