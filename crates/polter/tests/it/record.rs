//! `polter record -- COMMAND`, and `polter run` by it, where the kernel records.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::time::Duration;

use crate::polter::{Logs, Ran, command, polter};
use crate::run::can_trace;

/// Says aloud why a test is skipped.
pub(crate) fn can_record() -> bool {
    let logs = Logs::new();
    let log = logs.path("log");
    let ran = polter(["record", "-o", log.to_str().unwrap(), "--", "true"]);
    if ran.code == Some(0) {
        return true;
    }
    // A kernel that could record and does not take our programs is a failure, and no reason to skip.
    let said = ran.err();
    let is_ours = said.contains("does not take the program");
    assert!(!is_ours || said.contains("since 5.17"), "{said}");
    let _ = writeln!(std::io::stderr(), "skipped: {said}");
    false
}

pub(crate) fn record(args: &[&str]) -> (Ran, String) {
    let logs = Logs::new();
    let log = logs.path("log");
    let mut all = vec!["record", "-o", log.to_str().unwrap()];
    all.extend(args);
    let ran = polter(all);
    (ran, fs::read_to_string(&log).unwrap_or_default())
}

/// The findings, as far as they do not depend on pids and lines, and what each policy would do.
fn verdict_of(program: &str, via: &str) -> (Vec<String>, Vec<String>) {
    let binary = haunted::binary().to_str().unwrap().to_owned();
    let ran = polter([
        "run", "--via", via, "--format", "json", "--", &binary, program,
    ]);
    let verdict: serde_json::Value =
        serde_json::from_str(&ran.err()).unwrap_or_else(|error| panic!("{error}: {}", ran.err()));
    let told = |it: &serde_json::Value, keys: &[&str]| {
        keys.iter()
            .map(|key| it[*key].to_string())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let of = |list: &str, keys: &[&str]| {
        let list = verdict[list].as_array().cloned().unwrap_or_default();
        let mut told: Vec<String> = list.iter().map(|it| told(it, keys)).collect();
        told.sort();
        told
    };
    (
        of(
            "findings",
            &["class", "severity", "fd", "events", "summary"],
        )
        .into_iter()
        .map(|it| without_pids(&it))
        .collect(),
        of("policies", &["policy", "verdict", "break_count"]),
    )
}

/// Numbers above 100 are pids.
fn without_pids(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let digits = word.trim_matches(|it: char| !it.is_ascii_digit());
        match digits.parse::<u32>() {
            Ok(number) if number > 100 => word.replace(digits, "PID"),
            _ => word.to_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn every_haunted_program_gets_the_verdict_that_strace_gives() {
    if !can_record() || !can_trace() {
        return;
    }
    let listed = std::process::Command::new(haunted::binary())
        .output()
        .unwrap();
    let listed = [listed.stdout, listed.stderr].concat();
    let listed = String::from_utf8(listed).unwrap();
    let classes = listed.lines().filter_map(|line| line.strip_prefix("  "));
    let classes: Vec<&str> = classes
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(classes.len() >= 18, "{listed}");
    for class in classes {
        assert_eq!(
            verdict_of(class, "bpf"),
            verdict_of(class, "strace"),
            "{class}"
        );
    }
}

#[test]
fn a_recorded_command_keeps_its_streams_and_its_code() {
    if !can_record() {
        return;
    }
    let (ran, log) = record(&["--", "sh", "-c", "echo out; echo err >&2; exit 7"]);
    assert_eq!((ran.code, ran.out().as_str()), (Some(7), "out\n"));
    assert!(ran.err().starts_with("err\n"), "{}", ran.err());
    assert!(log.starts_with("# polter "), "{log}");
    assert!(log.contains("exited with 7"), "{log}");
    assert!(log.ends_with(" 0 records lost\n"), "{log}");
    let (ran, log) = record(&["--", "sh", "-c", "kill -TERM $$"]);
    assert_eq!(ran.code, Some(143));
    assert!(log.contains("killed by SIGTERM"), "{log}");
}

#[test]
fn a_recorded_command_that_cannot_start_is_an_error() {
    if !can_record() {
        return;
    }
    let (ran, _) = record(&["--", "no-such-command"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err().contains("no-such-command"), "{}", ran.err());
    let ran = polter(["run", "--via", "bpf", "--", "no-such-command"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err().contains("did not start"), "{}", ran.err());
}

#[test]
fn a_killed_recorder_leaves_the_program_and_the_lines_whole() {
    if !can_record() {
        return;
    }
    let logs = Logs::new();
    let log = logs.path("log");
    let script = "echo begun; i=0; while [ $i -lt 400 ]; do /bin/true; i=$((i+1)); done; echo done";
    let args = [
        "record",
        "-o",
        log.to_str().unwrap(),
        "--",
        "sh",
        "-c",
        script,
    ];
    let mut command = command(args);
    let mut recorder = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(recorder.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "begun");
    // Something has been written by then, and much has not.
    std::thread::sleep(Duration::from_millis(100));
    recorder.kill().unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "done");
    recorder.wait().unwrap();
    let text = fs::read_to_string(&log).unwrap();
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    assert!(whole.starts_with("# polter "), "{text}");
    for line in whole.lines() {
        let is_line = line.starts_with('#') || line.starts_with(|it: char| it.is_ascii_digit());
        assert!(is_line || line.starts_with(" > "), "{line}");
    }
}

#[test]
fn a_recording_is_rotated_and_no_line_is_torn() {
    if !can_record() {
        return;
    }
    let logs = Logs::new();
    let log = logs.path("log");
    let busy = "import os\nfor i in range(4000):\n r, w = os.pipe()\n os.close(r)\n os.close(w)\n";
    let ran = polter([
        "record",
        "--rotate",
        "64K",
        "-o",
        log.to_str().unwrap(),
        "--",
        "python3",
        "-c",
        busy,
    ]);
    if ran.code == Some(2) && ran.err().contains("python3") {
        return;
    }
    assert_eq!(ran.code, Some(0), "{}", ran.err());
    for age in ["", ".1", ".2"] {
        let text = fs::read_to_string(format!("{}{age}", log.display())).unwrap();
        assert!(
            text.starts_with("# polter ") && text.ends_with('\n'),
            "{age}"
        );
    }
}

#[test]
fn a_compressed_recording_is_judged_as_it_is() {
    if !can_record() {
        return;
    }
    let logs = Logs::new();
    let (log, binary) = (logs.path("log"), haunted::binary().to_str().unwrap());
    let log = log.to_str().unwrap();
    let ran = polter(["record", "--zstd", "-o", log, "--", binary, "fork-ghost"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err());
    assert!(fs::read(log).unwrap().starts_with(b"\x28\xb5\x2f\xfd"));
    let verdict = polter(["judge", "--strict", log]);
    assert_eq!(verdict.code, Some(1), "{}", verdict.err());
    assert!(verdict.out().contains("fork ghost"), "{}", verdict.out());
}
