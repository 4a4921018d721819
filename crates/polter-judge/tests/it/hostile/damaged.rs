//! Bytes that are no log, and logs that were cut, mixed, shuffled or changed.

use super::check_storm;
use crate::told::judge;
use polter_judge::PolicyVerdict;
use proptest::prelude::{ProptestConfig, Strategy, any, prop, prop_oneof, proptest};
use std::fs;

#[test]
fn empty_log_has_nothing() {
    let verdict = judge(b"");
    assert_eq!((verdict.log.lines, verdict.findings.len()), (0, 0));
    assert!(verdict.policies.iter().all(PolicyVerdict::is_unchanged));
}

#[test]
fn bytes_that_are_no_log_are_warnings() {
    let log: Vec<u8> = (0..100_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let verdict = judge(&log);
    assert!(verdict.log.warning_count > 100 && verdict.log.warnings.len() == 100);
    assert_eq!(verdict.findings.len(), 0);
}

#[test]
fn log_cut_anywhere_is_judged() {
    for log in fixtures() {
        for end in (0..log.len()).step_by(211) {
            judge(&log[..end]);
            judge(&log[end..]);
        }
    }
}

#[test]
fn logs_dealt_into_one_another_are_judged() {
    let logs = fixtures();
    let mut lines: Vec<_> = logs.iter().map(|log| log.split(|b| *b == b'\n')).collect();
    let mut mixed = Vec::new();
    let mut random = 1_u64;
    while !lines.is_empty() {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let at = (random >> 33) as usize % lines.len();
        match lines[at].next() {
            Some(line) => {
                mixed.extend_from_slice(line);
                mixed.push(b'\n');
            }
            None => drop(lines.swap_remove(at)),
        }
    }
    judge(&mixed);
}

#[test]
fn line_of_100_mb_is_passed_over() {
    let chunk = "x".repeat(1 << 20);
    let verdict = check_storm(102, |n, text| match n {
        0 => text.push_str("100 epoll_create1(0) = 3\n100 write(1, \""),
        101 => text.push_str("\", 104857600) = 1\n100 epoll_wait(3, [], 8, 0) = 0\n"),
        _ => text.push_str(&chunk),
    });
    assert_eq!((verdict.log.lines, verdict.log.instances), (3, 1));
    assert_eq!(verdict.log.warning_count, 1);
}

#[test]
fn calls_nobody_knows_are_passed_over() {
    let verdict = judge(b"100 frobnicate(3, {a=[1, 2]}) = 7\n100 syscall_0x1ff(0x3, 0x4) = 0\n100 epoll_frob(3) = 9\n");
    assert_eq!(
        (
            verdict.log.calls,
            verdict.log.followed,
            verdict.log.warning_count
        ),
        (3, 0, 0)
    );
}

fn fixtures() -> Vec<Vec<u8>> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");
    let mut paths: Vec<_> = fs::read_dir(directory)
        .expect("the fixtures are there")
        .map(|entry| entry.expect("they can be listed").path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| fs::read(path).expect("they can be read"))
        .collect()
}

/// Lines of real logs, and small changes of them.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let logs = fixtures();
    let lines: Vec<Vec<u8>> = logs
        .iter()
        .flat_map(|log| log.split(|b| *b == b'\n'))
        .map(<[u8]>::to_vec)
        .collect();
    let line = prop::sample::select(lines);
    let change = prop_oneof![
        4 => line.clone().prop_map(|line| line),
        1 => (line.clone(), any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut line, at, byte)| {
            if !line.is_empty() {
                let at = at.index(line.len());
                line[at] = byte;
            }
            line
        }),
        1 => (line.clone(), any::<prop::sample::Index>()).prop_map(|(mut line, at)| {
            line.truncate(at.index(line.len() + 1));
            line
        }),
        1 => (line, 0..12_u32).prop_map(|(line, digit)| {
            // Every number becomes another small one.
            line.iter().map(|byte| if byte.is_ascii_digit() { b'0' + ((u32::from(*byte) + digit) % 10) as u8 } else { *byte }).collect()
        }),
    ];
    prop::collection::vec(change, 0..120).prop_map(|lines| lines.join(&b'\n'))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn shuffled_and_damaged_lines_are_judged(log in damaged()) {
        let verdict = judge(&log);
        assert!(verdict.policies[0].is_unchanged(), "Linux differs from itself");
        assert!(verdict.log.followed <= verdict.log.calls && verdict.log.calls <= verdict.log.lines);
    }
}
