//! `polter exorcise` on haunted programs: each ghost, again and again, and killed at its work.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::haunted::{Haunted, can_exorcise};
use crate::polter::{command, polter};

/// How often it is killed, with each program; `POLTER_KILLS` says otherwise.
const KILLS: usize = 100;

#[test]
fn a_watch_removes_what_comes_up_and_ends_with_a_sum() {
    if !can_exorcise() {
        return;
    }
    let haunted = Haunted::start(&["dup-ghost", "--linger", "60", "--spin"]);
    let (first, sum, code) = watched(&haunted, |watcher, _| {
        let pid = watcher.to_string();
        let killed = Command::new("kill").args(["-INT", &pid]).status();
        assert!(killed.unwrap().success());
    });
    assert_eq!(first["steps"][0]["outcome"]["outcome"], "removed");
    assert_eq!((&sum["removed"], &sum["kept"]), (&1.into(), &0.into()));
    assert_eq!((&sum["has_process_ended"], code), (&false.into(), Some(0)));
}

#[test]
fn a_watch_ends_with_its_process() {
    if !can_exorcise() {
        return;
    }
    let mut haunted = Haunted::start(&["in-flight-ghost", "--linger", "60"]);
    let pid = haunted.pid();
    let mut watcher = watch(&pid);
    let mut lines = BufReader::new(watcher.stdout.take().unwrap()).lines();
    let first = json(&lines.next().unwrap().unwrap());
    assert_eq!(first["steps"][0]["outcome"]["outcome"], "kept");
    haunted.child.kill().unwrap();
    haunted.child.wait().unwrap();
    let sum = json(&lines.next().unwrap().unwrap())["sum"].clone();
    assert_eq!(
        (&sum["kept"], &sum["has_process_ended"]),
        (&1.into(), &true.into())
    );
    assert!(watcher.wait().unwrap().success());
}

#[test]
fn a_watch_with_nobody_to_ask_is_an_error() {
    let ran = polter(["exorcise", "--watch", "1"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err().contains("nobody to ask"), "{}", ran.err());
}

#[test]
fn what_a_child_can_name_is_kept_and_goes_on_demand() {
    if !can_exorcise() {
        return;
    }
    let haunted = Haunted::start(&["foreign-entry", "--linger", "60"]);
    let pid = haunted.pid();
    let ran = polter(["exorcise", "--yes", &pid]);
    assert_eq!(ran.code, Some(1));
    let words: Vec<String> = ran.out().split_whitespace().map(str::to_owned).collect();
    assert!(
        words.join(" ").contains("--fd 6 --in-table"),
        "{}",
        ran.out()
    );
    let demand = ["exorcise", "--fd", "6", "--in-table", &pid];
    let ran = polter([&demand[..], &["--dry-run", &pid]].concat());
    let words: Vec<String> = ran.out().split_whitespace().map(str::to_owned).collect();
    assert!(
        words.join(" ").contains("is not told of it any more"),
        "{}",
        ran.out()
    );
    let ran = polter([&demand[..], &["--yes", &pid]].concat());
    assert_eq!(ran.code, Some(0), "{}", ran.out());
    assert!(
        polter(["exorcise", "--yes", &pid])
            .out()
            .contains("no ghost")
    );
}

#[test]
fn what_it_cost_is_told_before_and_after() {
    if !can_exorcise() {
        return;
    }
    let haunted = Haunted::start(&["dup-ghost", "--linger", "60", "--spin"]);
    let pid = haunted.pid();
    let look = || {
        let spin = ["exorcise", "--spin=10", "--yes", "--format", "json", &pid];
        json(&polter(spin).out())
    };
    let first = look();
    assert_eq!(first["steps"][0]["outcome"]["outcome"], "removed");
    for load in [&first["spin"]["before"], &first["spin"]["after"]] {
        assert!(load["window_ms"].as_u64().unwrap() >= 10, "{first}");
        assert!(
            load["cores"].is_f64() && load["switches"].is_u64(),
            "{first}"
        );
    }
    // It is freed, and uses nothing at all once it has come to its wait.
    let is_idle = |load: &Value| load["cores"] == 0.0 && load["switches"] == 0;
    while !is_idle(&look()["spin"]["after"]) {}
    let text = polter(["exorcise", "--spin=10", "--yes", &pid]).out();
    let loads = ["before    0 % of a core", "after     0 % of a core"];
    assert!(loads.iter().all(|load| text.contains(load)), "{text}");
}

#[test]
fn every_key_is_documented() {
    if !can_exorcise() {
        return;
    }
    let haunted = Haunted::start(&["dup-ghost", "--linger", "60"]);
    let ran = polter(["exorcise", "--dry-run", "--format", "json", &haunted.pid()]);
    assert_eq!(ran.code, Some(1));
    let plan = json(&ran.out());
    let docs = include_str!("../../../../docs/json.md");
    let step = plan["steps"][0].as_object().unwrap();
    for key in plan.as_object().unwrap().keys().chain(step.keys()) {
        assert!(docs.contains(&format!("`{key}`")), "{key}");
    }
}

#[test]
fn killed_at_its_work_it_does_no_harm() {
    check_kills(&["--restless", "--steady"]);
    check_kills(&["--restless"]);
}

/// The program checks itself: what is live is reported, no fd has changed, and it
/// ends when it is told to, which one that was stopped would not.
#[track_caller]
fn check_kills(program: &[&str]) {
    if !can_exorcise() {
        return;
    }
    let wanted = std::env::var("POLTER_KILLS").ok();
    let wanted = wanted.map_or(KILLS, |text| text.parse().expect("a number"));
    let haunted = Haunted::start(program);
    let pid = haunted.pid();
    let start = || {
        let mut polter = command(["exorcise", "--yes", &pid]);
        let polter = polter.stdout(Stdio::null()).stderr(Stdio::null());
        polter.spawn().unwrap()
    };
    let (mut seed, mut life_us) = (7_u64, 1);
    for nth in 0..wanted {
        // Any moment of its life, however long that is here and now.
        if nth % 20 == 0 {
            let begin = Instant::now();
            start().wait().unwrap();
            life_us = begin.elapsed().as_micros() as u64;
        }
        let mut polter = start();
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        std::thread::sleep(Duration::from_micros((seed >> 33) % life_us));
        polter.kill().unwrap();
        polter.wait().unwrap();
    }
    let (is_well, words) = haunted.end();
    let _ = writeln!(std::io::stderr(), "{wanted} kills of {program:?}: {words}");
    assert!(is_well, "{words}");
    assert!(words.starts_with("rounds "), "{words}");
}

/// The first scan, and the sum when `end_fn` has ended it.
fn watched(haunted: &Haunted, end_fn: impl FnOnce(u32, &Haunted)) -> (Value, Value, Option<i32>) {
    let mut watcher = watch(&haunted.pid());
    let mut lines = BufReader::new(watcher.stdout.take().unwrap()).lines();
    let first = json(&lines.next().unwrap().unwrap());
    end_fn(watcher.id(), haunted);
    let sum = json(&lines.last().unwrap().unwrap())["sum"].clone();
    (first, sum, watcher.wait().unwrap().code())
}

fn watch(pid: &str) -> std::process::Child {
    command(["exorcise", "--watch=10", "--yes", "--format", "json", pid])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[track_caller]
fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}
