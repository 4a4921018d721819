//! A process that ends while it is looked at.

use std::cell::{Cell, RefCell};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use super::*;

#[test]
fn what_was_seen_once_is_not_told_of_a_process_that_has_ended() {
    // Asked whether there is anything to look at, and again for each registration.
    check(0);
    check(1);
}

/// Ends when the registrations have been asked about so often: only what is plain is left.
#[track_caller]
fn check(questions: usize) {
    let haunted = RefCell::new(haunted());
    let pid = haunted.borrow().id();
    let proc = Proc::live();
    let comparer = Comparer::new(true);
    let scope = Scope::Pids(vec![pid]);
    let listing = Listing::of(&proc, &comparer, &scope, &Limits::default()).unwrap();
    let look = Look {
        proc: &proc,
        comparer: &comparer,
        processes: &listing.processes,
        names_of_inode: OnceLock::new(),
    };
    let epolls = look.names();
    let of_it = epolls.iter().find(|(holder, _)| *holder == pid);
    let name = *of_it.unwrap();
    let mut instance = look.instance(&[name], true, &Room::new(10)).unwrap();
    assert!(instance.registrations.iter().any(|it| !it.is_plain()));
    let mut text = proc.info(name.0, name.1).unwrap();
    let info = text.read(|_| true).unwrap();
    let mut again = Again::new(&look, name, text, &instance, &info);
    let asked = Cell::new(0);
    again.look_once(&mut instance, |_| {
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
