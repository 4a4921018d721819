//! Completions, man pages and help.

use crate::polter::{Logs, polter};

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = polter(["completions", shell]);
        assert_eq!(ran.code, Some(0));
        assert!(ran.out().contains("completions"), "{shell}");
    }
}

#[test]
fn the_manual_page_goes_to_stdout_or_every_page_into_a_directory() {
    let ran = polter(["man"]);
    assert!(ran.out().contains(".TH polter 1"), "{}", ran.out());
    let logs = Logs::new();
    let dir = logs.path("man1");
    assert_eq!(polter(["man".as_ref(), dir.as_os_str()]).code, Some(0));
    for page in [
        "polter.1",
        "polter-judge.1",
        "polter-report.1",
        "polter-run.1",
        "polter-check.1",
        "polter-demo.1",
        "polter-scan.1",
        "polter-watch.1",
        "polter-exorcise.1",
        "polter-witness.1",
    ] {
        assert!(dir.join(page).is_file(), "{page}");
    }
}

#[test]
fn every_help_has_examples_and_fits() {
    for args in [
        &["--help"][..],
        &["judge", "--help"],
        &["report", "--help"],
        &["run", "--help"],
        &["check", "--help"],
        &["demo", "--help"],
        &["scan", "--help"],
        &["watch", "--help"],
        &["capture", "--help"],
        &["exorcise", "--help"],
        &["witness", "--help"],
        &["man", "--help"],
        &["completions", "--help"],
    ] {
        let ran = polter(args);
        assert_eq!(ran.code, Some(0));
        assert!(ran.out().contains("Examples:"), "{args:?}");
        assert!(
            ran.out().lines().all(|line| line.chars().count() <= 100),
            "{args:?}"
        );
    }
}
