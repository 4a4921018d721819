//! What stands before a call: the task, the time, and what `-i` and `-n` add.
//!
//! ```text
//! 5589  15:56:11.216354 (+     0.000052) [ 291] [00007f1c19f35be7] epoll_create1(…
//! └ pid └ clock         └ relative       └ number └ address
//! ```

use std::time::Duration;

/// What stands before a call, a signal or an exit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prefix<'a> {
    /// The text itself, with the blanks that end it.
    pub raw: &'a [u8],
    /// The task, where strace says which.
    pub pid: Option<u32>,
    /// True for `[pid 12]`, which strace leaves out while only one task is traced.
    pub is_bracketed: bool,
    /// The command, as `-Y` prints it: `12<sh>`.
    pub command: Option<&'a [u8]>,
    /// The time of `-t`, `-tt` or `-ttt`.
    pub clock: Option<Clock>,
    /// The time since the line before, of `-r`.
    pub relative: Option<Duration>,
    /// The number of the system call, of `-n`.
    pub number: Option<u32>,
    /// The instruction pointer, of `-i`.
    pub address: Option<u64>,
}

impl<'a> Prefix<'a> {
    /// Reads the prefix of a line, which may be empty; never fails.
    pub fn parse(line: &'a [u8]) -> Self {
        let mut prefix = Self::default();
        let mut rest = Rest { text: line, at: 0 };
        prefix.read_pid(&mut rest);
        prefix.read_time(&mut rest);
        prefix.read_brackets(&mut rest);
        prefix.raw = &line[..rest.at];
        prefix
    }

    fn read_pid(&mut self, rest: &mut Rest<'a>) {
        let mut ahead = *rest;
        self.is_bracketed = ahead.take(b"[pid ");
        let blanks = ahead.blanks();
        let Some(pid) = ahead.number() else {
            self.is_bracketed = false;
            return;
        };
        if ahead.next() == Some(b'<') {
            self.command = ahead.command();
        }
        let is_ended = if self.is_bracketed {
            ahead.take(b"]") && ahead.blanks() > 0
        } else {
            // Relative seconds without a fraction are padded to six columns, and Unix
            // time is beyond any pid.
            let is_relative = blanks > 0 && blanks + pid.digits >= 6;
            ahead.blanks() > 0 && !is_relative && pid.value <= MAX_PID
        };
        match u32::try_from(pid.value) {
            Ok(value) if is_ended => {
                self.pid = Some(value);
                *rest = ahead;
            }
            _ => {
                self.is_bracketed = false;
                self.command = None;
            }
        }
    }

    fn read_time(&mut self, rest: &mut Rest<'a>) {
        let mut ahead = *rest;
        let is_padded = ahead.blanks() > 0;
        let has_pid = self.pid.is_some();
        let Some(first) = ahead.number() else {
            return;
        };
        if ahead.next() == Some(b':') {
            let Some(clock) = ahead.time_of_day(first.value) else {
                return;
            };
            self.clock = Some(clock);
        } else {
            let time = Duration::new(first.value, ahead.fraction());
            if first.value > MAX_PID {
                self.clock = Some(Clock::Unix(time));
            } else if is_padded || has_pid || first.digits >= 6 {
                self.relative = Some(time);
            } else {
                return;
            }
        }
        if ahead.blanks() == 0 {
            self.clock = None;
            self.relative = None;
            return;
        }
        *rest = ahead;
        self.read_relative_after_clock(rest);
    }

    fn read_relative_after_clock(&mut self, rest: &mut Rest<'a>) {
        let mut ahead = *rest;
        if !ahead.take(b"(+") {
            return;
        }
        ahead.blanks();
        let Some(first) = ahead.number() else {
            return;
        };
        let nanos = ahead.fraction();
        if ahead.take(b") ") {
            self.relative = Some(Duration::new(first.value, nanos));
            *rest = ahead;
        }
    }

    /// Reads `[ 291] ` (a number of up to four digits) and `[00007f1c19f35be7] `.
    fn read_brackets(&mut self, rest: &mut Rest<'a>) {
        while rest.next() == Some(b'[') {
            let body = &rest.text[rest.at + 1..];
            let Some(end) = body.iter().take(20).position(|&b| b == b']') else {
                return;
            };
            let inner = body[..end].trim_ascii();
            if body.get(end + 1) != Some(&b' ') || inner.is_empty() {
                return;
            }
            let text = str::from_utf8(inner).unwrap_or_default();
            if inner.iter().all(|&b| b == b'?') {
                // Neither is known at a task's end.
            } else if end == 8 || end == 16 {
                let Ok(address) = u64::from_str_radix(text, 16) else {
                    return;
                };
                self.address = Some(address);
            } else {
                let Ok(number) = text.parse() else {
                    return;
                };
                self.number = Some(number);
            }
            rest.at += end + 3;
        }
    }
}

/// A time of day or a date, as strace printed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Clock {
    /// `12:00:00.123456`: since midnight, local time.
    Day(Duration),
    /// `1700000000.123456`: since 1970.
    Unix(Duration),
}

impl Clock {
    /// Returns the time since midnight or since 1970.
    pub const fn duration(self) -> Duration {
        match self {
            Self::Day(time) | Self::Unix(time) => time,
        }
    }
}

/// Linux: `PID_MAX_LIMIT`.
const MAX_PID: u64 = 1 << 22;

/// The text not yet read.
#[derive(Clone, Copy)]
struct Rest<'a> {
    text: &'a [u8],
    at: usize,
}

struct Number {
    value: u64,
    digits: usize,
}

impl<'a> Rest<'a> {
    fn next(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self, what: &[u8]) -> bool {
        let is_here = self.text[self.at..].starts_with(what);
        if is_here {
            self.at += what.len();
        }
        is_here
    }

    fn blanks(&mut self) -> usize {
        let start = self.at;
        while self.next() == Some(b' ') {
            self.at += 1;
        }
        self.at - start
    }

    /// Reads decimal digits, at most 18, so that the value fits.
    fn number(&mut self) -> Option<Number> {
        let start = self.at;
        let mut value = 0_u64;
        while let Some(digit @ b'0'..=b'9') = self.next() {
            value = value.checked_mul(10)? + u64::from(digit - b'0');
            self.at += 1;
            if self.at - start > 18 {
                return None;
            }
        }
        let digits = self.at - start;
        (digits > 0).then_some(Number { value, digits })
    }

    /// Reads `.123456`, of up to nine digits, as nanoseconds.
    fn fraction(&mut self) -> u32 {
        let mut ahead = *self;
        if !ahead.take(b".") {
            return 0;
        }
        match ahead.number() {
            Some(Number { value, digits }) if digits <= 9 => {
                *self = ahead;
                // Fits: at most nine digits.
                u32::try_from(value * 10_u64.pow(9 - digits as u32)).unwrap_or(0)
            }
            _ => 0,
        }
    }

    /// Reads `:00:00.123456` after the hours.
    fn time_of_day(&mut self, hours: u64) -> Option<Clock> {
        let mut seconds = hours;
        for _ in 0..2 {
            if !self.take(b":") {
                return None;
            }
            let part = self.number().filter(|part| part.value < 61)?;
            seconds = seconds.checked_mul(60)? + part.value;
        }
        (seconds < 100_000).then(|| Clock::Day(Duration::new(seconds, self.fraction())))
    }

    /// Reads `<sh>`; a command may hold anything but is at most 15 bytes, escaped.
    fn command(&mut self) -> Option<&'a [u8]> {
        let inner = &self.text[self.at + 1..];
        let end = inner.iter().take(64).position(|&b| b == b'>')?;
        self.at += end + 2;
        Some(&inner[..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pids_come_in_three_forms() {
        check("123 read(", "123 ", "pid 123");
        check("123   read(", "123   ", "pid 123");
        check("[pid 123] read(", "[pid 123] ", "pid 123 bracketed");
        check("[pid    12] read(", "[pid    12] ", "pid 12 bracketed");
        check(
            "[pid  12<a b>] read(",
            "[pid  12<a b>] ",
            "pid 12 bracketed a b",
        );
        check("5697<loop> read(", "5697<loop> ", "pid 5697 loop");
        check("  12 read(", "  12 ", "pid 12");
        check("read(", "", "");
    }

    #[test]
    fn times_come_in_many() {
        check("12:00:01 read(", "12:00:01 ", "day 43201");
        check("7  00:00:01.5 read(", "7  00:00:01.5 ", "pid 7 day 1.5");
        check(
            "1700000000.000123 read(",
            "1700000000.000123 ",
            "unix 1700000000.000123",
        );
        check("1700000000 read(", "1700000000 ", "unix 1700000000");
        check("     0.000123 read(", "     0.000123 ", "relative 0.000123");
        check("5793       0 read(", "5793       0 ", "pid 5793 relative 0");
        check("     0 read(", "     0 ", "relative 0");
        check(
            "5589  15:56:11 (+     0.000052) read(",
            "5589  15:56:11 (+     0.000052) ",
            "pid 5589 day 57371 relative 0.000052",
        );
    }

    #[test]
    fn numbers_and_addresses_follow() {
        check(
            "5685  [ 291] [00007f1c19f35be7] read(",
            "5685  [ 291] [00007f1c19f35be7] ",
            "pid 5685 number 291 address 0x7f1c19f35be7",
        );
        check("[????????????????] +++", "[????????????????] ", "");
    }

    #[test]
    fn what_is_no_prefix_stays_in_the_body() {
        check(" > /lib/libc.so(write) [0x1]", "", "");
        check(" <unfinished ...>", "", "");
        check("99999999999999999999999 read(", "", "");
        check("[pid 1", "", "");
        check("12", "", "");
        check("12:99:00 x", "", "");
    }

    #[track_caller]
    fn check(line: &str, raw: &str, expected: &str) {
        let prefix = Prefix::parse(line.as_bytes());
        let mut words = Vec::new();
        words.extend(prefix.pid.map(|pid| format!("pid {pid}")));
        words.extend(prefix.is_bracketed.then(|| "bracketed".to_owned()));
        words.extend(
            prefix
                .command
                .map(|c| String::from_utf8_lossy(c).into_owned()),
        );
        words.extend(prefix.clock.map(|clock| match clock {
            Clock::Day(time) => format!("day {}", time.as_secs_f64()),
            Clock::Unix(time) => format!("unix {}", time.as_secs_f64()),
        }));
        words.extend(
            prefix
                .relative
                .map(|time| format!("relative {}", time.as_secs_f64())),
        );
        words.extend(prefix.number.map(|number| format!("number {number}")));
        words.extend(
            prefix
                .address
                .map(|address| format!("address {address:#x}")),
        );
        assert_eq!(words.join(" "), expected, "{line}");
        assert_eq!(String::from_utf8_lossy(prefix.raw), raw, "{line}");
    }
}
