//! A process that ends while it is read.

use std::cell::{Cell, RefCell};
use std::io::{BufRead as _, BufReader};
use std::os::fd::AsRawFd as _;
use std::process::{Child, Command, Stdio};

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};

use super::compare::Comparer;
use super::list::Listing;
use super::recheck::Recheck;
use super::view::View;
use crate::proc::Proc;
use crate::request::{Budget, Limits, Scope};
use crate::snapshot::{Instance, Registration};

#[test]
fn what_was_seen_once_is_not_told_of_a_process_that_has_ended() {
    // It is asked whether there is anything to recheck, and then about each registration.
    check(0);
    check(1);
}

#[test]
fn a_holder_that_has_ended_has_no_table() {
    // Its child inherits both, so the fd still names the file there.
    let instance = epoll::create(CreateFlags::empty()).unwrap();
    let file = eventfd(0, EventfdFlags::empty()).unwrap();
    epoll::add(&instance, &file, EventData::new_u64(7), EventFlags::IN).unwrap();
    let mut child = Command::new("sleep").arg("60").spawn().unwrap();
    let _copy = file.try_clone().unwrap();
    drop(file);
    let (own, epfd) = (std::process::id(), instance.as_raw_fd());
    let (proc, comparer) = (Proc::live(), Comparer::new(true));
    let listing = listing(&proc, &comparer, vec![own, child.id()]);
    let view = View::new(&proc, &comparer, &listing.processes);
    let slots = [(own, epfd), (child.id(), epfd)];
    let mut instance = view.instance(&slots, true, &Budget::new(10)).unwrap();
    let tables = |instance: &Instance| {
        let tables = instance.registrations[0].tables.iter();
        tables.map(|table| table.pid).collect::<Vec<_>>()
    };
    let mut both = [own, child.id()];
    both.sort_unstable();
    assert_eq!(tables(&instance), both);
    assert!(!instance.registrations[0].is_ghost());
    let mut text = proc.info(own, epfd).unwrap();
    let info = text.read(|_| true).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    Recheck::new(&view, (own, epfd), text, &instance, &info).once(&mut instance, |_| true);
    assert_eq!(tables(&instance), [own]);
    assert!(instance.registrations[0].is_ghost());
}

/// The process ends after so many questions about its registrations: only plain ones are left then.
#[track_caller]
fn check(questions: usize) {
    let haunted = RefCell::new(haunted());
    let pid = haunted.borrow().id();
    let (proc, comparer) = (Proc::live(), Comparer::new(true));
    let listing = listing(&proc, &comparer, vec![pid]);
    let view = View::new(&proc, &comparer, &listing.processes);
    let epolls = view.names();
    let of_it = epolls.iter().find(|(holder, _)| *holder == pid);
    let name = *of_it.unwrap();
    let mut instance = view.instance(&[name], true, &Budget::new(10)).unwrap();
    assert!(instance.registrations.iter().any(|it| !it.is_plain()));
    let mut text = proc.info(name.0, name.1).unwrap();
    let info = text.read(|_| true).unwrap();
    let mut recheck = Recheck::new(&view, name, text, &instance, &info);
    let asked = Cell::new(0);
    recheck.once(&mut instance, |_| {
        if asked.replace(asked.get() + 1) == questions {
            haunted.borrow_mut().kill().unwrap();
            haunted.borrow_mut().wait().unwrap();
        }
        true
    });
    assert!(instance.registrations.iter().all(Registration::is_plain));
}

/// A process with a ghost.
fn haunted() -> Child {
    let mut child = Command::new(::haunted::binary())
        .args(["dup-ghost", "--linger", "60"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let stdout = child.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    child
}

fn listing(proc: &Proc, comparer: &Comparer, pids: Vec<u32>) -> Listing {
    Listing::of(proc, comparer, &Scope::Pids(pids), &Limits::default()).unwrap()
}
