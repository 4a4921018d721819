//! `polter record`, and `polter run` and `polter watch` by it, where the kernel records.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;
use std::time::Duration;

use crate::exorcist::start_maker;
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
    let _ = writeln!(std::io::stderr(), "skipped: {}", ran.err());
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
fn the_stack_of_a_ghost_names_the_function() {
    const GHOST: &str = "
        #include <sys/epoll.h>
        #include <sys/wait.h>
        #include <unistd.h>
        __attribute__((noinline)) void forget_it(int fd) { close(fd); __asm__ volatile(\"\" ::: \"memory\"); }
        int main(void) {
            int ends[2], instance = epoll_create1(0);
            if (pipe(ends)) return 1;
            struct epoll_event event = {.events = EPOLLIN, .data.fd = ends[0]};
            epoll_ctl(instance, EPOLL_CTL_ADD, ends[0], &event);
            if (!fork()) { usleep(300000); _exit(0); }
            usleep(100000);
            forget_it(ends[0]);
            if (write(ends[1], \"x\", 1) != 1) return 1;
            epoll_wait(instance, &event, 1, 0);
            usleep(200000);
            wait(0);
        }";
    if !can_record() {
        return;
    }
    let logs = Logs::new();
    let (source, program) = (logs.path("ghost.c"), logs.path("ghost"));
    fs::write(&source, GHOST).unwrap();
    let built = std::process::Command::new("cc")
        .arg("-O2")
        .arg("-o")
        .arg(&program)
        .arg(&source)
        .status();
    if !built.is_ok_and(|status| status.success()) {
        let _ = writeln!(std::io::stderr(), "skipped: no C compiler");
        return;
    }
    let log = logs.path("log");
    let (log, program) = (log.to_str().unwrap(), program.to_str().unwrap());
    polter(["record", "-o", log, "--", program]);
    let ran = polter(["judge", "--format", "json", log]);
    assert!(ran.out().contains("fork-ghost"), "{}", ran.out());
    assert!(ran.out().contains("(forget_it+0x"), "{}", ran.out());
}

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
