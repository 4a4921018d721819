//! Haunted programs for the command to scan.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, ErrorKind, Lines, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::polter::polter;

/// A haunted program; it ends with this value.
pub(crate) struct Haunted {
    pub(crate) child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Haunted {
    /// Starts it and waits until it is haunted.
    pub(crate) fn start(words: &[&str]) -> Haunted {
        Haunted::start_as(haunted::binary().as_os_str(), words)
    }

    /// The same, for a copy of this name, in this directory.
    pub(crate) fn start_named(dir: &std::path::Path, name: &[u8], words: &[&str]) -> Haunted {
        use std::os::unix::ffi::OsStrExt as _;
        let copy = dir.join(OsStr::from_bytes(name));
        // One that runs cannot be written to.
        if !copy.exists() {
            std::fs::copy(haunted::binary(), &copy).unwrap();
        }
        Haunted::start_as(copy.as_os_str(), words)
    }

    /// The same, for a copy of the program.
    pub(crate) fn start_as(binary: &OsStr, words: &[&str]) -> Haunted {
        let mut command = Command::new(binary);
        command
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        // A copy that was just written can be busy still: another test's fork holds the fd it was written by.
        let mut child = loop {
            match command.spawn() {
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {}
                spawned => break spawned.expect("haunted starts"),
            }
        };
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        assert_eq!(lines.next().unwrap().unwrap(), "ready");
        Haunted { child, lines }
    }

    pub(crate) fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// Closes its standard input; true if it ends well, and its last words.
    pub(crate) fn end(mut self) -> (bool, String) {
        drop(self.child.stdin.take());
        let words = self.lines.next().map(Result::unwrap).unwrap_or_default();
        (self.child.wait().unwrap().success(), words)
    }
}

impl Drop for Haunted {
    fn drop(&mut self) {
        // Its children die with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// True if ghosts can be removed here; says aloud if not.
pub(crate) fn can_exorcise() -> bool {
    let haunted = Haunted::start(&["dup-ghost", "--linger", "60"]);
    let ran = polter(["exorcise", "--yes", &haunted.pid()]);
    let can = ran.out().contains("removed");
    if !can {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: kcmp(2) or pidfd_getfd(2) is not permitted here, and no ghost can be removed"
        );
    }
    can
}
