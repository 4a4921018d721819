//! Signals by name, and sets of them: `SIGUSR1`, `[USR1 CHLD]`, `~[RTMIN RT_1]`.

use eventpoll::syscall::SigSet;

use crate::value::Value;

/// x86-64's signals from 1 to 31, without their `SIG`.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
];

/// The first real-time signal, as the kernel counts.
const RTMIN: u32 = 32;
const LAST: u32 = 64;

/// Returns a signal's name without `SIG`, as sets have it.
fn short_name(signal: u32) -> Option<String> {
    match signal {
        1..RTMIN => Some(NAMES[signal as usize - 1].to_owned()),
        RTMIN => Some("RTMIN".to_owned()),
        33..=LAST => Some(format!("RT_{}", signal - RTMIN)),
        _ => None,
    }
}

/// Prints a signal: its name, or its number if it has none.
pub(crate) fn signal_name(signal: u32) -> String {
    short_name(signal).map_or_else(|| signal.to_string(), |name| format!("SIG{name}"))
}

/// Reads a signal's name, with or without `SIG`.
pub(crate) fn signal_number(name: &str) -> Option<u32> {
    let name = name.strip_prefix("SIG").unwrap_or(name);
    let number = match name {
        "RTMIN" => RTMIN,
        "RTMAX" => LAST,
        "POLL" => 29,
        "CLD" => 17,
        "IOT" => 6,
        _ => match name
            .strip_prefix("RT_")
            .or_else(|| name.strip_prefix("RTMIN+"))
        {
            Some(offset) => RTMIN.checked_add(offset.parse().ok()?)?,
            None => NAMES.iter().zip(1..).find(|(known, _)| **known == name)?.1,
        },
    };
    (1..=LAST).contains(&number).then_some(number)
}

/// Prints a set; one that holds most signals, by those it lacks.
pub(crate) fn signal_set(set: SigSet) -> String {
    let is_complement = set.count_ones() >= 64 * 2 / 3;
    let (mark, shown) = if is_complement {
        ("~", !set)
    } else {
        ("", set)
    };
    let names: Vec<_> = (1..=LAST)
        .filter(|signal| shown & bit(*signal) != 0)
        .filter_map(short_name)
        .collect();
    format!("{mark}[{}]", names.join(" "))
}

/// Reads a set, in words or in numbers.
pub(crate) fn read_set(value: &Value<'_>) -> Option<SigSet> {
    let union = |elements: &[Value<'_>]| {
        elements
            .iter()
            .try_fold(0, |set, element| Some(set | bit(read_signal(element)?)))
    };
    match value.bare() {
        Value::Array(elements) => union(elements),
        Value::Complement(elements) => union(elements).map(|set| !set),
        _ => None,
    }
}

/// Reads one signal that exists.
fn read_signal(value: &Value<'_>) -> Option<u32> {
    match value.bare() {
        Value::Name(name) => signal_number(name),
        Value::Number(number) => u32::try_from(*number)
            .ok()
            .filter(|number| (1..=LAST).contains(number)),
        _ => None,
    }
}

fn bit(signal: u32) -> SigSet {
    1 << (signal - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_come_back() {
        check(0, "[]");
        check(bit(10) | bit(17), "[USR1 CHLD]");
        check(!0, "~[]");
        check(!(bit(32) | bit(33)), "~[RTMIN RT_1]");
        check(bit(64), "[RT_32]");
    }

    #[test]
    fn names_come_back() {
        for signal in 1..=64 {
            assert_eq!(signal_number(&signal_name(signal)), Some(signal));
        }
        assert_eq!(signal_name(65), "65");
        assert_eq!(signal_number("SIGRT_33"), None);
        assert_eq!(signal_number("SIGX"), None);
    }

    #[test]
    fn sets_come_in_numbers_too() {
        let value = Value::parse(b"[10 /* USR1 */ 17 /* CHLD */]").unwrap();
        assert_eq!(read_set(&value), Some(bit(10) | bit(17)));
        assert_eq!(read_set(&Value::parse(b"[65]").unwrap()), None);
        assert_eq!(read_set(&Value::parse(b"[0]").unwrap()), None);
    }

    #[track_caller]
    fn check(set: SigSet, text: &str) {
        assert_eq!(signal_set(set), text);
        assert_eq!(read_set(&Value::parse(text.as_bytes()).unwrap()), Some(set));
    }
}
