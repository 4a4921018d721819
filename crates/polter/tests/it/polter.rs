//! Runs the binary, and has logs for it.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A child keeps what its parent closes.
pub(crate) const GHOST: &str = "\
100 epoll_create1(EPOLL_CLOEXEC) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 fork() = 101
100 close(4) = 0
100 write(5, \"x\", 1) = 1
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1
";

/// Nothing is wrong with this one.
pub(crate) const HEALTHY: &str = "\
100 epoll_create1(EPOLL_CLOEXEC) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 write(5, \"x\", 1) = 1
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1
100 epoll_ctl(3, EPOLL_CTL_DEL, 4, NULL) = 0
100 close(4) = 0
";

/// A healthy log with a line nobody can read, the second.
pub(crate) const TORN: &str = "\
100 epoll_create1(EPOLL_CLOEXEC) = 3
100 pipe2([4, 5]], 0 = 0
100 eventfd2(0, 0) = 6
100 epoll_ctl(3, EPOLL_CTL_ADD, 6, {events=EPOLLIN, data={u32=6, u64=6}}) = 0
100 epoll_ctl(3, EPOLL_CTL_DEL, 6, NULL) = 0
100 close(6) = 0
";

/// What came of a run.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Ran {
    pub(crate) fn out(&self) -> String {
        String::from_utf8(self.stdout.clone()).expect("reports are UTF-8")
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Ran {
        Ran {
            code: output.status.code(),
            stdout: output.stdout,
            stderr: output.stderr,
        }
    }
}

/// The binary, with nothing from this environment that would change its output.
pub(crate) fn command(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polter"));
    command
        .args(args)
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::null());
    command
}

/// Runs it to its end.
pub(crate) fn polter(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ran {
    command(args).output().expect("polter runs").into()
}

/// Runs it with something piped in.
pub(crate) fn polter_with_stdin(args: &[&str], stdin: &[u8]) -> Ran {
    let mut command = command(args);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("polter starts");
    // It may end without reading.
    let _ = child.stdin.take().expect("piped").write_all(stdin);
    child.wait_with_output().expect("polter runs").into()
}

/// Logs in files that go away.
pub(crate) struct Logs {
    dir: TempDir,
}

impl Logs {
    pub(crate) fn new() -> Logs {
        Logs {
            dir: TempDir::new().expect("a temporary directory"),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).expect("the log is written");
        path
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }
}
