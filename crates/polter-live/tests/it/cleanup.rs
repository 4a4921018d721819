//! No process is left, however the supervisor ends.
//!
//! A worker's command line begins with its supervisor's entry in `/proc`, and
//! that is how it is found.

use crate::world::{THREAD, World, epoll, wait};
use eventpoll::{Pid, Syscall};
use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Which confinement the supervisor is to use; set for [`a_supervisor`] only.
const CONFINEMENT: &str = "POLTER_TEST_CONFINEMENT";

#[test]
fn a_killed_supervisor_leaves_no_process() {
    for confinement in ["namespace", "subreaper"] {
        let (mut child, _) = supervisor(confinement);
        assert!(workers_of(child.id()) >= 4, "{confinement}");
        child.kill().unwrap();
        child.wait().unwrap();
        check_none_left(child.id());
    }
}

#[test]
fn a_dropped_executor_leaves_no_process() {
    for confinement in ["namespace", "subreaper"] {
        let (mut child, mut answers) = supervisor(confinement);
        child.stdin.as_mut().unwrap().write_all(b"drop\n").unwrap();
        wait_for_line(&mut answers, "dropped");
        assert_eq!(workers_of(child.id()), 0, "{confinement}");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
#[ignore = "the subprocess of the others"]
fn a_supervisor() {
    let mut world = match env::var(CONFINEMENT).as_deref() {
        Ok("namespace") => World::new(),
        Ok(_) => World::without_namespace(),
        Err(_) => return,
    };
    world.ok(100, &epoll());
    world.fork(100, 101);
    world.blocks(101, &wait(3, 8, -1));
    world.fork(100, 102);
    world.ok(102, &Syscall::Execve);
    world.makes(102, &Syscall::Clone { flags: THREAD }, 103);
    // An orphan, which must not be forgotten either.
    world.fork(100, 104);
    world.fork(104, 105);
    world.goes(104, &crate::world::exit());
    world.makes(100, &Syscall::Vfork, 106);
    assert!(world.0.blocked().eq([Pid(100), Pid(101)]));
    say("ready");
    io::stdin().read_line(&mut String::new()).unwrap();
    drop(world);
    say("dropped");
    io::stdin().read_line(&mut String::new()).unwrap();
}

#[allow(clippy::print_stdout, reason = "the parent reads it")]
fn say(line: &str) {
    println!("{line}");
}

fn supervisor(confinement: &str) -> (Child, impl BufRead) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "--nocapture",
            "cleanup::a_supervisor",
        ])
        .env(CONFINEMENT, confinement)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap());
    wait_for_line(&mut answers, "ready");
    (child, answers)
}

fn wait_for_line(answers: &mut impl BufRead, wanted: &str) {
    let found = answers.lines().any(|line| line.unwrap().ends_with(wanted));
    assert!(found, "no {wanted:?}");
}

#[track_caller]
fn check_none_left(supervisor: u32) {
    let start = Instant::now();
    while workers_of(supervisor) > 0 {
        assert!(start.elapsed() < Duration::from_secs(5), "workers are left");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn workers_of(supervisor: u32) -> usize {
    let prefix = format!("/proc/{supervisor}/fd/");
    let processes = fs::read_dir("/proc").unwrap();
    let is_worker = |entry: &fs::DirEntry| {
        let command = fs::read(entry.path().join("cmdline"));
        command.is_ok_and(|line| line.starts_with(prefix.as_bytes()))
    };
    processes.filter_map(Result::ok).filter(is_worker).count()
}
