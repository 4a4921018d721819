//! The processes' names, as far as a log shows them: by exec, by `prctl(PR_SET_NAME)`, by `strace -Y`.

use polter_trace::{Call, Event, EventKind, Prefix, unescape};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// Most tasks whose names are kept.
const MAX_NAMES: usize = 1 << 15;

/// The longest name that Linux keeps. Linux: `TASK_COMM_LEN`.
const LONGEST: usize = 15;

/// The name of each live task.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// The task that has no pid yet is 0.
    by_pid: FxHashMap<u32, Arc<str>>,
}

impl Names {
    pub(crate) fn get(&self, pid: u32) -> Option<&str> {
        self.by_pid.get(&pid).map(|name| &**name)
    }

    /// A line may tell a name.
    pub(crate) fn note(&mut self, prefix: &Prefix<'_>, event: Option<&Event<'_>>) {
        let Some(event) = event else { return };
        let pid = event.pid.unwrap_or(0);
        if let Some(command) = prefix.command {
            if self.get(pid).map(str::as_bytes) != Some(command) {
                self.set(pid, command);
            }
            return;
        }
        if let EventKind::Call(call) | EventKind::Exit { call, .. } = &event.kind {
            self.note_call(pid, call);
        }
    }

    fn note_call(&mut self, pid: u32, call: &Call<'_>) {
        let Some(value) = call.returned.number() else {
            return;
        };
        match call.name {
            "execve" | "execveat" if value == 0 => {
                let at = usize::from(call.name == "execveat");
                if let Some(path) = call.args.get(at).and_then(|path| quoted(path.raw)) {
                    let path = unescape(path);
                    let base = path.rsplit(|byte| *byte == b'/').next();
                    self.set(pid, base.unwrap_or_default());
                }
            }
            "prctl" if call.args.get(0).is_some_and(|op| op.raw == b"PR_SET_NAME") => {
                if let Some(name) = call.args.get(1).and_then(|name| quoted(name.raw)) {
                    self.set(pid, &unescape(name));
                }
            }
            "fork" | "vfork" | "clone" | "clone2" | "clone3" => {
                let child = u32::try_from(value).ok().filter(|child| *child > 0);
                if let Some((child, name)) = child.zip(self.by_pid.get(&pid).cloned()) {
                    self.make_room();
                    self.by_pid.entry(child).or_insert(name);
                }
            }
            _ => {}
        }
    }

    /// The task without a pid turns out to have one.
    pub(crate) fn name_root(&mut self, pid: u32) {
        if let Some(name) = self.by_pid.remove(&0) {
            self.by_pid.insert(pid, name);
        }
    }

    fn set(&mut self, pid: u32, name: &[u8]) {
        let name = &name[..name.len().min(LONGEST)];
        self.make_room();
        self.by_pid
            .insert(pid, String::from_utf8_lossy(name).into());
    }

    /// A task is gone.
    pub(crate) fn forget(&mut self, pid: u32) {
        self.by_pid.remove(&pid);
    }

    fn make_room(&mut self) {
        if self.by_pid.len() >= MAX_NAMES {
            self.by_pid.clear();
        }
    }
}

/// The text between quotes.
fn quoted(arg: &[u8]) -> Option<&[u8]> {
    let text = arg.strip_prefix(b"\"")?;
    let end = memchr::memrchr(b'"', text)?;
    Some(&text[..end])
}

#[cfg(test)]
mod tests {
    use super::Names;
    use polter_trace::{Assembler, Line};

    #[test]
    fn a_name_is_that_of_the_program_and_of_its_children() {
        check(
            &[
                "7 execve(\"/usr/sbin/nginx\", [\"nginx\"], 0x7 /* 9 vars */) = 0",
                "7 fork() = 8",
            ],
            &[(7, Some("nginx")), (8, Some("nginx")), (9, None)],
        );
    }

    #[test]
    fn a_program_can_name_itself() {
        check(
            &["7 prctl(PR_SET_NAME, \"a\\33b\") = 0"],
            &[(7, Some("a\u{1b}b"))],
        );
        check(
            &["7<redis-server> close(3) = 0"],
            &[(7, Some("redis-server"))],
        );
    }

    #[test]
    fn a_failed_exec_names_nothing() {
        check(
            &["7 execve(\"/bin/x\", [\"x\"], 0x7) = -1 ENOENT (No such file or directory)"],
            &[(7, None)],
        );
    }

    #[track_caller]
    fn check(lines: &[&str], expected: &[(u32, Option<&str>)]) {
        let (mut names, mut assembler) = (Names::default(), Assembler::default());
        for (line, number) in lines.iter().zip(1..) {
            let line = Line::parse(line.as_bytes());
            let assembled = assembler.push(number, &line);
            names.note(&line.prefix, assembled.event.as_ref());
        }
        for (pid, name) in expected {
            assert_eq!(names.get(*pid), *name, "{pid} after {lines:?}");
        }
    }
}
