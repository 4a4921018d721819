//! The files of `strace -ff`.

use std::process::Command;

use crate::polter::{GHOST, Logs, polter};

#[test]
fn a_file_per_task_is_one_log() {
    let logs = Logs::new();
    write(&logs, |line| format!("1700000000.{line:06} "));
    let ran = judge(&logs);
    assert_eq!(ran.code, Some(1), "{}", ran.err());
    assert!(ran.out().contains("log.*\n"), "{}", ran.out());
    assert!(ran.out().contains("fork ghost"), "{}", ran.out());
    assert_eq!(
        ran.out().matches("What each policy would change").count(),
        1
    );
}

#[test]
fn without_times_it_names_the_option() {
    let no_times = |_| String::new();
    let coarse = |_| "12:00:00 ".to_owned();
    for (times, said) in [
        (&no_times as &dyn Fn(usize) -> String, "have no time stamps"),
        (&coarse, "too coarse"),
    ] {
        let logs = Logs::new();
        write(&logs, times);
        let ran = judge(&logs);
        assert_eq!((ran.code, ran.out().as_str()), (Some(2), ""));
        assert!(
            ran.err().contains(said) && ran.err().contains("-ttt"),
            "{}",
            ran.err()
        );
        assert_eq!(ran.err().lines().count(), 1, "{}", ran.err());
    }
}

#[test]
fn one_file_of_a_family_is_not_the_whole() {
    let logs = Logs::new();
    write(&logs, |line| format!("1700000000.{line:06} "));
    let healthy = "epoll_create1(0) = 3\nclone(child_stack=NULL, flags=SIGCHLD) = 101\n";
    let log = logs.write("log.100", healthy);
    let ran = polter(["judge".as_ref(), log.as_os_str()]);
    assert_eq!(ran.code, Some(2), "{}", ran.out());
    assert!(ran.err().contains("name all of them"), "{}", ran.err());
}

#[test]
fn logs_with_numbers_are_logs_of_their_own() {
    let logs = Logs::new();
    logs.write("log.100", GHOST);
    logs.write("log.101", GHOST);
    let ran = judge(&logs);
    assert_eq!(ran.code, Some(1));
    assert_eq!(
        ran.out().matches("What each policy would change").count(),
        2
    );
}

#[test]
fn a_recorded_family_shows_what_one_file_shows() {
    if !crate::run::can_trace() {
        return;
    }
    for class in [
        "fork-ghost",
        "child-removes",
        "event-theft",
        "handed-over-ghost",
        "healthy",
    ] {
        for options in [&["-ff", "-ttt"][..], &["-ff", "-tt", "-T", "-yy"]] {
            let logs = Logs::new();
            let mut strace = Command::new("strace");
            strace.args(options).arg("-o").arg(logs.path("log"));
            assert!(
                strace
                    .arg(::haunted::binary())
                    .arg(class)
                    .status()
                    .unwrap()
                    .success()
            );
            let ran = judge(&logs);
            let code = i32::from(class != "healthy");
            assert_eq!(
                ran.code,
                Some(code),
                "{class} {options:?}: {}\n{}",
                ran.out(),
                ran.err()
            );
            let title = class.replace('-', " ");
            let is_named = class == "healthy" || ran.out().contains(&title);
            assert!(is_named, "{class} {options:?}: {}", ran.out());
        }
    }
}

/// The ghost's log, a file for the parent and one for its child.
fn write(logs: &Logs, times: impl Fn(usize) -> String) {
    let lines = GHOST.lines().zip(1..);
    let parent = lines.map(|(line, number)| format!("{}{}\n", times(number), &line[4..]));
    logs.write("log.100", parent.collect::<String>());
    logs.write("log.101", format!("{}close(5) = 0\n", times(5)));
}

#[track_caller]
fn judge(logs: &Logs) -> crate::polter::Ran {
    let mut files: Vec<_> = std::fs::read_dir(logs.dir())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let judge = std::path::PathBuf::from("judge");
    polter(std::iter::once(judge).chain(files))
}
