//! `polter watch`: a line a finding, while the log grows.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::event::epoll;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::polter::{GHOST, HEALTHY, Logs, Ran, TORN, command, polter, polter_with_stdin};

const BINARY: &str = env!("CARGO_BIN_EXE_polter");

const EVENT: &str = "100 epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1\n";

#[test]
fn a_finding_is_told_while_the_pipe_is_open() {
    let mut watch = Watching::start(&["watch"]);
    watch.write(GHOST);
    let line = watch.line();
    assert!(
        line.contains("fork-ghost process 100, fd 4: fd 4 was closed without EPOLL_CTL_DEL"),
        "{line}"
    );
    assert!(
        line.contains("; fix: EPOLL_CTL_DEL 4 before") && line.ends_with("#1"),
        "{line}"
    );
    watch.write(&EVENT.repeat(8));
    assert!(
        watch
            .line()
            .ends_with("fork-ghost process 100, fd 4: 10 events by now #1")
    );
    watch.write("101 exit_group(0) = ?\n");
    assert!(
        watch
            .line()
            .ends_with("fork-ghost process 100, fd 4: over, after 10 events #1")
    );
    let ran = watch.end();
    assert_eq!(ran.code, Some(1), "{}", ran.err());
    let sum = ran.out();
    assert!(
        sum.contains("watched: 1 finding, 1 fault, 17 lines, 2 tasks"),
        "{sum}"
    );
    assert_eq!(sum.lines().count(), 1);
}

#[test]
fn what_has_lasted_is_told_though_nothing_comes() {
    let mut watch = Watching::start(&["watch", "--format", "json"]);
    let silent = GHOST.split("100 write").next().expect("it writes");
    watch.write(silent);
    let finding = watch.json();
    let event = ("suspected", "fork-ghost", 0);
    let told = (&finding["event"], &finding["class"], &finding["events"]);
    assert_eq!(told, (&event.0.into(), &event.1.into(), &event.2.into()));
    watch.write("101 exit_group(0) = ?\n");
    let finding = watch.json();
    assert_eq!(
        (&finding["event"], &finding["severity"]),
        (&"ended".into(), &"note".into())
    );
    let ran = watch.end();
    assert_eq!(ran.code, Some(0), "{}", ran.err());
}

#[test]
fn ctrl_c_ends_with_a_sum_and_the_code_of_what_was_found() {
    for (log, code, found) in [(GHOST, 1, "1 finding, 1 fault"), (HEALTHY, 0, "0 findings")] {
        let mut watch = Watching::start(&["watch"]);
        watch.write(log);
        watch.write("100 epoll_wa");
        if code == 1 {
            watch.line();
        } else {
            // It has read the healthy log by then; nothing tells so.
            thread::sleep(Duration::from_millis(500));
        }
        let pid = Pid::from_child(&watch.child);
        kill_process(pid, Signal::INT).expect("it runs");
        let ran = watch.wait();
        assert_eq!(ran.code, Some(code), "{}", ran.err());
        assert!(ran.out().contains(found), "{}", ran.out());
        assert!(ran.err().is_empty(), "half a line is none: {}", ran.err());
    }
}

#[test]
fn what_nohup_ignores_does_not_end_it() {
    let mut watch = Watching::begin(Command::new("nohup").arg(BINARY).arg("watch"));
    watch.write(GHOST);
    assert!(watch.line().contains("; fix: "));
    kill_process(Pid::from_child(&watch.child), Signal::HUP).expect("it runs");
    watch.write(&EVENT.repeat(8));
    assert!(watch.line().contains("10 events by now"));
    assert_eq!(watch.end().code, Some(1));
}

#[test]
fn a_file_that_grows_is_followed_to_ctrl_c() {
    let logs = Logs::new();
    let path = logs.write("log", GHOST);
    let watch = Watching::start(&["watch", "--follow", path.to_str().expect("a name")]);
    assert!(watch.line().contains("fork-ghost"));
    let mut file = OpenOptions::new()
        .append(true)
        .open(&path)
        .expect("it is there");
    file.write_all(b"101 exit_group(0) = ?\n")
        .expect("it can be written");
    assert!(watch.line().contains("over, after 2 events"));
    kill_process(Pid::from_child(&watch.child), Signal::TERM).expect("it runs");
    assert_eq!(watch.wait().code, Some(1));
}

#[test]
fn what_could_not_be_read_is_said_and_never_clean() {
    check(HEALTHY, &[], 0, "");
    check(GHOST, &[], 1, "");
    check(GHOST, &["--fail-on", "none"], 0, "");
    check(GHOST, &["--fail-on", "child-removes"], 0, "");
    check(TORN, &[], 2, "line 2:");
    check(TORN, &["--strict"], 2, "1 line could not be read");
    check(
        &format!("{HEALTHY}# lost 7 events\n"),
        &[],
        2,
        "7 events lost by the recorder",
    );
    check(
        &format!("{GHOST}# lost 7 events\n"),
        &[],
        1,
        "7 events lost by the recorder",
    );
    check(
        &format!("{GHOST}# lost 7 events\n"),
        &["--strict"],
        2,
        "7 events",
    );
    let noise = format!("{HEALTHY}{}", "noise\n".repeat(60));
    check(&noise, &[], 2, "60 lines could not be read so far");
    // It began before the log did.
    check(
        "100 epoll_wait(3, [], 8, 0) = 0\n",
        &[],
        2,
        "polter capture",
    );
    check("", &[], 2, "");
}

#[test]
fn a_file_is_watched_to_its_end_and_one_that_is_no_log_is_an_error() {
    let logs = Logs::new();
    let log = logs.write("log", GHOST);
    let ran = polter(["watch".as_ref(), log.as_os_str()]);
    assert_eq!(
        (ran.code, ran.out().lines().count()),
        (Some(1), 2),
        "{}",
        ran.err()
    );
    let other = logs.write("other", "PNG\0\0\0\n");
    for path in [other, logs.path("missing"), logs.dir().to_owned()] {
        let ran = polter(["watch".as_ref(), path.as_os_str()]);
        assert_eq!(ran.code, Some(2), "{}", ran.out());
    }
}

#[test]
fn json_has_a_schema_a_time_and_the_whole_story() {
    let timed: String = (GHOST.lines().zip(0..))
        .map(|(line, n)| line.replacen("100 ", &format!("100 1700000000.{n:06} "), 1) + "\n")
        .collect();
    let named = format!(
        "100 1699999999.000000 execve(\"/srv/worker\", [\"worker\"], 0x7ffc /* 1 var */) = 0\n{timed}"
    );
    let ran = polter_with_stdin(&["watch", "--format", "json", "-"], named.as_bytes());
    let objects: Vec<Value> = (ran.out().lines())
        .map(|line| serde_json::from_str(line).expect("an object a line"))
        .collect();
    let finding = &objects[0];
    for (key, value) in [
        ("schema", "polter.finding/1"),
        ("time", "2023-11-14T22:13:20.000006Z"),
        ("event", "found"),
        ("comm", "worker"),
        ("severity", "fault"),
    ] {
        assert_eq!(finding[key], value, "{key} in {finding}");
    }
    let story = finding["story"].as_array().expect("it has steps");
    let times = story
        .iter()
        .map(|step| step["time"].as_str().expect("a time"));
    let seconds: Vec<&str> = times.map(|time| &time[17..]).collect();
    assert_eq!(
        seconds,
        ["20.000002Z", "20.000003Z", "20.000004Z", "20.000006Z"]
    );
    let sum = objects.last().expect("there is a sum");
    assert_eq!(
        (&sum["schema"], &sum["findings"]),
        (&"polter.watch/1".into(), &1.into())
    );
    let docs = include_str!("../../../../docs/json.md");
    for object in &objects {
        for key in object.as_object().expect("objects").keys() {
            assert!(
                docs.contains(&format!("`{key}`")),
                "{key} is not in docs/json.md"
            );
        }
    }
}

#[test]
fn a_stamp_beyond_all_calendars_is_none() {
    for stamp in ["99999999999999.5", "253402300800.0", "12:00:00", ""] {
        let log = GHOST.replace("100 ", &format!("100 {stamp} "));
        let ran = polter_with_stdin(&["watch", "--format", "json"], log.as_bytes());
        assert_eq!(ran.code, Some(1), "{}", ran.err());
        assert!(
            ran.out().contains("\"time\":null,\"site\""),
            "{stamp}: {}",
            ran.out()
        );
    }
}

#[test]
fn a_hostile_name_reaches_no_terminal() {
    let exec = "100 execve(\"/srv/\\33]0;x\\7\\233\\n\", [\"x\"], 0x7ffc /* 1 var */) = 0\n";
    for format in ["text", "json"] {
        let log = format!("{exec}{GHOST}\u{1b}[2J\u{9b}31m\n");
        let ran = polter_with_stdin(&["watch", "--format", format], log.as_bytes());
        for text in [ran.out(), ran.err()] {
            let is_plain = |byte: char| !byte.is_control() || byte == '\n';
            assert!(text.chars().all(is_plain), "{text:?}");
        }
        assert!(
            ran.out().contains("x1b]0;x") || ran.out().contains("u001b]0;x"),
            "{}",
            ran.out()
        );
    }
}

#[test]
fn of_very_many_alike_some_are_shown_and_the_others_counted() {
    // A process for each connection, each with a ghost of its own.
    let log: String = (1..=50)
        .map(|n| {
            let log = GHOST.replace("101", &format!("{}", 10_000 + n));
            let log = log.replace("100 ", &format!("{n} "));
            format!("{n} execve(\"/srv/worker\", [\"worker\"], 0x7ffc /* 1 var */) = 0\n{log}")
        })
        .collect();
    let ran = polter_with_stdin(&["watch"], log.as_bytes());
    let out = ran.out();
    assert_eq!(out.matches("; fix: ").count(), 20, "{out}");
    assert!(
        out.contains("fork-ghost worker: 30 more like these, not shown"),
        "{out}"
    );
    assert!(out.contains("watched: 50 findings"), "{out}");
    assert!(out.contains(", 30 not shown"), "{out}");
    let ran = polter_with_stdin(&["watch", "--format", "json"], log.as_bytes());
    assert_eq!(ran.out().matches("\"found\"").count(), 50);
}

#[test]
fn what_was_captured_before_is_no_gap() {
    let instance = epoll::create(epoll::CreateFlags::CLOEXEC).expect("an instance");
    let logs = Logs::new();
    let dir = logs.path("before");
    assert_eq!(polter(["capture".as_ref(), dir.as_os_str()]).code, Some(0));
    let dir = dir.to_str().expect("a name");
    let log = format!(
        "{} epoll_wait({}, [], 8, 0) = 0\n",
        std::process::id(),
        instance.as_raw_fd()
    );
    for (options, code) in [(&["watch"][..], 2), (&["watch", "--from", dir], 0)] {
        let ran = polter_with_stdin(options, log.as_bytes());
        assert_eq!(ran.code, Some(code), "{}{}", ran.out(), ran.err());
    }
}

#[test]
fn a_process_of_this_machine_has_its_name_and_place() {
    let pid = std::process::id();
    let log = GHOST.replace("100 ", &format!("{pid} "));
    let ran = polter_with_stdin(&["watch", "--local", "--format", "json"], log.as_bytes());
    let out = ran.out();
    let finding: Value = serde_json::from_str(out.lines().next().expect("a line")).expect("JSON");
    let comm = std::fs::read_to_string("/proc/self/comm").expect("/proc");
    assert_eq!(finding["comm"], comm.trim_end());
    assert!(
        finding["cgroup"].is_string() && finding["boot_id"].is_string(),
        "{finding}"
    );
}

#[track_caller]
fn check(log: &str, options: &[&str], code: i32, said: &str) {
    let args: Vec<&str> = ["watch"].iter().chain(options).copied().collect();
    let ran = polter_with_stdin(&args, log.as_bytes());
    assert_eq!(
        ran.code,
        Some(code),
        "{options:?} of\n{log}\n{}{}",
        ran.out(),
        ran.err()
    );
    assert!(ran.err().contains(said), "{said} in {}", ran.err());
    assert_eq!(
        ran.err().is_empty(),
        said.is_empty() && code < 2,
        "{}",
        ran.err()
    );
}

/// A watch whose standard input is open, and whose lines come one by one.
struct Watching {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Watching {
    fn start(args: &[&str]) -> Watching {
        Watching::begin(&mut command(args))
    }

    fn begin(command: &mut Command) -> Watching {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("polter starts");
        let out = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                // Nobody listens any more once the test is over.
                let _ = sender.send(line);
            }
        });
        Watching { child, lines }
    }

    fn write(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().expect("piped");
        stdin.write_all(text.as_bytes()).expect("it reads");
        stdin.flush().expect("it reads");
    }

    #[track_caller]
    fn line(&self) -> String {
        let line = self.lines.recv_timeout(Duration::from_secs(60));
        line.expect("a line comes while the pipe is open")
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.line()).expect("an object")
    }

    /// Closes the pipe, and waits.
    fn end(mut self) -> Ran {
        drop(self.child.stdin.take());
        self.wait()
    }

    fn wait(mut self) -> Ran {
        let mut stderr = Vec::new();
        let piped = self.child.stderr.as_mut().expect("piped");
        piped.read_to_end(&mut stderr).expect("it can be read");
        let code = self.child.wait().expect("it ends").code();
        let stdout = self
            .lines
            .iter()
            .collect::<Vec<_>>()
            .join("\n")
            .into_bytes();
        Ran {
            code,
            stdout,
            stderr,
        }
    }
}
