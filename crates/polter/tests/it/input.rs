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

#[test]
fn an_empty_log_has_nothing_to_judge() {
    let ran = polter_with_stdin(&["judge"], b"");
    assert_eq!(ran.code, Some(0));
    assert!(ran.out().contains("nothing to judge"), "{}", ran.out());
}

#[test]
fn arbitrary_bytes_are_judged_without_a_fuss() {
    let bytes: Vec<u8> = (0..200_000_u32)
        .map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let ran = polter_with_stdin(&["judge"], &bytes);
    assert_eq!(ran.code, Some(0), "{}", ran.err());
}

#[test]
fn a_directory_is_no_log() {
    let logs = Logs::new();
    let ran = polter_with_stdin(&["judge", logs.dir().to_str().unwrap()], b"");
    assert_eq!(ran.code, Some(2));
    assert!(ran.err().contains("Is a directory"), "{}", ran.err());
}
