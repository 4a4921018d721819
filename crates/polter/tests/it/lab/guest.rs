//! What the command makes of a guest: its output, its end, a table of several, and who may run one.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;

use super::{Lab, POLICIES, text};

#[test]
fn output_and_exit_code_are_passed_on() {
    let Some(lab) = Lab::new("what is passed on") else {
        return;
    };
    let ran = lab.sh("echo out; echo err >&2; exit 7", &[]);
    assert_eq!(ran.status.code(), Some(7));
    assert_eq!(text(&ran.stdout), "out\n");
    assert_eq!(text(&ran.stderr), "err\n");
    assert_eq!(lab.sh("kill -9 $$", &[]).status.code(), Some(137));
    assert_eq!(lab.sh("cat", &[]).status.code(), Some(0), "no input");
    let none = lab.run(&["/no/such/program"], &[]);
    assert_eq!(none.status.code(), Some(2));
    assert!(text(&none.stderr).contains("/no/such/program: cannot start"));
}

#[test]
fn much_output_comes_whole() {
    let Some(lab) = Lab::new("much output") else {
        return;
    };
    let ran = lab.sh("seq 200000; seq 200000 | tr 0-9 a-j", &[]);
    let numbers: String = (1..=200_000).map(|n| format!("{n}\n")).collect();
    let letter = |c: char| {
        c.to_digit(10)
            .map_or(c, |digit| (b'a' + digit as u8) as char)
    };
    let letters: String = numbers.chars().map(letter).collect();
    assert!(text(&ran.stdout) == numbers + &letters);
}

#[test]
fn a_guest_ends_in_time() {
    let Some(lab) = Lab::new("the time limit") else {
        return;
    };
    let ran = lab.sh("sleep 1000 & sleep 1000", &["--time-limit", "1"]);
    assert_eq!(ran.status.code(), Some(124));
    lab.assert_nothing_is_left();
}

#[test]
fn several_policies_make_a_table() {
    let Some(lab) = Lab::new("the table of outcomes") else {
        return;
    };
    let mut command = lab.polter();
    command.args(["lab", "--all", "--", "sh", "-c"]);
    command.arg("read policy < /proc/sys/fs/epoll/lifetime; echo $policy; [ $policy != stale ]");
    let ran = command.output().unwrap();
    let told = text(&ran.stdout);
    assert_eq!(ran.status.code(), Some(1), "{told}");
    for policy in POLICIES {
        let row = told
            .lines()
            .find(|row| row.split(' ').next() == Some(policy));
        let row = row.unwrap_or_else(|| panic!("{policy}: {told}"));
        assert!(row.ends_with(&format!("  {policy}")), "{row}");
        assert_eq!(row.contains("exit code 1"), policy == "stale", "{row}");
    }
}

#[test]
fn an_ordinary_user_may() {
    let Some(lab) = Lab::new("an ordinary user") else {
        return;
    };
    if !rustix::process::getuid().is_root() {
        eprintln!("skipped: all the other tests have shown it");
        return;
    }
    const NOBODY: u32 = 65534;
    let everybody = fs::Permissions::from_mode(0o777);
    fs::set_permissions(lab.place.path(), everybody.clone()).unwrap();
    fs::set_permissions(lab.place.path().join("tmp"), everybody).unwrap();
    let mut command = lab.polter();
    command
        .args(["lab", "--policy", "stale", "--", "sh", "-c"])
        .arg("id -u; touch here; echo $?")
        .current_dir(lab.place.path())
        .uid(NOBODY)
        .gid(NOBODY);
    match command.output() {
        Ok(ran) => assert_eq!(text(&ran.stdout), "65534\n0\n", "{ran:?}"),
        Err(error) => eprintln!("skipped: nobody may not run what is built here: {error}"),
    }
}
