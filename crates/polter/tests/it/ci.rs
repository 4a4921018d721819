//! `--format sarif` and `--format junit`: one document for all logs, whole and safe, and the exit code as before.

use std::ffi::OsStr;

use serde_json::Value;

use crate::check::check_xml;
use crate::polter::{GHOST, HEALTHY, Logs, Ran, TORN, polter, polter_with_stdin};
use crate::sarif;

#[test]
fn the_exit_code_is_that_of_any_format() {
    for (log, code) in [(HEALTHY, 0), (GHOST, 1), ("no log\n", 2)] {
        for format in ["text", "json", "sarif", "junit"] {
            let ran = polter_with_stdin(&["judge", "--format", format], log.as_bytes());
            assert_eq!(ran.code, Some(code), "{format}: {}", ran.err());
        }
    }
}

#[test]
fn several_logs_are_one_document() {
    let logs = Logs::new();
    let (ghost, healthy) = (logs.write("a", GHOST), logs.write("b", HEALTHY));
    let (torn, missing) = (logs.write("c", TORN), logs.path("d"));
    let all = [&ghost, &healthy, &torn, &missing].map(|path| path.as_os_str());
    let ran = judge("sarif", &all);
    assert_eq!(ran.code, Some(2));
    let value: Value = serde_json::from_slice(&ran.stdout).unwrap();
    sarif::check(&value);
    let run = &value["runs"][0];
    let place = &run["results"][0]["locations"][0]["physicalLocation"];
    let uri = format!("file://{}", ghost.display());
    assert_eq!(place["artifactLocation"]["uri"], uri.as_str());
    assert_eq!(place["region"]["startLine"], 7);
    assert_eq!(run["results"].as_array().unwrap().len(), 1);
    assert_eq!(run["invocations"][0]["executionSuccessful"], false);
    let told = run["invocations"][0].to_string();
    assert!(
        told.contains("No such file") && told.contains("could not be followed"),
        "{told}"
    );

    let ran = judge("junit", &all);
    assert_eq!(ran.code, Some(2));
    check_xml(&ran.out());
    assert_eq!(ran.out().matches("<testsuite ").count(), 4);
    assert_eq!(ran.out().matches("<failure").count(), 1);
    assert_eq!(ran.out().matches("<error").count(), 1);
    assert!(
        ran.out()
            .contains(&format!("{}:7: fault: process 100, fd 4", ghost.display()))
    );
}

#[test]
fn every_form_of_log_is_sound_sarif() {
    let logs = Logs::new();
    let fixtures = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../polter-judge/tests/fixtures"
    );
    let mut all: Vec<_> = std::fs::read_dir(fixtures)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    all.push(logs.write("stacks", STACKS));
    all.push(logs.write("a b#c.strace", GHOST.replace("write(5", "write(5\u{202e}")));
    let all: Vec<&OsStr> = all.iter().map(|path| path.as_os_str()).collect();
    let ran = judge("sarif", &all);
    let value: Value = serde_json::from_slice(&ran.stdout).unwrap();
    sarif::check(&value);
    assert!(value["runs"][0]["results"].as_array().unwrap().len() > 5);
    let told = value.to_string();
    assert!(told.contains("/usr/bin/worker(main+0x42)"), "{told}");
    check_xml(&judge("junit", &all).out());
}

#[test]
fn the_demos_log_is_written_for_ci_too() {
    let ran = polter(["demo", "--format", "sarif"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err());
    sarif::check(&serde_json::from_slice(&ran.stdout).unwrap());
    check_xml(&polter(["demo", "--format", "junit"]).out());
}

fn judge(format: &str, logs: &[&OsStr]) -> Ran {
    let args = ["judge", "--format", format].map(OsStr::new);
    polter(args.iter().chain(logs))
}

const STACKS: &str = "\
100 epoll_create1(EPOLL_CLOEXEC) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 fork() = 101
100 close(4) = 0
 > /usr/lib/libc.so.6(close+0x14) [0x10f194]
 > /usr/bin/worker(main+0x42) [0x1234]
100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1
 > /usr/lib/libc.so.6(epoll_wait+0x14) [0x10f194]
 > /usr/bin/worker(main+0x42) [0x1234]
";
