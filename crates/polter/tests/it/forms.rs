//! The forms a log comes in: compressed, in UTF-16, quoted; the report is the same.

use std::fs;

use crate::no_logs::{packed, utf16};
use crate::polter::{GHOST, Logs, polter_with_stdin};

#[test]
fn compressed_logs_are_read() {
    for program in ["gzip", "xz", "zstd"] {
        if let Some(packed) = packed(program, GHOST.as_bytes()) {
            check(&packed);
            // One after another, as logs are appended to.
            let (first, second) = GHOST.split_at(GHOST.len() / 2);
            let parts = [first, second].map(|part| self::packed(program, part.as_bytes()).unwrap());
            check(&parts.concat());
        }
    }
}

#[test]
fn a_compressed_log_that_is_cut_short_is_judged_as_far_as_it_goes() {
    // Long enough that what comes before the cut can be unpacked.
    let waits = (0..200_000).map(|time| format!("100 epoll_wait(3, [], 8, {time}) = 0\n"));
    let text = GHOST.to_owned() + &waits.collect::<String>();
    for program in ["gzip", "xz", "zstd"] {
        let Some(packed) = packed(program, text.as_bytes()) else {
            continue;
        };
        let ran = polter_with_stdin(&["judge"], &packed[..packed.len() * 3 / 4]);
        assert_eq!(ran.code, Some(2), "{program}: {}", ran.err());
        assert!(ran.out().contains("fork ghost"), "{program}: {}", ran.out());
        let said = format!("the {program} data is cut short; what came before is judged");
        assert!(ran.err().contains(&said), "{}", ran.err());
    }
}

#[test]
fn a_damaged_byte_is_not_overlooked() {
    let text = GHOST.repeat(1000);
    for program in ["gzip", "xz", "zstd"] {
        let Some(mut packed) = packed(program, text.as_bytes()) else {
            continue;
        };
        let middle = packed.len() / 2;
        packed[middle] ^= 0x55;
        let ran = polter_with_stdin(&["judge"], &packed);
        assert_eq!(ran.code, Some(2), "{program}: {}", ran.out());
    }
}

#[test]
fn other_encodings_and_ends_of_lines_are_read() {
    check(&utf16(GHOST));
    check(&utf16(&GHOST.replace('\n', "\r\n")));
    check(format!("\u{feff}{GHOST}").as_bytes());
    check(GHOST.replace('\n', "\r\n").as_bytes());
    if let Some(packed) = packed("gzip", &utf16(GHOST)) {
        check(&packed);
    }
}

#[test]
fn a_log_pasted_into_a_report_is_read() {
    for margin in ["    ", "   ", "\t", "> ", "> > ", ">\t", "| ", "app_1  | "] {
        let quoted: String = GHOST
            .lines()
            .map(|line| format!("{margin}{line}\n"))
            .collect();
        check(quoted.as_bytes());
    }
}

/// Judged like the log itself.
#[track_caller]
fn check(bytes: &[u8]) {
    let logs = Logs::new();
    let expected = polter_with_stdin(&["judge"], GHOST.as_bytes());
    assert_eq!(expected.code, Some(1));
    let ran = polter_with_stdin(&["judge"], bytes);
    assert_eq!(ran.code, Some(1), "{}\n{}", ran.out(), ran.err());
    assert_eq!(ran.out(), expected.out());
    let file = logs.path("log");
    fs::write(&file, bytes).unwrap();
    let ran = crate::polter::polter(["judge".as_ref(), file.as_os_str()]);
    assert_eq!(ran.code, Some(1), "{}", ran.err());
}
