//! A test suite's own question: does this process, or a child, have a ghost?
//!
//! Those that look at all of their process have one of their own: a process that another test
//! starts holds, for the moment before it execs, whatever this one has open.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::panic::catch_unwind;
use std::process::Command;
use std::sync::mpsc;

use polter_scan::{
    Choice, Class, InTable, Instance, Limits, Meaning, Proc, Scope, Snapshot, assert_no_ghosts,
    assert_no_ghosts_in, ghosts_in,
};
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};

use crate::haunted::{Haunted, can_compare};

#[test]
fn a_clean_process_passes_and_a_haunted_one_does_not() {
    if can_compare() {
        run_alone("assertion::haunting_itself");
    }
}

#[test]
#[ignore = "a subprocess"]
fn haunting_itself() {
    let (instance, file) = registered();
    assert_no_ghosts();
    let copy = file.try_clone().unwrap();
    drop(file);
    let panic = catch_unwind(assert_no_ghosts).unwrap_err();
    let said = panic.downcast_ref::<String>().unwrap();
    assert!(said.contains("dup-ghost"), "{said}");
    assert!(said.contains("EPOLL_CTL_DEL before the close"), "{said}");
    drop(copy);
    assert_no_ghosts();
    drop(instance);
}

#[test]
fn a_child_is_looked_at_by_its_pid() {
    if !can_compare() {
        return;
    }
    let healthy = Haunted::start("healthy", &[]);
    assert_no_ghosts_in(healthy.pid());
    let haunted = Haunted::start("fork-ghost", &[]);
    let ghosts = ghosts_in(haunted.pid()).unwrap();
    assert_eq!(ghosts[0].class, Class::ForkGhost);
    let pid = haunted.pid();
    assert!(catch_unwind(|| assert_no_ghosts_in(pid)).is_err());
}

#[test]
fn what_a_thread_with_its_own_table_names_is_no_ghost() {
    if can_compare() {
        run_alone("assertion::a_thread_with_its_own_table");
    }
}

#[test]
#[ignore = "a subprocess"]
fn a_thread_with_its_own_table() {
    let (instance, file) = registered();
    let (number, epfd) = (file.as_raw_fd(), instance.as_raw_fd());
    let (closed, is_closed) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        // SAFETY: every fd of the copy is left to the thread's end.
        let unshared = unsafe { libc::unshare(libc::CLONE_FILES) };
        tell.send((unshared, rustix::thread::gettid())).unwrap();
        is_closed.recv().unwrap();
    });
    let (unshared, tid) = told.recv().unwrap();
    assert_eq!(unshared, 0);
    drop(file);
    let own = std::process::id();
    for choice in [Choice::Proc, Choice::Auto] {
        let scope = Scope::Pids(vec![own]);
        let snapshot =
            Snapshot::take_by(&Proc::live(), &scope, choice, &Limits::default()).unwrap();
        let of_it = |it: &&Instance| it.names.iter().any(|name| name.fd == epfd);
        let instance = snapshot.instances.iter().find(of_it).unwrap();
        let registration = &instance.registrations[0];
        assert_eq!(registration.fd, number);
        assert!(!registration.is_ghost(), "{registration:?}");
        let tid = tid.as_raw_nonzero().get().cast_unsigned();
        let theirs = InTable {
            pid: tid,
            meaning: Meaning::Same,
        };
        assert!(registration.tables.contains(&theirs), "{registration:?}");
    }
    closed.send(()).unwrap();
    thread.join().unwrap();
}

#[test]
fn what_cannot_be_seen_is_not_asserted() {
    let panic = catch_unwind(|| assert_no_ghosts_in(u32::MAX)).unwrap_err();
    let said = panic.downcast_ref::<String>().unwrap();
    assert!(
        said.contains("cannot be told: there is no process"),
        "{said}"
    );
}

fn registered() -> (OwnedFd, OwnedFd) {
    let instance = epoll::create(CreateFlags::CLOEXEC).unwrap();
    let file = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
    epoll::add(&instance, &file, EventData::new_u64(7), EventFlags::IN).unwrap();
    (instance, file)
}

/// One test of this program, in a process of its own.
#[track_caller]
fn run_alone(test: &str) {
    let mut program = Command::new(std::env::current_exe().unwrap());
    let ran = program.args(["--exact", test, "--ignored"]).output();
    let ran = ran.unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
}
