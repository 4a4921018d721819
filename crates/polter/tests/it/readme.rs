//! The README's first program is what it is said to be.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command};

use rustix::process::{Pid, Signal};

use crate::compiler::compile;
use crate::haunted::can_exorcise;
use crate::polter::polter;

const README: &str = include_str!("../../../../README.md");

#[test]
fn the_readmes_program_is_named_and_freed() {
    if !can_exorcise() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let Some(program) = compiled(dir.path()) else {
        return;
    };
    let running = Running::start(&program);
    let pid = running.0.id().to_string();
    // It forks in a moment.
    let scan =
        |options: &[&str]| polter([&["scan", "--fail-on", "ghost", &pid][..], options].concat());
    while scan(&[]).code != Some(1) {}
    for options in [
        &[][..],
        &["--source", "proc"],
        &["--spin=50"],
        &["--spin=50", "--source", "proc"],
    ] {
        let ran = scan(options);
        assert_eq!(ran.code, Some(1), "{options:?}: {}", ran.out());
        let said = [
            "fork ghost (likely)",
            "never waited on the instance",
            "now: polter exorcise",
        ];
        assert!(
            said.iter().all(|words| ran.out().contains(words)),
            "{}",
            ran.out()
        );
    }
    // On a busy machine it may not get a CPU to spin on.
    while !polter(["exorcise", "--yes", &pid])
        .out()
        .contains("removed")
    {}
    until_it_sleeps(running.0.id());
    assert_eq!(scan(&[]).code, Some(0));
}

/// The first block of C, made a program; says aloud where there is no compiler.
fn compiled(dir: &Path) -> Option<std::path::PathBuf> {
    let (_, block) = README.split_once("```c\n").expect("there is one");
    let (source, _) = block.split_once("```").expect("it has an end");
    let (from, program) = (dir.join("ten.c"), dir.join("ten"));
    std::fs::write(&from, source).unwrap();
    compile(&[], &from, &program).then_some(program)
}

/// A loop with something to report never sleeps.
fn until_it_sleeps(pid: u32) {
    let is_asleep = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit(") ")
            .next()
            .is_some_and(|rest| rest.starts_with('S'))
    };
    while !is_asleep() {
        std::thread::yield_now();
    }
}

/// The program and its child, which end with this value.
struct Running(Child);

impl Running {
    fn start(program: &Path) -> Running {
        Running(Command::new(program).process_group(0).spawn().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let group = Pid::from_child(&self.0);
        // They may have ended by themselves.
        let _ = rustix::process::kill_process_group(group, Signal::KILL);
        let _ = self.0.wait();
    }
}
