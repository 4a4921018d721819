//! A recorder that does not come to read: what is lost is counted, where it is, and what it touches is named.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::compiler::compile;
use crate::polter::{Logs, command, polter};
use crate::record::can_record;

/// Has a ghost from its beginning to its end. In between it closes numbers that are not open and count up, more than the
/// ring has room for.
const PROGRAM: &str = "
import os, select, sys
epoll, (reader, writer) = select.epoll(), os.pipe()
kept = os.dup(reader)
epoll.register(reader, select.EPOLLIN)
os.close(reader)
mark = 100000
def close():
    global mark
    try: os.close(mark)
    except OSError: mark += 1
print('ready', flush=True)
sys.stdin.buffer.raw.read(1)
for _ in range(350000): close()
print('full', flush=True)
while not select.select([0], [], [], 0.002)[0]: close()
os.write(writer, b'x')
epoll.poll(0)
print(mark, flush=True)
";

#[test]
fn what_a_stopped_recorder_loses_is_told_where_it_is() {
    if !can_record() {
        return;
    }
    let logs = Logs::new();
    let log = logs.path("log");
    let log = log.to_str().unwrap();
    let recorder = command(["record", "-o", log, "--", "python3", "-c", PROGRAM])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut recorder = recorder.unwrap();
    let mut said = BufReader::new(recorder.stdout.take().unwrap()).lines();
    let mut stdin = recorder.stdin.take().unwrap();
    let Some(Ok(_ready)) = said.next() else {
        let _ = writeln!(std::io::stderr(), "skipped: no Python");
        recorder.wait().unwrap();
        return;
    };
    signal("-STOP", recorder.id());
    stdin.write_all(b"x").unwrap();
    assert_eq!(said.next().unwrap().unwrap(), "full");
    signal("-CONT", recorder.id());
    let end = Instant::now() + Duration::from_secs(60);
    while !fs::read_to_string(log).unwrap().contains("\n# lost ") && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(100));
    }
    stdin.write_all(b"x").unwrap();
    let marks: u64 = said.next().unwrap().unwrap().parse().unwrap();
    let ended = recorder.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let complaint = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(complaint.contains(" records were lost"), "{complaint}");

    let lost = check_place(Path::new(log), marks);
    let judged = polter(["judge", "--format", "json", "--strict", log]);
    let verdict: serde_json::Value = serde_json::from_str(&judged.out()).unwrap();
    let gap = &verdict["gaps"][0];
    assert_eq!(
        (&gap["kind"], &gap["count"]),
        (&"lost".into(), &lost.into())
    );
    let summary = gap["summary"].as_str().unwrap();
    assert!(summary.contains("reaches over such a place"), "{summary}");
    assert_eq!(verdict["findings"][0]["class"], "dup-ghost");
    assert_eq!(judged.code, Some(2));
}

/// Each mark is in the recording, but for those of the one place that the loss is told at; gives how many that says.
fn check_place(log: &Path, marks: u64) -> u64 {
    let text = fs::read_to_string(log).unwrap();
    let (mut next, mut lost, mut missing) = (100_000, Vec::new(), 0);
    let mut may_miss = false;
    for line in text.lines() {
        if let Some(count) = line.strip_prefix("# lost ") {
            lost.push(count.strip_suffix(" events").unwrap().parse().unwrap());
            may_miss = true;
        }
        let mark = line.split_once(" close(").and_then(|(_, it)| {
            let (mark, _) = it.split_once(") = -1 EBADF")?;
            mark.parse::<u64>().ok().filter(|it| *it >= 100_000)
        });
        if let Some(mark) = mark {
            assert!(mark == next || may_miss, "{mark} after {next}");
            missing += mark - next;
            next = mark + 1;
            may_miss = false;
        }
    }
    assert_eq!(next, marks);
    let sum: u64 = lost.iter().sum();
    // Between its marks the program has written a word, and waited for one.
    assert!(
        missing > 0 && (missing..missing + 4).contains(&sum),
        "{missing} of {lost:?}"
    );
    assert!(text.ends_with(&format!(", {sum} records lost\n")));
    sum
}

fn signal(which: &str, pid: u32) {
    let sent = std::process::Command::new("kill")
        .args([which, &pid.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

/// Whether the compiler and the linker know the older machine.
#[cfg(target_arch = "x86_64")]
fn makes_32_bit_programs(logs: &Logs) -> bool {
    let (empty, program) = (logs.path("empty.c"), logs.path("empty"));
    fs::write(&empty, "void _start(void) {}").unwrap();
    let mut cc = std::process::Command::new("cc");
    cc.args(["-m32", "-nostdlib", "-static", "-o"])
        .args([&program, &empty]);
    cc.output().is_ok_and(|made| made.status.success())
}

/// A 32-bit program's calls have other numbers: they are not recorded, which is said, and nothing is called clean.
#[test]
#[cfg(target_arch = "x86_64")]
fn calls_of_a_32_bit_program_count_as_lost() {
    const PROGRAM: &str = "
        void _start(void) {
            __asm__ volatile(\"int $0x80\" : : \"a\"(20));
            __asm__ volatile(\"int $0x80\" : : \"a\"(1), \"b\"(0));
        }";
    if !can_record() {
        return;
    }
    let logs = Logs::new();
    let (source, program) = (logs.path("short.c"), logs.path("short"));
    fs::write(&source, PROGRAM).unwrap();
    if !makes_32_bit_programs(&logs) {
        let _ = writeln!(std::io::stderr(), "skipped: cc makes no 32-bit programs");
        return;
    }
    if !compile(&["-m32", "-nostdlib", "-static"], &source, &program) {
        return;
    }
    let log = logs.path("log");
    let (log, program) = (log.to_str().unwrap(), program.to_str().unwrap());
    let ran = polter(["record", "-o", log, "--", program]);
    assert!(
        ran.err().contains("calls of 32-bit programs"),
        "{}",
        ran.err()
    );
    let verdict = polter(["judge", log]);
    assert_eq!(verdict.code, Some(2));
    assert!(
        verdict.out().contains("lost by the recorder"),
        "{}",
        verdict.out()
    );
}
