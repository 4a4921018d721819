//! Where logs come from.

use crate::polter::{GHOST, HEALTHY, Logs, polter_with_stdin};

#[test]
fn a_log_can_be_piped_in() {
    for args in [&["judge"][..], &["judge", "-"]] {
        let ran = polter_with_stdin(args, GHOST.as_bytes());
        assert_eq!(ran.code, Some(1), "{}", ran.err());
        assert!(
            ran.out().starts_with("standard input\n  8 lines, 8 calls"),
            "{}",
            ran.out()
        );
    }
}

#[test]
fn files_and_a_pipe_go_together() {
    let logs = Logs::new();
    let log = logs.write("log", HEALTHY);
    let ran = polter_with_stdin(&["judge", log.to_str().unwrap(), "-"], GHOST.as_bytes());
    assert_eq!(ran.code, Some(1));
    assert!(ran.out().contains("clean") && ran.out().contains("fork ghost"));
}
