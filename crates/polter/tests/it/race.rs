//! `polter race`, from script to columns and back.

use crate::polter::polter;

const CLOSES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../scenarios/races/instance-against-file.strace"
);
const WAITERS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../scenarios/races/two-waiters.strace"
);

#[test]
fn linux_today_is_exhausted() {
    let ran = polter(["race", CLOSES]);
    assert_eq!(ran.code, Some(0), "{}", ran.err());
    assert!(
        ran.out()
            .contains("nothing can go wrong: all 139 states seen")
    );
}

#[test]
fn without_a_fix_the_race_is_shown_in_columns() {
    let ran = polter(["race", "--fix", "removal-pin=off", CLOSES]);
    assert_eq!(ran.code, Some(1), "{}", ran.err());
    let out = ran.out();
    assert!(out.contains("Use after free: in ep_remove_file(), task 100 touches eventfd 4"));
    assert!(out.contains("without removal-pin"));
    let heads = out.lines().find(|line| line.starts_with("step")).unwrap();
    let column = heads.find("101").unwrap();
    let close = out.lines().find(|line| line.ends_with("close(4)")).unwrap();
    assert_eq!(close.find("close(4)"), Some(column));
}

#[test]
fn a_schedule_replays() {
    let ran = polter([
        "race",
        "--format",
        "json",
        "--seed-bug",
        "no-wake-after-scan",
        WAITERS,
    ]);
    assert_eq!(ran.code, Some(1), "{}", ran.err());
    let found: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(found["version"], 1);
    assert_eq!(found["finding"]["kind"], "lost-wakeup");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("schedule");
    std::fs::write(&file, found["schedule"].as_str().unwrap()).unwrap();
    let file = file.to_str().unwrap();
    let seeded = [
        "race",
        "--format",
        "json",
        "--seed-bug",
        "no-wake-after-scan",
    ];
    let ran = polter(seeded.into_iter().chain(["--schedule", file, WAITERS]));
    assert_eq!(ran.code, Some(1), "{}", ran.err());
    let replayed: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    for key in ["finding", "schedule", "steps"] {
        assert_eq!(replayed[key], found[key]);
    }
    // Without the mistake the same turns lead elsewhere.
    let ran = polter(["race", "--schedule", file, WAITERS]);
    assert_eq!(ran.code, Some(0), "{}", ran.err());
}

#[test]
fn a_bound_ends_with_what_was_covered() {
    let ran = polter([
        "race", "--states", "50", "--walks", "20", "--cores", "1", WAITERS,
    ]);
    assert_eq!(ran.code, Some(0), "{}", ran.err());
    assert!(ran.out().contains("not all was seen (--states)"));
    assert!(ran.out().contains("beyond: 20 random schedules"));
}

#[test]
fn what_cannot_be_searched_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("script");
    let script = script.to_str().unwrap();
    check_error(script, "100 close(3) = ", "script");
    check_error(
        script,
        "100 fork() = 101\n101 execve(\"/x\", [], 0x1) = 0\n",
        "is not stepped",
    );
    check_error(
        script,
        "100 epoll_create1(0) = 9\n# race\n100 close(9) = 0\n",
        "not what is written",
    );
    let schedule = folder.path().join("schedule");
    std::fs::write(&schedule, "100*400").unwrap();
    let ran = polter(["race", "--schedule", schedule.to_str().unwrap(), CLOSES]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err().contains("cannot be taken"), "{}", ran.err());
    let ran = polter(["race", "--fix", "nonsense=off", CLOSES]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err().contains("removal-pin"), "{}", ran.err());
}

#[track_caller]
fn check_error(script: &str, text: &str, complaint: &str) {
    std::fs::write(script, text).unwrap();
    let ran = polter(["race", script]);
    assert_eq!(ran.code, Some(2), "{text}");
    assert!(ran.err().contains(complaint), "{}", ran.err());
}
