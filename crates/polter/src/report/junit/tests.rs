use super::*;
use crate::exit::Exit;
use crate::report::{judged::Judged, sample};

#[test]
fn a_class_with_a_finding_fails_and_the_others_pass() {
    let text = check(judged(sample::haunted()), &[FailOn::Fault], false);
    let case = case(&text, "fork-ghost");
    assert!(
        case.contains("<failure message=\"process 100, fd 4: Its wait"),
        "{case}"
    );
    assert!(
        case.contains("server.strace:1108: fault: process 100, fd 4"),
        "{case}"
    );
    assert!(
        case.contains("epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN"),
        "{case}"
    );
    assert!(self::case(&text, "event-theft").ends_with("/>"));
    // A note that --fail-on does not name.
    let note = self::case(&text, "epoll-as-kcmp");
    assert!(
        note.contains("<system-out>") && !note.contains("<failure"),
        "{note}"
    );
    let all = check(judged(sample::haunted()), &[FailOn::Any], false);
    assert!(self::case(&all, "epoll-as-kcmp").contains("<failure"));
    let none = check(judged(sample::haunted()), &[FailOn::Nothing], false);
    assert!(
        !none.contains("<failure") && none.contains("failures=\"0\""),
        "{none}"
    );
}

#[test]
fn what_is_not_known_has_not_passed() {
    let text = check(judged(sample::gappy()), &[FailOn::Fault], false);
    assert!(
        text.contains(r#"tests="18" failures="0" errors="1" skipped="17""#),
        "{text}"
    );
    assert!(case(&text, ENOUGH).contains("<error message=\"1 instance is older than the log"));
    let text = check(
        Judged::failed("x".as_ref(), "no such file"),
        &[FailOn::Fault],
        false,
    );
    assert!(
        text.contains(r#"tests="1" failures="0" errors="1" skipped="0""#),
        "{text}"
    );
}

#[test]
fn a_line_that_could_not_be_followed_is_an_error_if_asked_for() {
    let text = check(judged(sample::haunted()), &[FailOn::Fault], false);
    assert!(
        case(&text, ENOUGH).contains("<system-out>40 lines could not be followed"),
        "{text}"
    );
    let text = check(judged(sample::haunted()), &[FailOn::Fault], true);
    assert!(case(&text, ENOUGH).contains("<error message=\"40 lines could not be followed"));
}

#[test]
fn a_clean_log_passes_every_case() {
    let text = check(judged(sample::clean()), &[FailOn::Any], true);
    assert!(
        text.contains(r#"tests="18" failures="0" errors="0" skipped="0""#),
        "{text}"
    );
}

#[test]
fn hostile_text_stays_in_its_place() {
    let mut judged = judged(sample::hostile());
    judged.path = "\u{1b}]0;x\u{7}<a href=\"&\">.strace".into();
    let text = check(judged, &[FailOn::Any], true);
    assert!(text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')));
    assert!(!text.contains("<a "));
}

fn judged(verdict: Verdict) -> Judged {
    let (path, exit) = ("server.strace".into(), Exit::Findings);
    Judged {
        path,
        verdict: Ok(verdict),
        damage: None,
        exit,
    }
}

fn check(judged: Judged, fail_on: &[FailOn], is_strict: bool) -> String {
    let mut out = Vec::new();
    write(&mut out, &[judged], fail_on, is_strict).unwrap();
    String::from_utf8(out).unwrap()
}

/// The case of this name.
fn case<'a>(text: &'a str, name: &str) -> &'a str {
    let at = text
        .find(&format!("name=\"{name}\""))
        .expect("there is one");
    let text = &text[at..];
    text.split("\n  <testcase")
        .next()
        .unwrap_or(text)
        .trim_end()
}
