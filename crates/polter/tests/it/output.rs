//! What reports may and may not hold.

use std::process::Stdio;

use serde_json::Value;

use crate::polter::{GHOST, HEALTHY, Logs, TORN, command, polter, polter_with_stdin};

/// A log that tries to speak to the terminal, in a path, a string, a line and a name.
fn hostile() -> Vec<u8> {
    let evil = b"\x1b]0;x\x07\x1b[31m\r\xc2\x9b2J\xe2\x80\xae\xff";
    let mut log = Vec::new();
    for line in GHOST.lines() {
        let line = line
            .replace("epoll_ctl(3,", "epoll_ctl(3<EVIL>,")
            .replace("close(4)", "close(4<EVIL>)");
        let mut parts = line.split("EVIL");
        log.extend(parts.next().unwrap_or_default().bytes());
        for part in parts {
            log.extend(evil);
            log.extend(part.bytes());
        }
        log.push(b'\n');
    }
    for wrap in ["100 ", "100 EVIL(1) = 0 ", "100 openat(3, \"", "100 --- "] {
        log.extend(wrap.bytes());
        log.extend(evil);
        log.push(b'\n');
    }
    log
}

#[test]
fn no_hostile_byte_reaches_the_output() {
    for format in ["text", "json"] {
        let ran = polter_with_stdin(&["judge", "--strict", "--format", format], &hostile());
        check_is_harmless(&ran.out());
        check_is_harmless(&ran.err());
    }
}

#[test]
fn no_hostile_name_reaches_the_output() {
    let logs = Logs::new();
    let log = logs.write("\u{1b}[31m\u{202e}\n.log", TORN);
    let ran = polter([
        "judge".as_ref(),
        "--strict".as_ref(),
        log.as_os_str(),
        "\u{1b}[1mmissing".as_ref(),
    ]);
    check_is_harmless(&ran.out());
    check_is_harmless(&ran.err());
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let logs = Logs::new();
    let round = format!("{HEALTHY}100 close(5) = 0\n100 close(3) = 0\n");
    let log = logs.write("log", round.repeat(10));
    for args in [
        &["judge", log.to_str().unwrap()][..],
        &["demo"],
        &["man"],
        &["completions", "bash"],
        &["--help"],
    ] {
        let mut child = command(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    }
}

#[test]
fn json_is_one_object_a_log() {
    let logs = Logs::new();
    let (ghost, healthy) = (logs.write("a", GHOST), logs.write("b", HEALTHY));
    let ran = polter([
        "judge".as_ref(),
        "--format=json".as_ref(),
        ghost.as_os_str(),
        healthy.as_os_str(),
    ]);
    let values: Vec<Value> = ran
        .out()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [first, second] = &values[..] else {
        panic!("{} lines", values.len())
    };
    assert_eq!(first["version"], 1);
    assert_eq!(first["file"], ghost.to_str().unwrap());
    assert_eq!(first["findings"][0]["class"], "fork-ghost");
    assert_eq!(second["findings"], Value::Array(Vec::new()));
}

#[test]
fn policies_are_the_ones_asked_for_and_linux_own() {
    let ran = polter_with_stdin(
        &["judge", "--format", "json", "--policy", "close,owner"],
        GHOST.as_bytes(),
    );
    let value: Value = serde_json::from_str(&ran.out()).unwrap();
    let names: Vec<&str> = value["policies"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["policy"].as_str())
        .collect();
    assert_eq!(names, ["last-fput", "close", "owner"]);
}

#[test]
fn colours_are_for_terminals_and_those_who_ask() {
    check_is_coloured(&[], &[], false);
    check_is_coloured(&["--color", "always"], &[], true);
    check_is_coloured(&["--color", "always"], &[("NO_COLOR", "1")], true);
    check_is_coloured(&[], &[("CLICOLOR_FORCE", "1")], true);
    check_is_coloured(&["--color", "never"], &[("CLICOLOR_FORCE", "1")], false);
    check_is_coloured(&[], &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false);
}

#[test]
fn a_report_can_go_to_a_file() {
    let logs = Logs::new();
    let (log, report) = (logs.write("log", GHOST), logs.path("report"));
    let ran = polter([
        "judge".as_ref(),
        "-o".as_ref(),
        report.as_os_str(),
        log.as_os_str(),
    ]);
    assert_eq!((ran.code, ran.out().as_str()), (Some(1), ""));
    assert!(
        std::fs::read_to_string(report)
            .unwrap()
            .contains("fork ghost")
    );
}

#[test]
fn a_report_that_cannot_be_written_is_an_error() {
    let output = command(["demo"])
        .stdout(std::fs::File::create("/dev/full").unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("No space left"));
}

#[track_caller]
fn check_is_harmless(text: &str) {
    let harmful = text.chars().find(|&character| {
        (character.is_control() && character != '\n')
            || matches!(character, '\u{202a}'..='\u{202e}')
    });
    assert_eq!(harmful, None, "{text:?}");
}

#[track_caller]
fn check_is_coloured(options: &[&str], environment: &[(&str, &str)], expected: bool) {
    let mut command = command(["demo"]);
    command.args(options).envs(environment.iter().copied());
    let output = command.output().unwrap();
    assert_eq!(
        output.stdout.contains(&0x1b),
        expected,
        "{options:?} {environment:?}"
    );
}
