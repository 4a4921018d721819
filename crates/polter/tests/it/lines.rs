//! `--format jsonl`: an object a finding, and a last one that says what was seen.

use serde_json::Value;

use crate::haunted::Haunted;
use crate::polter::{GHOST, HEALTHY, Logs, TORN, polter};

fn lines(args: &[&str], code: i32) -> Vec<Value> {
    let ran = polter(args);
    assert_eq!(ran.code, Some(code), "{}", ran.err());
    let out = ran.out();
    assert!(out.is_ascii(), "{out}");
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    out.lines().map(parse).collect()
}

#[test]
fn a_log_says_what_it_has_and_what_it_lacks() {
    let logs = Logs::new();
    for (text, code, classes, is_whole) in [
        (GHOST, 1, &["fork-ghost"][..], true),
        (HEALTHY, 0, &[], true),
        (TORN, 0, &[], false),
    ] {
        let log = logs.write("log", text);
        let all = lines(&["judge", "--format", "jsonl", log.to_str().unwrap()], code);
        let (last, found) = all.split_last().unwrap();
        let named: Vec<&str> = found
            .iter()
            .map(|it| it["class"].as_str().unwrap())
            .collect();
        assert_eq!(named, classes, "{text}");
        assert_eq!(last["schema"], "polter.judge/1");
        assert_eq!(last["is_whole"], is_whole, "{last}");
        assert_eq!(last["findings"], classes.len());
        for line in &all {
            for key in ["source", "time", "host", "boot_id"] {
                assert!(line[key].is_string(), "{key}: {line}");
            }
        }
        for line in found {
            assert_eq!(
                (&line["schema"], &line["event"]),
                (&"polter.finding/1".into(), &"found".into())
            );
            assert_eq!(
                (&line["pid"], &line["fd"], &line["events"]),
                (&100.into(), &4.into(), &2.into())
            );
            assert!(
                line["fix"]
                    .as_str()
                    .is_some_and(|it| it.contains("EPOLL_CTL_DEL")),
                "{line}"
            );
        }
    }
}

#[test]
fn a_scan_says_whose_each_ghost_is() {
    let haunted = Haunted::start(&["dup-ghost", "--linger", "60"]);
    let pid = haunted.pid();
    for verb in ["scan", "why"] {
        let all = lines(&[verb, "--format", "jsonl", "--source", "proc", &pid], 1);
        let (last, found) = all.split_last().unwrap();
        assert_eq!(last["schema"], format!("polter.{verb}/1"));
        assert_eq!(found.len(), 1, "{found:?}");
        let line = &found[0];
        assert_eq!(line["class"], "dup-ghost");
        assert_eq!(line["source"], verb);
        assert_eq!(line["comm"], "haunted");
        assert_eq!(line["pid"].to_string(), pid);
        assert!(
            line["cgroup"].is_string() && line["sureness"].is_string(),
            "{line}"
        );
    }
}
