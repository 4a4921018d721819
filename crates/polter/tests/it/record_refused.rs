//! Who may not record is told what is missing, and the line that grants it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use tempfile::TempDir;

use crate::polter::Ran;
use crate::record::can_record;

/// Runs polter as another user, in a folder of his: a line of shell, in which `$polter` is it with these capabilities.
fn as_nobody(capabilities: &str, script: &str) -> Option<Ran> {
    let dir = TempDir::new().unwrap();
    let program = dir.path().join("polter");
    fs::copy(env!("CARGO_BIN_EXE_polter"), &program).unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let polter = format!(
        "setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps={capabilities} --ambient-caps={capabilities} {}",
        program.display()
    );
    let run = |script: &str| {
        let mut sh = Command::new("unshare");
        sh.args(["--mount", "sh", "-c", script])
            .env("polter", &polter);
        sh.current_dir(dir.path()).output()
    };
    if !can_record() || !run("$polter --version").is_ok_and(|it| it.status.success()) {
        let _ = writeln!(std::io::stderr(), "skipped: root can be nobody else here");
        return None;
    }
    run(script).ok().map(Ran::from)
}

#[track_caller]
fn check(capabilities: &str, script: &str, code: i32, parts: &[&str]) {
    if let Some(ran) = as_nobody(capabilities, script) {
        let said = format!("{}{}", ran.out(), ran.err());
        assert_eq!(ran.code, Some(code), "{said}");
        for part in parts {
            assert!(said.contains(part), "{part} is not in {said}");
        }
    }
}

#[test]
fn a_user_is_told_which_capabilities_and_what_grants_them() {
    for verb in [
        "record -o log -- true",
        "run --via bpf -- true",
        "watch --pid 1",
    ] {
        check(
            "-all",
            &format!("$polter {verb}"),
            2,
            &[
                "missing: CAP_BPF, CAP_PERFMON (CapEff",
                "with strace instead:",
            ],
        );
    }
    check(
        "+bpf",
        "$polter record -- true",
        2,
        &["missing: CAP_PERFMON (CapEff"],
    );
    check(
        "+perfmon",
        "$polter record -- true",
        2,
        &["missing: CAP_BPF (CapEff"],
    );
}

#[test]
fn two_capabilities_are_enough() {
    let script = "$polter record -o log -- sh -c 'echo it runs' && cat log";
    check(
        "+bpf,+perfmon",
        script,
        0,
        &["it runs", "execve(", " 0 records lost"],
    );
}

#[test]
fn a_kernel_that_shows_no_types_is_named() {
    let script = "mount -t tmpfs none /sys/kernel/btf && $polter record -- true";
    check(
        "+bpf,+perfmon",
        script,
        2,
        &["CONFIG_DEBUG_INFO_BTF", "with strace instead:"],
    );
}
