//! Real servers' logs, taken apart into a file a task, and merged again: the judge finds the same.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Read as _};
use std::path::PathBuf;

use eventpoll::Policy;
use polter_input::{Family, FamilyError, Opener};
use polter_judge::{Judge, Verdict};
use polter_trace::{Assembler, Call, EventKind, Line};

#[test]
fn real_logs_show_the_same_in_a_file_per_task() {
    let mut count = 0;
    for entry in std::fs::read_dir(fixtures()).unwrap() {
        let path = entry.unwrap().path();
        let log = std::fs::read(&path).unwrap();
        for has_durations in [true, false] {
            let merged = merge(taken_apart(&log, has_durations)).unwrap();
            let (expected, found) = (judge(&log), judge(merged.as_bytes()));
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let context = format!("{name} with durations: {has_durations}\n{merged}");
            assert_eq!(findings(&found), findings(&expected), "{context}");
            assert_eq!(found.gaps, [], "{context}");
            assert_eq!(found.log.events, expected.log.events, "{context}");
        }
        count += 1;
    }
    assert_eq!(count, 15);
}

#[test]
fn a_wait_ends_when_its_task_goes_on() {
    let first = "1.000001 epoll_wait(3, [{events=EPOLLIN}], 8, -1) = 1\n1.000005 close(4) = 0\n";
    check(
        &[(100, first), (101, "1.000003 close(3) = 0\n")],
        "\
100 1.000001 epoll_wait(3,  <unfinished ...>
101 1.000003 close(3) = 0
100 1.000001 <... epoll_wait resumed>[{events=EPOLLIN}], 8, -1) = 1
100 1.000005 close(4) = 0
",
    );
}

#[test]
fn a_wait_ends_when_its_duration_is_over() {
    let first = "1.000001 pause() = 0 <0.000001>\n1.000005 close(4) = 0\n";
    check(
        &[(100, first), (101, "1.000003 close(3) = 0\n")],
        "\
100 1.000001 pause( <unfinished ...>
100 1.000001 <... pause resumed>) = 0 <0.000001>
101 1.000003 close(3) = 0
100 1.000005 close(4) = 0
",
    );
}

#[test]
fn stacks_stay_with_their_calls() {
    let first =
        "1.000001 pause() = 0\n > /x(main+0x1) [0x1]\n1.000005 close(4) = 0\n > /x(f+0x1) [0x2]\n";
    check(
        &[(100, first), (101, "1.000003 close(3) = 0\n")],
        "\
100 1.000001 pause( <unfinished ...>
101 1.000003 close(3) = 0
100 1.000001 <... pause resumed>) = 0
 > /x(main+0x1) [0x1]
100 1.000005 close(4) = 0
 > /x(f+0x1) [0x2]
",
    );
}

#[test]
fn midnight_is_passed() {
    check(
        &[
            (
                100,
                "23:59:59.999999 close(3) = 0\n00:00:00.000002 close(4) = 0\n",
            ),
            (
                101,
                "23:59:59.999998 close(5) = 0\n00:00:00.000001 close(6) = 0\n",
            ),
        ],
        "\
101 23:59:59.999998 close(5) = 0
100 23:59:59.999999 close(3) = 0
101 00:00:00.000001 close(6) = 0
100 00:00:00.000002 close(4) = 0
",
    );
}

#[test]
fn a_thousand_files_are_not_all_open() {
    let files = (0..1000).map(|task| {
        (
            task + 100,
            format!("1700000000.{task:06} close({task}) = 0\n"),
        )
    });
    let merged = merge(files.collect()).unwrap();
    let expected =
        (0..1000).map(|task| format!("{} 1700000000.{task:06} close({task}) = 0\n", task + 100));
    assert_eq!(merged, expected.collect::<String>());
}

#[test]
fn files_without_fine_times_are_refused() {
    check_refused("hello\n", |error| matches!(error, FamilyError::NoLog));
    check_refused("close(3) = 0\n", |error| {
        matches!(error, FamilyError::NoTimes)
    });
    check_refused("     0.000010 close(3) = 0\n", |error| {
        matches!(error, FamilyError::NoTimes)
    });
    check_refused("12:00:00 close(3) = 0\n", |error| {
        matches!(error, FamilyError::CoarseTimes)
    });
    check_refused("1700000000.123 close(3) = 0\n", |error| {
        matches!(error, FamilyError::CoarseTimes)
    });
    check_refused("100 1700000000.123456 close(3) = 0\n", |error| {
        matches!(error, FamilyError::HasNumbers)
    });
}

#[track_caller]
fn check(files: &[(u32, &str)], expected: &str) {
    // Times since 1970, not since the line before.
    let longer = |text: &str| text.replace("1.0000", "1700000001.0000");
    let files = files
        .iter()
        .map(|(pid, text)| (*pid, longer(text)))
        .collect();
    assert_eq!(merge(files).unwrap(), longer(expected));
}

#[track_caller]
fn check_refused(text: &str, is_it: fn(&FamilyError) -> bool) {
    let error = merge(vec![(100, text.to_owned())]).unwrap_err();
    assert!(is_it(&error), "{text}: {error:?}");
}

fn merge(files: Vec<(u32, String)>) -> Result<String, FamilyError> {
    let files = files.into_iter().map(|(pid, text)| {
        let open: Opener = Box::new(move || {
            let reader: Box<dyn BufRead> = Box::new(io::Cursor::new(text.clone().into_bytes()));
            Ok(reader)
        });
        (pid, open)
    });
    let mut merged = String::new();
    Family::new(files.collect())?.read_to_string(&mut merged)?;
    Ok(merged)
}

/// A file a task: each call on the line on which it began, which is its time.
fn taken_apart(log: &[u8], has_durations: bool) -> Vec<(u32, String)> {
    let mut files: BTreeMap<u32, BTreeMap<u64, String>> = BTreeMap::new();
    let mut assembler = Assembler::default();
    for (text, number) in log.split(|byte| *byte == b'\n').zip(1..) {
        let line = Line::parse(text);
        let rest = String::from_utf8_lossy(&text[line.prefix.raw.len()..]).into_owned();
        let Some(event) = assembler.push(number, &line).event else {
            continue;
        };
        let (began, text) = match event.kind {
            EventKind::Comment(_) => continue,
            EventKind::Exit { entry, call } => (entry, whole(&call)),
            _ => (number, rest),
        };
        let took = match has_durations && text.contains(") = ") {
            true => format!(" <0.{:06}>", number - began),
            false => String::new(),
        };
        let file = files.entry(event.pid.unwrap()).or_default();
        file.insert(began, format!("1700000000.{began:06} {text}{took}\n"));
    }
    let text = |lines: BTreeMap<u64, String>| lines.into_values().collect();
    files
        .into_iter()
        .map(|(pid, lines)| (pid, text(lines)))
        .collect()
}

fn whole(call: &Call<'_>) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    format!(
        "{}({}) = {}",
        call.name,
        text(call.args.raw),
        text(call.returned.raw)
    )
}

fn judge(log: &[u8]) -> Verdict {
    let mut judge = Judge::new(&Policy::ALL);
    judge.read(log, |_| {}).unwrap();
    judge.finish()
}

fn findings(verdict: &Verdict) -> Vec<String> {
    let mut findings: Vec<String> = verdict
        .findings
        .iter()
        .map(|f| {
            format!(
                "{:?} {:?} {}:{} {} events",
                f.severity, f.class, f.pid, f.fd, f.events
            )
        })
        .collect();
    findings.sort();
    findings
}

fn fixtures() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../polter-judge/tests/fixtures"
    ))
}
