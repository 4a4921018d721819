//! A registration is put back where a program brings its fd back in the worst moment.

use super::*;
use crate::proc::fdinfo::Row;
use crate::snapshot::{Held, Name, Sureness};
use rustix::event::{EventfdFlags, eventfd};
use rustix::process::{Pid, Signal, WaitOptions};
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, AsRawFd, OwnedFd, RawFd};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::sync::mpsc;

/// Far from the fds that other tests get.
const FAR_FD: i32 = 300;

/// What a process does in [`killed_between_the_two_it_still_puts_back`].
const PART: &str = "POLTER_TEST_PART";

/// How the exorcist ends where a sandbox forbids its work.
const NOT_PERMITTED: i32 = 77;

#[test]
fn what_comes_back_while_it_is_removed_is_put_back() {
    let check = |fd: i32, comes_back: bool, expected: Outcome| {
        let (instance, file) = haunted(fd);
        let before = row(&instance);
        let (pid, of) = (std::process::id(), AsRawFd::as_raw_fd);
        let step = step(pid, of(&instance), of(&file), fd);
        let Some(outcome) = removed_beside(&step, || {
            comes_back.then(|| sys::dup_to(file.as_fd(), fd).unwrap())
        }) else {
            let _ = writeln!(
                io::stderr(),
                "skipped: kcmp(2) or pidfd_getfd(2) is not permitted here"
            );
            return;
        };
        assert_eq!(outcome, expected);
        assert_eq!(row(&instance), before.filter(|_| comes_back));
    };
    check(FAR_FD, true, Outcome::PutBack);
    check(FAR_FD + 1, false, Outcome::Removed);
}

/// Three processes: this test, a program with a ghost, and an exorcist who is killed.
#[test]
fn killed_between_the_two_it_still_puts_back() {
    match std::env::var(PART) {
        Err(_) => {
            let mut program = run_part("program");
            assert!(program.status().unwrap().success());
        }
        Ok(part) if part == "program" => be_exorcised(),
        Ok(part) => exorcise_and_be_killed(&part),
    }
}

fn run_part(part: &str) -> Command {
    const TEST: &str = "exorcise::remove::tests::killed_between_the_two_it_still_puts_back";
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", TEST, "--nocapture"])
        .env(PART, part)
        .stdout(Stdio::null());
    command
}

/// Has a ghost, brings its fd back once the exorcist is dead, and finds its registration.
fn be_exorcised() {
    let own = rustix::process::getpid();
    rustix::process::set_child_subreaper(Some(own)).unwrap();
    let (instance, file) = haunted(FAR_FD);
    let before = row(&instance);
    let numbers = format!("{own} {} {}", instance.as_raw_fd(), file.as_raw_fd());
    let died = run_part(&numbers).status().unwrap();
    if died.code() == Some(NOT_PERMITTED) {
        return;
    }
    assert_eq!(died.signal(), Some(libc::SIGKILL));
    assert_eq!(row(&instance), None);
    let back = sys::dup_to(file.as_fd(), FAR_FD).unwrap();
    // The process that outlived the exorcist is this process's child now.
    while rustix::process::wait(WaitOptions::empty()).is_ok() {}
    assert_eq!(row(&instance), before);
    drop(back);
}

fn exorcise_and_be_killed(numbers: &str) {
    let numbers: Vec<i32> = numbers.split(' ').map(|it| it.parse().unwrap()).collect();
    let [program, instance, file] = numbers[..] else {
        panic!("{numbers:?}")
    };
    let step = step(program.cast_unsigned(), instance, file, FAR_FD);
    let (tables, own) = (Tables::of(&step), rustix::process::getpid());
    let program = Pid::from_raw(program).unwrap();
    let is_there = move || rustix::process::test_kill_process(program).is_ok();
    std::thread::spawn(move || {
        sys::take_empty_table().unwrap();
        remove(&step, FRESH, || {
            rustix::process::kill_process(own, Signal::KILL).unwrap();
            let held = (program.as_raw_nonzero().get().cast_unsigned(), file);
            while is_there() && !tables.name(FAR_FD, held).unwrap_or(true) {
                std::thread::yield_now();
            }
        })
    })
    .join()
    .unwrap()
    .unwrap_err();
    std::process::exit(NOT_PERMITTED);
}

/// Removes in a thread with a table of its own, while this one does what a program does in between.
fn removed_beside(step: &Step, between_fn: impl FnOnce() -> Option<OwnedFd>) -> Option<Outcome> {
    let (removed, is_removed) = mpsc::channel();
    let (answer, is_answered) = mpsc::channel();
    std::thread::scope(|scope| {
        let thread = scope.spawn(move || {
            sys::take_empty_table().ok()?;
            let between = || {
                removed.send(()).unwrap();
                is_answered.recv().unwrap();
            };
            Some(remove(step, FRESH, between).unwrap_or_else(|outcome| outcome))
        });
        let kept = is_removed.recv().ok().and_then(|()| between_fn());
        // Nobody listens if nothing was removed.
        let _ = answer.send(());
        let outcome = thread.join().unwrap();
        drop(kept);
        // Where a sandbox forbids it there is nothing to test.
        outcome.filter(|outcome| !matches!(outcome, Outcome::Kept { .. }))
    })
}

fn step(pid: u32, instance: RawFd, file: RawFd, fd: i32) -> Step {
    let name = Name {
        pid,
        fd: instance,
        is_cloexec: true,
    };
    Step {
        instance: vec![name],
        start_times: vec![Some(Proc::live().stat(pid).unwrap().start_time)],
        among: 1,
        fd,
        occurrence: 0,
        events: 0x19,
        data: 0xfeed,
        held_by: vec![Held {
            pid,
            fd: file,
            is_certain: true,
        }],
        in_table: None,
        loses: Vec::new(),
        sureness: Sureness::Certain,
        reasons: Vec::new(),
        excused: Vec::new(),
        outcome: Outcome::Planned,
    }
}

/// An instance, and a file that is registered in it under an fd that is closed.
fn haunted(fd: i32) -> (OwnedFd, OwnedFd) {
    let instance = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    let file = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
    let numbered = sys::dup_to(file.as_fd(), fd).unwrap();
    let (data, events) = (epoll::EventData::new_u64(0xfeed), epoll::EventFlags::IN);
    epoll::add(&instance, &numbered, data, events).unwrap();
    (instance, file)
}

fn row(instance: &OwnedFd) -> Option<Row> {
    let info = Proc::live().fdinfo(std::process::id(), instance.as_raw_fd());
    info.unwrap().rows.first().copied()
}
