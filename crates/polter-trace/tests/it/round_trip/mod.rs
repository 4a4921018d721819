//! Every call of the model is written and read back as it was.

mod files;
mod messages;
mod processes;
mod values;
mod waits;

use eventpoll::syscall::Return;
use eventpoll::{Errno, Outcome, Syscall};
use polter_trace::{
    Assembler, Body, EventKind, Line, decode, decode_entry, encode, encode_entry, encode_exit,
};
use proptest::prelude::*;
use values::Case;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn waits_come_back(case in waits::waits()) {
        check(case);
    }

    #[test]
    fn files_come_back(case in files::files()) {
        check(case);
    }

    #[test]
    fn messages_come_back(case in messages::messages()) {
        check(case);
    }

    #[test]
    fn processes_come_back(case in processes::processes()) {
        check(case);
    }
}

/// Writes and reads a call that succeeds, fails, waits, ends later, and never ends.
#[track_caller]
fn check((syscall, value, out): Case) {
    let success = Ok(Return::with(value, out));
    for result in [success, Err(Errno::EBADF), Err(Errno::EFAULT)] {
        let outcome = Outcome::Done(result.clone());
        // A failed call leaves nothing behind; what is lost is said in its family's file.
        check_whole(&syscall, &outcome);
        check_cut(&syscall, &result);
    }
    check_whole(&syscall, &Outcome::Gone);
    let text = encode(&syscall, &Outcome::Blocked);
    let Body::Unfinished(call) = Line::parse(text.as_bytes()).body else {
        panic!("{text}");
    };
    assert_eq!(decode_entry(&call), Ok(Some(syscall)), "{text}");
}

#[track_caller]
fn check_whole(syscall: &Syscall, outcome: &Outcome) {
    let text = encode(syscall, outcome);
    let Body::Call(call) = Line::parse(text.as_bytes()).body else {
        panic!("{text}");
    };
    let decoded = decode(&call)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .unwrap();
    assert_eq!(&decoded.syscall, syscall, "{text}");
    assert_eq!(decoded.outcome.as_ref(), Some(outcome), "{text}");
}

/// Joins the two halves of a call into what it is on one line.
#[track_caller]
fn check_cut(syscall: &Syscall, result: &Result<Return, Errno>) {
    let entry = format!("7 {}", encode_entry(syscall));
    let exit = format!("7 {}", encode_exit(syscall, result));
    let mut assembler = Assembler::default();
    assembler.push(1, &Line::parse(entry.as_bytes()));
    let line = Line::parse(exit.as_bytes());
    let event = assembler.push(2, &line).event;
    let Some(EventKind::Exit { call, .. }) = event.map(|event| event.kind) else {
        panic!("{entry}\n{exit}");
    };
    let joined = format!("{}({})", call.name, String::from_utf8_lossy(call.args.raw));
    let whole = encode(syscall, &Outcome::Done(result.clone()));
    assert!(whole.starts_with(&joined), "{joined}\n{whole}");
    let decoded = decode(&call)
        .unwrap_or_else(|error| panic!("{whole}: {error}"))
        .unwrap();
    assert_eq!(&decoded.syscall, syscall, "{whole}");
}
