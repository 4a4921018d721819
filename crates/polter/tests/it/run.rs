//! `polter run`, where strace is there and may trace.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::polter::{Logs, command, polter};

/// Says aloud why a test is skipped.
pub(crate) fn can_trace() -> bool {
    let output = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .output();
    let can = output.is_ok_and(|output| output.status.success());
    if !can {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: there is no strace here, or it may not trace"
        );
    }
    can
}

#[test]
fn a_command_keeps_its_streams_and_its_code() {
    if !can_trace() {
        return;
    }
    let ran = polter(["run", "--", "sh", "-c", "echo out; echo err >&2; exit 7"]);
    assert_eq!((ran.code, ran.out().as_str()), (Some(7), "out\n"));
    assert!(ran.err().starts_with("err\n"), "{}", ran.err());
    assert!(ran.err().contains("nothing to judge"), "{}", ran.err());
}

#[test]
fn a_signal_that_ends_the_command_shows_in_the_code() {
    if can_trace() {
        assert_eq!(
            polter(["run", "--", "sh", "-c", "kill -TERM $$"]).code,
            Some(143)
        );
    }
}

#[test]
fn a_command_that_cannot_start_is_an_error() {
    if !can_trace() {
        return;
    }
    let ran = polter(["run", "--", "no-such-command"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err().contains("did not start"), "{}", ran.err());
}

#[test]
fn a_kept_log_can_be_judged_again() {
    if !can_trace() {
        return;
    }
    let logs = Logs::new();
    let (log, report) = (logs.path("log"), logs.path("report"));
    let (log, report) = (log.to_str().unwrap(), report.to_str().unwrap());
    let ran = polter(["run", "--log", log, "-o", report, "--", "cat", "/dev/null"]);
    assert_eq!((ran.code, ran.err().as_str()), (Some(0), ""));
    let again = polter(["judge", "--strict", log]);
    assert_eq!(again.code, Some(0), "{}", again.err());
    assert_eq!(again.out(), fs::read_to_string(report).unwrap());
}

#[test]
fn a_signal_goes_to_the_command_and_not_to_the_report() {
    if !can_trace() {
        return;
    }
    let script = "trap 'echo ended; exit 9' TERM; echo ready; while :; do sleep 0.05; done";
    let mut command = command(["run", "--", "sh", "-c", script]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    send_term(child.id());
    assert_eq!(lines.next().unwrap().unwrap(), "ended");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(9));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing to judge"));
}

#[test]
fn a_daemon_left_behind_can_be_let_go() {
    if !can_trace() {
        return;
    }
    let script = "sleep 60 >/dev/null 2>&1 & echo $!; echo $$";
    let mut command = command(["run", "--", "sh", "-c", script]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut pid_fn = || lines.next().unwrap().unwrap().parse::<u32>().unwrap();
    let (daemon, shell) = (pid_fn(), pid_fn());
    let is_alive_fn = |pid| fs::exists(format!("/proc/{pid}")).unwrap();
    wait_until(|| !is_alive_fn(shell));
    send_term(child.id());
    wait_until(|| child.try_wait().unwrap().is_some());
    let is_alive = is_alive_fn(daemon);
    send_term(daemon);
    assert!(is_alive, "the daemon runs on");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// Whatever ends polter, strace goes with it, the command runs on, and no file stays behind.
#[test]
fn a_kill_leaves_nothing_but_the_command() {
    if !can_trace() {
        return;
    }
    let logs = Logs::new();
    let (temporary, proof) = (logs.path("tmp"), logs.path("proof"));
    fs::create_dir(&temporary).unwrap();
    let script = format!("echo $$; read x; echo done > {}", proof.display());
    let mut command = command(["run", "--via", "strace", "--", "sh", "-c", &script]);
    let mut child = command
        .env("TMPDIR", &temporary)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let shell: u32 = lines.next().unwrap().unwrap().parse().unwrap();
    let tracer = tracer_of(shell);
    assert_ne!(tracer, 0);
    let stdin = child.stdin.take();
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until(|| tracer_of(shell) == 0);
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
    drop(stdin);
    wait_until(|| proof.exists());
}

/// The process that traces another, or 0.
fn tracer_of(pid: u32) -> u32 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let tracer = status
        .lines()
        .find_map(|line| line.strip_prefix("TracerPid:"));
    tracer.unwrap().trim().parse().unwrap()
}

#[test]
fn a_missing_strace_is_explained() {
    let mut command = command(["run", "--via", "strace", "--", "true"]);
    let output = command.env("PATH", "/nonexistent").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("apt install strace") && said.contains("polter demo"),
        "{said}"
    );
}

#[test]
fn a_strace_that_may_not_trace_is_explained() {
    let logs = Logs::new();
    fake_strace(
        &logs,
        "echo 'strace: ptrace(PTRACE_TRACEME, ...): Operation not permitted' >&2; exit 1",
    );
    let mut command = command(["run", "--via", "strace", "--", "true"]);
    let output = command.env("PATH", path_with(&logs)).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("| strace: ptrace(PTRACE_TRACEME") && said.contains("SYS_PTRACE"),
        "{said}"
    );
}

#[test]
fn an_old_strace_is_asked_for_less() {
    if !can_trace() {
        return;
    }
    let logs = Logs::new();
    // Before 4.17 no `?name`, before 4.9 no `-yy`.
    fake_strace(
        &logs,
        "case \"$*\" in *-yy*) echo 'strace: invalid option' >&2; exit 1;; esac\nPATH=${PATH#*:} exec strace \"$@\"",
    );
    let mut command = command(["run", "--", "true"]);
    let output = command.env("PATH", path_with(&logs)).output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn fake_strace(logs: &Logs, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = logs.write("strace", format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn path_with(logs: &Logs) -> String {
    format!(
        "{}:{}",
        logs.dir().display(),
        std::env::var("PATH").unwrap()
    )
}

fn wait_until(mut is_so_fn: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so_fn() {
        assert!(began.elapsed() < Duration::from_secs(20), "still waiting");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn send_term(pid: u32) {
    // It may have ended already.
    let _ = Command::new("sh")
        .args(["-c", &format!("kill {pid}")])
        .stderr(Stdio::null())
        .status();
}
