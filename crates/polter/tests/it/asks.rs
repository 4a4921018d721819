//! `polter exorcise` asks on a terminal: yes, no, and nothing that is either.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};

use crate::haunted::{Haunted, can_exorcise};
use crate::polter::{Ran, command, polter};

const QUESTION: &str = "Remove it? [y/N] ";

#[test]
fn yes_removes_it() {
    for yes in ["y\n", "yes\n", " Y \n"] {
        check(yes.as_bytes(), true);
    }
}

#[test]
fn anything_else_does_not() {
    // An end of file is typed with Ctrl-D.
    let others = [
        &b"n\n"[..],
        b"\n",
        b"\x04",
        b"yes!\n",
        b"\xff\xfe\n",
        b"no, y\n",
    ];
    for other in others {
        check(other, false);
    }
}

#[test]
fn a_terminal_that_hangs_up_is_no_yes() {
    if !can_exorcise() {
        return;
    }
    let haunted = Haunted::start(&["dup-ghost", "--linger", "60"]);
    let (ran, _) = asked(&["exorcise", &haunted.pid()], |_, _| None);
    assert_eq!(ran.code, Some(1), "{}", ran.err());
    is_there(&haunted);
}

#[test]
fn a_watch_takes_no_for_an_answer_and_goes_on() {
    if !can_exorcise() {
        return;
    }
    let haunted = Haunted::start(&["dup-ghost", "--linger", "60"]);
    let watch = ["exorcise", "--watch=10", &haunted.pid()];
    let (ran, questions) = asked(&watch, |mut terminal, polter| {
        terminal.write_all(b"n\n").unwrap();
        interrupt(polter);
        Some(terminal)
    });
    assert_eq!(ran.code, Some(1), "{}", ran.err());
    assert_eq!(questions, 1);
    assert!(ran.out().contains("0 removed"), "{}", ran.out());
    is_there(&haunted);
}

#[test]
fn ctrl_c_at_the_question_ends_a_watch_with_its_sum() {
    if !can_exorcise() {
        return;
    }
    let haunted = Haunted::start(&["dup-ghost", "--linger", "60"]);
    let watch = ["exorcise", "--watch=10", &haunted.pid()];
    let (ran, _) = asked(&watch, |terminal, polter| {
        interrupt(polter);
        Some(terminal)
    });
    assert_eq!(ran.code, Some(1), "{}", ran.err());
    assert!(ran.out().contains("1 look, 0 removed"), "{}", ran.out());
    is_there(&haunted);
}

#[track_caller]
fn check(answer: &[u8], is_yes: bool) {
    if !can_exorcise() {
        return;
    }
    let haunted = Haunted::start(&["dup-ghost", "--linger", "60"]);
    let (ran, _) = asked(&["exorcise", &haunted.pid()], |mut terminal, _| {
        terminal.write_all(answer).unwrap();
        Some(terminal)
    });
    assert!(ran.out().contains("to remove"), "{}", ran.out());
    assert_eq!(ran.out().contains("removed"), is_yes, "{answer:?}");
    assert_eq!(ran.code, Some(i32::from(!is_yes)), "{}", ran.err());
    if !is_yes {
        is_there(&haunted);
    }
}

fn is_there(haunted: &Haunted) {
    let ran = polter(["exorcise", "--dry-run", &haunted.pid()]);
    assert!(ran.out().contains("to remove"), "{}", ran.out());
}

fn interrupt(polter: u32) {
    let pid = polter.to_string();
    let killed = Command::new("kill").args(["-INT", &pid]).status();
    assert!(killed.unwrap().success());
}

/// Runs it on a terminal until it asks, then plays the user; says how often it asked.
///
/// The terminal hangs up if `user_fn` does not give it back.
fn asked(args: &[&str], user_fn: impl FnOnce(File, u32) -> Option<File>) -> (Ran, usize) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    unlockpt(&master).unwrap();
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let terminal = ioctl_tiocgptpeer(&master, flags).unwrap();
    let mut child = command(args)
        .stdin(terminal)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("polter starts");
    let mut stderr = child.stderr.take().expect("piped");
    let mut said = Vec::new();
    while !said.ends_with(QUESTION.as_bytes()) {
        let mut byte = [0];
        let read = stderr.read(&mut byte).unwrap();
        assert_eq!(read, 1, "{}", String::from_utf8_lossy(&said));
        said.push(byte[0]);
    }
    let kept = user_fn(File::from(master), child.id());
    stderr.read_to_end(&mut said).unwrap();
    let mut ran = Ran::from(child.wait_with_output().unwrap());
    drop(kept);
    let questions = String::from_utf8_lossy(&said).matches(QUESTION).count();
    ran.stderr = said;
    (ran, questions)
}
