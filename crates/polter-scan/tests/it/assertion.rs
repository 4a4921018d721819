//! A test suite's own question: does this process, or a child, have a ghost?
//!
//! Other tests run in this process and leave no ghosts, so each of these may look at all of it.

use std::os::fd::OwnedFd;
use std::panic::catch_unwind;
use std::sync::Mutex;

use polter_scan::{Class, assert_no_ghosts, assert_no_ghosts_in, ghosts_in};
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};

use crate::haunted::{Haunted, can_compare};

/// One of these at a time: they haunt the process that all of them look at.
static HAUNTING: Mutex<()> = Mutex::new(());

#[test]
fn a_clean_process_passes_and_a_haunted_one_does_not() {
    if !can_compare() {
        return;
    }
    let _alone = HAUNTING
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
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
