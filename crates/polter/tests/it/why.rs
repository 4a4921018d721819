//! `polter why`, asked about the programs in `fixtures/`: each has one mistake, or none, and says which.
//!
//! The C and Python programs run here; `scripts/why-fixtures` runs all, by both sources and as an ordinary user.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread;

use serde_json::Value;

use crate::compiler::compile;
use crate::polter::{Ran, polter};

/// What only a count of calls can tell. Without it these are told with a doubt, or not at all.
const COUNTED_ONLY: [&str; 3] = ["busy-read", "call-soon", "herd"];

/// The C and Python programs with a mistake that shows without a count.
const REPORTS: usize = 22;

/// How often a program that got no CPU is asked again.
const ATTEMPTS: u32 = 8;

/// Programs at a time; each is watched for a second.
const AT_ONCE: usize = 4;

#[test]
fn the_first_cause_of_every_program_is_its_mistake() {
    let programs = Mutex::new(programs());
    let reports = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(program) = { programs.lock().unwrap().pop() } {
                    if let Some(report) = ask(&program) {
                        reports.lock().unwrap().insert(name(&program), report);
                    }
                }
            });
        }
    });
    let reports = reports.into_inner().unwrap();
    if reports.len() >= REPORTS {
        let all: Vec<String> = reports
            .iter()
            .map(|(name, text)| format!("== {name}\n{text}"))
            .collect();
        insta::assert_snapshot!("why", all.join("\n"));
    } else {
        skip(&format!(
            "only {} of {REPORTS} reports could be made",
            reports.len()
        ));
    }
}

#[test]
fn the_stack_of_a_deaf_process_names_its_functions() {
    for (program, in_text, in_json) in [
        ("deaf/blocked-handler.c", "stack     main", "(main+0x"),
        ("deaf/closed-instance.c", "stack     loop", "(loop+0x"),
        (
            "deaf/forgotten.py",
            "<module> (forgotten.py:36)",
            "forgotten.py(<module>+0x0) [line 36]",
        ),
    ] {
        let Some(running) = Running::start(&fixtures().join(program)) else {
            continue;
        };
        let pid = &running.said["pid"];
        for source in ["proc", "bpf"] {
            let ask = |format| polter(["why", "--source", source, "--format", format, pid]);
            let (json, text) = (ask("json"), ask("text"));
            if source == "bpf" && json.err().contains("BPF") {
                skip(&format!("{program} by BPF: {}", json.err().trim()));
                continue;
            }
            let value: Value = serde_json::from_str(&json.out()).expect("JSON");
            let threads = value["processes"][0]["threads"]
                .as_array()
                .expect("threads");
            if threads[0]["activities"] == Value::Array(Vec::new()) {
                skip(&format!(
                    "{program} by {source}: its threads may not be read"
                ));
                continue;
            }
            if program.ends_with("py") && !is_python_known() {
                skip(&format!("{program}: this Python's frames are not known"));
                continue;
            }
            let stacks = threads.iter().filter_map(|it| it["user_stack"].as_array());
            let mut frames = stacks.flatten().filter_map(Value::as_str);
            assert!(
                frames.any(|it| it.contains(in_json)),
                "{program} by {source}: {value}"
            );
            assert!(
                text.out().contains(in_text),
                "{program} by {source}: {}",
                text.out()
            );
        }
    }
    assert!(include_str!("../../../../docs/json.md").contains("`user_stack`"));
}

/// True if `polter-stack` knows the memory of the Python that runs here.
fn is_python_known() -> bool {
    let version = Command::new("python3").arg("--version").output();
    let version = version.map_or_else(|_| Vec::new(), |it| it.stdout);
    let version = String::from_utf8_lossy(&version).into_owned();
    ["3.11.", "3.12.", "3.13."]
        .iter()
        .any(|it| version.contains(it))
}

#[test]
fn a_process_that_is_not_there_is_an_error() {
    let ran = polter(["why", "4194304"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err().contains("4194304"), "{}", ran.err());
}

#[test]
fn json_has_every_key_documented() {
    let own = std::process::id().to_string();
    let ran = polter([
        "why", "--for", "100ms", "--source", "proc", "--format", "json", &own,
    ]);
    let value: Value = serde_json::from_str(&ran.out()).unwrap();
    let process = value["processes"][0].as_object().unwrap();
    let thread = process["threads"][0].as_object().unwrap();
    let docs = include_str!("../../../../docs/json.md");
    for key in value
        .as_object()
        .unwrap()
        .keys()
        .chain(process.keys())
        .chain(thread.keys())
    {
        assert!(docs.contains(&format!("`{key}`")), "{key}");
    }
}

/// Of the ghosts the pages name some, and say that every kind has its own name.
#[test]
fn the_pages_list_every_class() {
    let pages = [
        include_str!("../../../../docs/why.md"),
        include_str!("../../../../docs/json.md"),
    ];
    for class in polter_why::CauseClass::PLAIN {
        let name = format!("`{}`", class.name());
        assert!(pages.iter().all(|page| page.contains(&name)), "{name}");
    }
}

/// The C and Python programs.
fn programs() -> Vec<PathBuf> {
    let mut programs = Vec::new();
    for dir in ["spinning", "deaf", "busy"] {
        for entry in fs::read_dir(fixtures().join(dir)).expect("fixtures") {
            let path = entry.expect("an entry").path();
            let extension = path.extension().and_then(|it| it.to_str());
            if matches!(extension, Some("c" | "py")) {
                programs.push(path);
            }
        }
    }
    programs
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures")
}

/// `spinning/writer-gone`.
fn name(program: &Path) -> String {
    let dir = program
        .parent()
        .and_then(Path::file_name)
        .expect("a folder");
    let stem = program.file_stem().expect("a name");
    format!("{}/{}", dir.to_string_lossy(), stem.to_string_lossy())
}

/// Starts a program and asks why; returns the report without what differs from run to run.
fn ask(program: &Path) -> Option<String> {
    let name = name(program);
    let running = Running::start(program)?;
    let pid = running.said["pid"].clone();
    let what = running.said["class"].clone();
    let fd: Option<i64> = running.said["fd"].parse().ok();
    let is_family = running.said.contains_key("worker");
    let why = |source: &str, format: &str| -> Ran {
        let mut args = vec!["why", "--source", source, "--format", format];
        args.extend(is_family.then_some("--children"));
        args.push(&pid);
        polter(args)
    };
    let is_healthy = ["busy", "idle"].contains(&what.as_str());
    let stem = name.rsplit('/').next().unwrap_or_default();
    for source in ["proc", "bpf"] {
        let mut ran = why(source, "json");
        for _ in 0..ATTEMPTS {
            if !is_starved(&ran) {
                break;
            }
            ran = why(source, "json");
        }
        if source == "bpf" && ran.code == Some(2) && ran.err().contains("BPF") {
            skip(&format!("{name} by BPF: {}", ran.err().trim()));
            continue;
        }
        let value: Value =
            serde_json::from_str(&ran.out()).unwrap_or_else(|_| panic!("{name}: {}", ran.err()));
        let processes = value["processes"].as_array().expect("processes");
        let first = processes
            .iter()
            .map(|it| &it["causes"][0])
            .find(|it| !it.is_null());
        if is_healthy {
            assert_eq!(first, None, "{name} by {source}: {value}");
            continue;
        }
        if source == "proc" && COUNTED_ONLY.contains(&stem) {
            let is_sure = first.is_some_and(|it| it["sureness"] == "certain");
            assert!(!is_sure, "{name} by {source}: {value}");
            continue;
        }
        let first = first.unwrap_or_else(|| panic!("{name} by {source}: no cause: {value}"));
        assert_eq!(first["class"], what.as_str(), "{name} by {source}: {value}");
        assert_eq!(first["fd"].as_i64(), fd, "{name} by {source}: {value}");
        assert_eq!(ran.code, Some(1), "{name} by {source}");
    }
    if is_healthy || COUNTED_ONLY.contains(&stem) {
        return None;
    }
    let text = why("proc", "text").out();
    Some(without_chance(&text))
}

/// True if the other tests left the program no CPU: then nothing can be told, and it is asked again.
fn is_starved(ran: &Ran) -> bool {
    let value: Value = serde_json::from_str(&ran.out()).unwrap_or_default();
    let thread = &value["processes"][0]["threads"][0];
    thread["busy"].as_f64().is_some_and(|busy| busy >= 0.5) && thread["in_kernel"].is_null()
}

/// A program that runs until this value is dropped.
struct Running {
    child: Child,
    said: BTreeMap<String, String>,
    _dir: tempfile::TempDir,
}

impl Running {
    /// Compiles it if it is C, and starts it; `None`, aloud, if what that needs is missing.
    fn start(program: &Path) -> Option<Running> {
        let dir = tempfile::tempdir().expect("a folder");
        let mut command = if program.extension().is_some_and(|it| it == "py") {
            let mut command = Command::new("python3");
            command.arg(program);
            command
        } else {
            let binary = dir.path().join("program");
            if !compile(&["-O1", "-pthread"], program, &binary) {
                return None;
            }
            Command::new(binary)
        };
        let spawned = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => {
                skip(&format!("{}: {error}", program.display()));
                return None;
            }
        };
        let mut line = String::new();
        let out = child.stdout.take().expect("a pipe");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let said = line
            .split_whitespace()
            .filter_map(|word| word.split_once('='));
        let said: BTreeMap<String, String> = said
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect();
        assert!(said.contains_key("pid"), "{}: {line}", program.display());
        Some(Running {
            child,
            said,
            _dir: dir,
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let group = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ = self.child.wait();
    }
}

/// The answer and what to do now, without pids, rates and addresses. What stands between them tells of the run.
fn without_chance(text: &str) -> String {
    let (answer, rest) = text.split_once("\n\n").unwrap_or((text, ""));
    let now = rest
        .lines()
        .filter(|line| line.trim_start().starts_with("now "));
    let mut plain = String::new();
    for line in unwrapped(answer).lines().chain(now) {
        let mut digits = 0;
        for letter in line.chars() {
            if letter.is_ascii_digit() {
                digits += 1;
                continue;
            }
            push_number(&mut plain, digits);
            digits = 0;
            plain.push(letter);
        }
        push_number(&mut plain, digits);
        plain.push('\n');
    }
    plain
}

/// The answer with a line a sentence: where a line is broken depends on the digits of a pid.
fn unwrapped(answer: &str) -> String {
    let mut whole = String::new();
    for line in answer.lines() {
        let goes_on = line.starts_with("  ") && !line.trim_start().starts_with("Fix:");
        let is_first = whole.lines().count() < 2;
        if !goes_on || is_first {
            whole.push_str(if whole.is_empty() { "" } else { "\n" });
            whole.push_str(line);
        } else {
            whole.push(' ');
            whole.push_str(line.trim_start());
        }
    }
    whole
}

fn push_number(plain: &mut String, digits: usize) {
    if digits > 0 {
        plain.push('N');
    }
}

fn skip(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}
