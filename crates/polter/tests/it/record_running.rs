//! `polter record` and `polter watch` of processes that run already, where the kernel records.

use std::fs;
use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use crate::exorcist::start_maker;
use crate::polter::{Logs, Ran, command, polter};
use crate::record::{can_record, record};

#[test]
fn a_running_process_is_recorded_until_the_time_is_over() {
    if !can_record() {
        return;
    }
    let mut cat = std::process::Command::new("cat")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = cat.id().to_string();
    let mut stdin = cat.stdin.take().unwrap();
    let logs = Logs::new();
    let log = logs.path("log");
    let args = [
        "record",
        "-o",
        log.to_str().unwrap(),
        "--duration",
        "1s",
        "--pid",
        &pid,
    ];
    let mut recorder = command(args).stderr(Stdio::piped()).spawn().unwrap();
    while recorder.try_wait().unwrap().is_none() {
        stdin.write_all(b"x").unwrap();
        std::thread::sleep(Duration::from_millis(20));
    }
    let ran = Ran::from(recorder.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(0), "{}", ran.err());
    drop(stdin);
    assert!(cat.wait().unwrap().success());
    let text = fs::read_to_string(&log).unwrap();
    assert!(
        text.contains(&format!("\n{pid} ")) && text.contains("read(0"),
        "{text}"
    );
}

/// The instance and a registration are older than the recording, which says so at its head.
#[test]
fn a_recording_of_a_running_process_begins_with_what_is_there() {
    if !can_record() {
        return;
    }
    let logs = Logs::new();
    let Some(mut maker) = start_maker(&logs, 2) else {
        return;
    };
    // Until it waits for its first byte.
    std::thread::sleep(Duration::from_millis(300));
    let (pid, log) = (maker.id().to_string(), logs.path("log"));
    let log = log.to_str().unwrap();
    let args = ["record", "-o", log, "--follow", "--pid", &pid];
    let recorder = command(args).stderr(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(2));
    maker.stdin.take().unwrap().write_all(b"x").unwrap();
    maker.wait().unwrap();
    let ran = Ran::from(recorder.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(0), "{}", ran.err());
    let text = fs::read_to_string(log).unwrap();
    assert!(
        text.contains(&format!("# past process {pid} open 0,1,2")),
        "{text}"
    );
    assert!(text.contains(&format!("# past instance {pid}:")), "{text}");
    let verdict = polter(["judge", "--format", "json", log]);
    let verdict: serde_json::Value = serde_json::from_str(&verdict.out()).unwrap();
    let gaps = verdict["gaps"].as_array().unwrap();
    assert!(gaps.is_empty(), "{gaps:?}");
    let findings = verdict["findings"].as_array().unwrap();
    let ghosts = findings.iter().filter(|it| it["class"] == "fork-ghost");
    assert_eq!(ghosts.count(), 2, "{findings:?}");
    assert_eq!(polter(["watch", log]).code, Some(1));
}

/// It sleeps: there is nothing to judge, and that is said, not that it is clean.
#[test]
fn a_recording_without_a_call_is_not_called_clean() {
    if !can_record() {
        return;
    }
    let mut sleeper = std::process::Command::new("sleep")
        .arg("60")
        .spawn()
        .unwrap();
    let (logs, pid) = (Logs::new(), sleeper.id().to_string());
    let log = logs.path("log");
    let log = log.to_str().unwrap();
    let ran = polter(["record", "-o", log, "--duration", "300ms", "--pid", &pid]);
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    assert_eq!(ran.code, Some(0), "{}", ran.err());
    let verdict = polter(["judge", log]);
    assert_eq!(verdict.code, Some(2));
    let said = verdict.out();
    assert!(
        said.contains("made no call of epoll while they were recorded"),
        "{said}"
    );
}

#[test]
fn a_watch_tells_of_a_running_process() {
    if !can_record() {
        return;
    }
    let binary = haunted::binary().to_str().unwrap();
    let script = format!("sleep 4; exec {binary} fork-ghost");
    let program = std::process::Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::null())
        .spawn();
    let mut program = program.unwrap();
    let ran = polter(["watch", "--pid", &program.id().to_string()]);
    program.wait().unwrap();
    assert_eq!(ran.code, Some(1), "{}", ran.err());
    assert!(ran.out().contains("fork-ghost haunted"), "{}", ran.out());
}

#[test]
fn a_cgroup_that_is_none_is_named() {
    let (ran, _) = record(&["--cgroup", "/no/such/group", "--duration", "1s"]);
    assert_eq!(ran.code, Some(2));
    let said = ran.err();
    assert!(
        said.contains("/no/such/group") || said.contains("no cgroup2"),
        "{said}"
    );
}

/// Its processes come and go: it ends with the time, not with them.
#[test]
fn whoever_is_in_a_cgroup_is_recorded_and_nobody_else() {
    if !can_record() {
        return;
    }
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let mut mounts = mounts
        .lines()
        .map(|line| line.split(' ').collect::<Vec<_>>());
    let root = mounts
        .find(|words| words[2] == "cgroup2")
        .map(|words| words[1].to_owned());
    let name = format!("polter-test-{}", std::process::id());
    let Some(cgroup) = root.map(|root| format!("{root}/{name}")) else {
        let _ = writeln!(std::io::stderr(), "skipped: no cgroup2 is mounted");
        return;
    };
    if fs::create_dir(&cgroup).is_err() {
        let _ = writeln!(std::io::stderr(), "skipped: {cgroup} cannot be made");
        return;
    }
    let binary = haunted::binary().to_str().unwrap();
    let script = format!(
        "echo $$ > {cgroup}/cgroup.procs; sleep 2; {binary} fork-ghost; echo $$ > {cgroup}/../cgroup.procs; sleep 2"
    );
    let shell = std::process::Command::new("sh")
        .args(["-c", &script])
        .spawn();
    let other = std::process::Command::new("sh")
        .args(["-c", &format!("sleep 2; {binary} healthy")])
        .spawn();
    let (ran, log) = record(&["--cgroup", &name, "--duration", "4s"]);
    for child in [shell, other] {
        child.unwrap().wait().unwrap();
    }
    fs::remove_dir(&cgroup).unwrap();
    assert_eq!(ran.code, Some(0), "{}", ran.err());
    let instances = log.lines().filter(|line| line.contains(" epoll_create1("));
    assert_eq!(instances.count(), 1, "{log}");
}
