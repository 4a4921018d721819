//! The faulty programs of `crates/haunted`, recorded here and now.

use crate::told::{findings, judge, warnings};
use polter_judge::{Class, Verdict};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Each program, and the classes of what it shows: two need a ghost to be possible.
const SHOWN: [(&str, &[Class]); 18] = [
    ("child-removes", &[Class::ChildRemoves]),
    ("close-races-wait", &[Class::CloseRacesWait]),
    ("dead-epoll-fd", &[Class::DeadEpollFd]),
    ("deaf-signalfd", &[Class::DeafSignalfd]),
    ("dup-ghost", &[Class::DupGhost]),
    ("epoll-as-kcmp", &[Class::EpollAsKcmp]),
    (
        "errno-after-reuse",
        &[Class::DupGhost, Class::ErrnoAfterReuse],
    ),
    ("event-theft", &[Class::EventTheft]),
    ("foreign-entry", &[Class::ForeignEntry]),
    ("fork-ghost", &[Class::ForkGhost]),
    ("handed-over-ghost", &[Class::HandedOverGhost]),
    ("healthy", &[]),
    ("in-flight-ghost", &[Class::InFlightGhost]),
    ("leaked-epoll", &[Class::LeakedEpoll]),
    ("number-reuse", &[Class::DupGhost, Class::NumberReuse]),
    ("plain-fork", &[Class::ForkGhost]),
    ("stale-batch", &[Class::StaleBatch]),
    ("unheeded-event", &[Class::UnheededEvent]),
];

/// The programs; nothing if strace cannot trace here.
fn programs() -> Option<&'static Path> {
    static CAN_TRACE: OnceLock<bool> = OnceLock::new();
    if !*CAN_TRACE.get_or_init(|| can_trace(&[])) {
        skip("strace is missing, or may not trace");
        return None;
    }
    Some(haunted::binary())
}

fn can_trace(options: &[&str]) -> bool {
    let strace = Command::new("strace")
        .args(options)
        .arg("true")
        .stderr(Stdio::null())
        .status();
    strace.is_ok_and(|status| status.success())
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn skip(reason: &str) {
    eprintln!("SKIPPED: {reason}");
}

/// What strace writes of a program, and the program's own log if it is to be kept.
fn record(program: &Path, options: &[&str], class: &str) -> Vec<u8> {
    let name = format!(
        "judge-{}-{}-{class}.strace",
        std::process::id(),
        options.join("")
    );
    let log = std::env::temp_dir().join(name);
    let status = Command::new("strace")
        .args(options)
        .arg("-o")
        .arg(&log)
        .arg(program)
        .arg(class)
        .status();
    let status = status.expect("strace is there");
    let text = fs::read(&log).expect("strace has written its log");
    assert!(
        status.success(),
        "{class} did not show its fault; its log is {}",
        log.display()
    );
    fs::remove_file(&log).expect("it is ours");
    text
}

fn check(options: &[&str], mut look_fn: impl FnMut(&str, &Verdict)) {
    let Some(program) = programs() else { return };
    for (name, classes) in SHOWN {
        let log = record(program, options, name);
        let verdict = judge(&log);
        let found: BTreeSet<Class> = verdict
            .findings
            .iter()
            .map(|finding| finding.class)
            .collect();
        let text = || String::from_utf8_lossy(&log).into_owned();
        let expected = classes.iter().copied().collect();
        assert_eq!(
            found,
            expected,
            "{name} under strace {options:?}: {:#?}\n{}",
            findings(&verdict),
            text()
        );
        assert_eq!(
            warnings(&verdict),
            [""; 0],
            "{name} under strace {options:?}\n{}",
            text()
        );
        assert_eq!(
            verdict.gaps,
            [],
            "{name} under strace {options:?}\n{}",
            text()
        );
        look_fn(name, &verdict);
    }
}

#[test]
fn faults_are_named_from_a_log_with_paths() {
    check(&["-f", "-yy"], |name, verdict| {
        assert_eq!(verdict.log.unknown_events, 0, "{name}");
        assert_eq!(verdict.log.assumed, 0, "{name}");
    });
}

#[test]
fn faults_are_named_from_a_plain_log() {
    check(&["-f"], |_, _| {});
}

#[test]
fn faults_are_named_from_a_log_with_times() {
    check(&["-f", "-tt", "-T"], |_, _| {});
}

#[test]
fn faults_are_named_from_a_log_with_bare_numbers() {
    check(&["-f", "-X", "raw"], |_, _| {});
}

#[test]
fn faults_are_named_from_a_log_with_numbers_and_names() {
    check(&["-f", "-X", "verbose", "-yy"], |_, _| {});
}

/// `-qq` leaves out what becomes of tasks.
#[test]
fn faults_are_named_from_a_quiet_log() {
    check(&["-f", "-qq"], |_, _| {});
}

#[test]
fn stacks_come_with_the_story() {
    if programs().is_some() && !can_trace(&["-k"]) {
        return skip("this strace shows no stacks");
    }
    check(&["-f", "-k"], |name, verdict| {
        for finding in &verdict.findings {
            let has_stack = finding.story.iter().any(|step| !step.site.stack.is_empty());
            assert!(has_stack, "{name}: no stack in {:?}", finding.story);
        }
    });
}

/// Who attaches to a program in mid-life sees neither its instance made nor its registrations.
#[test]
fn spinning_programs_are_named_from_the_middle_of_their_life() {
    let Some(program) = programs() else { return };
    for class in ["unheeded-event", "fork-ghost"] {
        let Some(log) = attach(program, class) else {
            return skip("strace may not attach");
        };
        let verdict = judge(&log);
        let found: Vec<Class> = verdict.findings.iter().map(|found| found.class).collect();
        assert_eq!(found, [Class::UnheededEvent], "{class}");
        assert!(verdict.findings[0].events > 100, "{:?}", verdict.findings);
    }
}

/// Some thousand lines of a program that spins; nothing if strace ends before.
fn attach(program: &Path, class: &str) -> Option<Vec<u8>> {
    const ENOUGH: u64 = 1 << 17;
    let log = std::env::temp_dir().join(format!("judge-{}-{class}.attached", std::process::id()));
    let mut haunted = Command::new(program)
        .args([class, "--linger", "60", "--spin"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("haunted starts");
    let mut ready = [0; 6];
    let mut said = haunted.stdout.take().expect("stdout is piped");
    std::io::Read::read_exact(&mut said, &mut ready).expect("it says that it is ready");
    let mut strace = Command::new("strace")
        .args(["-q", "-f", "-o"])
        .arg(&log)
        .args(["-p", &haunted.id().to_string()])
        .stderr(Stdio::null())
        .spawn()
        .expect("strace is there");
    let has_enough = || fs::metadata(&log).is_ok_and(|log| log.len() > ENOUGH);
    let has_ended =
        |strace: &mut std::process::Child| strace.try_wait().is_ok_and(|it| it.is_some());
    while !has_enough() && !has_ended(&mut strace) {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    for child in [&mut strace, &mut haunted] {
        let _ = child.kill();
        let _ = child.wait();
    }
    let text = fs::read(&log).unwrap_or_default();
    let _ = fs::remove_file(&log);
    // The last line may be cut.
    let end = text.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
    (text.len() as u64 > ENOUGH).then(|| text[..end].to_vec())
}
