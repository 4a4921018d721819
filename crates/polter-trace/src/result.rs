//! What a call returned: everything after `= `.
//!
//! ```text
//! = 3</tmp/a>            = -1 EAGAIN (Resource temporarily unavailable) (INJECTED) <0.000012>
//!   │└ decoration          │  └ errno └ text                            └ note     └ duration
//!   └ value                └ value
//! ```

use std::time::Duration;

use memchr::memrchr;

use crate::error::{ErrorKind, ParseError};
use crate::scan::{Mark, Scanner, comment_end, decoration_end, is_name_byte};

/// What a call returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Returned<'a> {
    /// The text itself, without the `= ` before and the duration after it.
    pub raw: &'a [u8],
    /// The value.
    pub value: ReturnValue,
    /// The error's name, as in `-1 EBADF` and `? ERESTARTSYS`.
    pub errno: Option<&'a str>,
    /// What `-y` adds to a returned fd, without the angle brackets.
    pub decoration: Option<&'a [u8]>,
    /// What stands in the first parentheses: an error's text, `Timeout`, flags.
    pub text: Option<&'a [u8]>,
    /// True if strace made the result up (`-e inject`).
    pub is_injected: bool,
    /// True if strace delayed the call (`-e inject=…:delay_exit`).
    pub is_delayed: bool,
}

impl<'a> Returned<'a> {
    /// The result of a call that was never seen to return.
    pub const UNKNOWN: Self = Returned {
        raw: b"",
        value: ReturnValue::Unknown,
        errno: None,
        decoration: None,
        text: None,
        is_injected: false,
        is_delayed: false,
    };

    /// Reads what follows `= `, without a duration.
    pub fn parse(raw: &'a [u8]) -> Result<Self, ParseError> {
        let (value, mut at) = read_value(raw)?;
        let mut returned = Returned {
            raw,
            value,
            ..Self::UNKNOWN
        };
        if raw.get(at) == Some(&b'<') && at > 0 {
            let end = decoration_end(raw, at)?;
            returned.decoration = Some(&raw[at + 1..end - 1]);
            at = end;
        }
        while let Some(&byte) = raw.get(at) {
            at = match byte {
                b' ' => at + 1,
                b'(' => returned.read_parentheses(at)?,
                b'<' => decoration_end(raw, at)?,
                b'/' if raw.get(at + 1) == Some(&b'*') => comment_end(raw, at)?,
                b'A'..=b'Z' if returned.errno.is_none() => returned.read_errno(at),
                _ => return Err(ParseError::new(ErrorKind::Trailing, at + 1)),
            };
        }
        Ok(returned)
    }

    /// Returns the value as a number, whatever base it was printed in.
    pub fn number(&self) -> Option<i64> {
        self.value.number()
    }

    /// True if the call failed: `-1` with an errno.
    pub fn is_error(&self) -> bool {
        self.value == ReturnValue::Number(-1)
            && (self.errno.is_some() || self.errno_number().is_some())
    }

    /// Returns the number of an error that strace has no name for: `-1 (errno 600)`.
    pub fn errno_number(&self) -> Option<u32> {
        let digits = self.text?.strip_prefix(b"errno ")?;
        str::from_utf8(digits).ok()?.parse().ok()
    }

    fn read_errno(&mut self, at: usize) -> usize {
        let length = self.raw[at..]
            .iter()
            .take_while(|&&b| is_name_byte(b))
            .count();
        self.errno = str::from_utf8(&self.raw[at..at + length]).ok();
        at + length
    }

    /// Reads `(…)`, with whatever brackets and strings it holds.
    fn read_parentheses(&mut self, at: usize) -> Result<usize, ParseError> {
        let end = parentheses_end(self.raw, at)?;
        let inner = &self.raw[at + 1..end - 1];
        if inner == b"deleted" {
            // Belongs to the decoration.
        } else if inner.starts_with(b"INJECTED") || inner.starts_with(b"DELAYED") {
            self.is_injected |= inner.starts_with(b"INJECTED");
            self.is_delayed |= inner.ends_with(b"DELAYED");
        } else if self.text.is_none() {
            self.text = Some(inner);
        }
        Ok(end)
    }
}

/// The value of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReturnValue {
    /// `?`: not known, or not returned yet.
    Unknown,
    /// A decimal number.
    Number(i64),
    /// A hexadecimal number: an address, flags, or anything under `-e raw`.
    Hex(u64),
}

impl ReturnValue {
    /// Returns the value as a number, whatever base it was printed in.
    pub const fn number(self) -> Option<i64> {
        match self {
            Self::Unknown => None,
            Self::Number(number) => Some(number),
            Self::Hex(bits) => Some(bits.cast_signed()),
        }
    }
}

/// Splits a `-T` duration, with the blank before it, off the end of a line.
pub(crate) fn split_duration(text: &[u8]) -> (&[u8], Option<Duration>) {
    match read_duration(text) {
        Some((at, duration)) => (&text[..at], Some(duration)),
        None => (text, None),
    }
}

fn read_duration(text: &[u8]) -> Option<(usize, Duration)> {
    let inner = text.strip_suffix(b">")?;
    let open = memrchr(b'<', inner)?;
    let dot = inner[open..].iter().position(|&b| b == b'.');
    let point = dot.map_or(inner.len(), |dot| open + dot);
    let seconds = decimal(&inner[open + 1..point])?;
    let fraction = inner.get(point + 1..).unwrap_or_default();
    let nanos = match fraction.len() {
        0 => 0,
        digits @ 1..=9 => decimal(fraction)? * 10_u64.pow(9 - digits as u32),
        _ => return None,
    };
    let before = open.checked_sub(1).filter(|&at| text[at] == b' ')?;
    Some((before, Duration::new(seconds, u32::try_from(nanos).ok()?)))
}

fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    digits.iter().try_fold(0, |value, &digit| {
        digit
            .is_ascii_digit()
            .then(|| value * 10 + u64::from(digit - b'0'))
    })
}

fn read_value(raw: &[u8]) -> Result<(ReturnValue, usize), ParseError> {
    let bad = |kind| ParseError::new(kind, 1);
    let digits_of = |from: usize, is_digit: fn(&u8) -> bool| {
        raw[from..].iter().take_while(|b| is_digit(b)).count()
    };
    if raw.first() == Some(&b'?') {
        return Ok((ReturnValue::Unknown, 1));
    }
    if raw.starts_with(b"0x") {
        let end = 2 + digits_of(2, u8::is_ascii_hexdigit);
        let bits = raw[2..end].iter().try_fold(0_u64, |value, &digit| {
            let digit = (digit as char).to_digit(16)?;
            Some(value.checked_mul(16)? + u64::from(digit))
        });
        return match bits {
            Some(bits) if end > 2 => Ok((ReturnValue::Hex(bits), end)),
            Some(_) => Err(bad(ErrorKind::BadResult)),
            None => Err(bad(ErrorKind::Overflow)),
        };
    }
    let sign = usize::from(raw.first() == Some(&b'-'));
    let end = sign + digits_of(sign, u8::is_ascii_digit);
    if end == sign {
        return Err(bad(ErrorKind::BadResult));
    }
    // Addresses above 2^63 come in hexadecimal, but an unsigned result does not.
    let number = raw[sign..end].iter().try_fold(0_i128, |value, &digit| {
        let value = value * 10 + i128::from(digit - b'0');
        (value <= i128::from(u64::MAX)).then_some(value)
    });
    let number = number.map(|value| if sign == 1 { -value } else { value });
    match number {
        Some(number) if number >= i128::from(i64::MIN) => {
            Ok((ReturnValue::Number(number as i64), end))
        }
        _ => Err(bad(ErrorKind::Overflow)),
    }
}

fn parentheses_end(raw: &[u8], at: usize) -> Result<usize, ParseError> {
    let mut scanner = Scanner::new(raw, at);
    let mut depth = 0_usize;
    while let Some((here, mark)) = scanner.next_mark()? {
        match mark {
            Mark::Open => depth += 1,
            Mark::Close(_) => {
                depth -= 1;
                if depth == 0 {
                    return Ok(here + 1);
                }
            }
            Mark::Comma => {}
        }
    }
    Err(ParseError::new(ErrorKind::Truncated, raw.len() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_values() {
        check("3", "3");
        check("0x7f00", "0x7f00");
        check("?", "?");
        check("18446744073709551615", "-1");
        check("-9223372036854775808", "-9223372036854775808");
    }

    #[test]
    fn errors_have_a_name_and_a_text() {
        check(
            "-1 ENOENT (No such file or directory)",
            "-1 ENOENT text=No such file or directory",
        );
        check("-1 (errno 600)", "-1 text=errno 600 number=600");
        check(
            "? ERESTARTSYS (To be restarted if SA_RESTART is set)",
            "? ERESTARTSYS text=To be restarted if SA_RESTART is set",
        );
        check("-1 EAGAIN (x) (INJECTED)", "-1 EAGAIN text=x injected");
        check("5 (INJECTED, DELAYED)", "5 injected delayed");
        check("5 (DELAYED)", "5 delayed");
    }

    #[test]
    fn values_carry_decorations_and_texts() {
        check("3<pipe:[1]>", "3 <pipe:[1]>");
        check("3</tmp/a>(deleted)", "3 </tmp/a>");
        check(
            "0x8002 (flags O_RDWR|O_LARGEFILE)",
            "0x8002 text=flags O_RDWR|O_LARGEFILE",
        );
        check(
            "1 ([{fd=3, revents=POLLIN}])",
            "1 text=[{fd=3, revents=POLLIN}]",
        );
        check("0 (Timeout)", "0 text=Timeout");
        check("? <unavailable>", "?");
        check("0x800 /* a ) b */", "0x800");
    }

    #[test]
    fn what_is_no_result_is_an_error() {
        check(
            "",
            "column 1: expected a number, an address or `?` as the result",
        );
        check(
            "x",
            "column 1: expected a number, an address or `?` as the result",
        );
        check(
            "0x",
            "column 1: expected a number, an address or `?` as the result",
        );
        check("99999999999999999999", "column 1: number too large");
        check("0x11111111111111111", "column 1: number too large");
        check("1 (abc", "column 7: the line ends in the middle");
        check("1 a", "column 3: unexpected text");
    }

    #[test]
    fn durations_come_off_the_end() {
        let duration = |text: &'static str| split_duration(text.as_bytes());
        assert_eq!(
            duration("0 <0.000012>"),
            (&b"0"[..], Some(Duration::from_micros(12)))
        );
        assert_eq!(duration("? <unavailable>"), (&b"? <unavailable>"[..], None));
        assert_eq!(duration("3<pipe:[1]>"), (&b"3<pipe:[1]>"[..], None));
        assert_eq!(duration("3</0.1>"), (&b"3</0.1>"[..], None));
        assert_eq!(duration("3<0.1>"), (&b"3<0.1>"[..], None));
        assert_eq!(duration("3 <2>").1, Some(Duration::from_secs(2)));
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let actual = Returned::parse(text.as_bytes()).map_or_else(
            |error| error.to_string(),
            |returned| {
                let lossy = |bytes| String::from_utf8_lossy(bytes).into_owned();
                let mut words = vec![match returned.value {
                    ReturnValue::Unknown => "?".to_owned(),
                    ReturnValue::Number(number) => number.to_string(),
                    ReturnValue::Hex(bits) => format!("{bits:#x}"),
                }];
                words.extend(returned.decoration.map(|it| format!("<{}>", lossy(it))));
                words.extend(returned.errno.map(str::to_owned));
                words.extend(returned.text.map(|it| format!("text={}", lossy(it))));
                words.extend(returned.errno_number().map(|it| format!("number={it}")));
                words.extend(returned.is_injected.then(|| "injected".to_owned()));
                words.extend(returned.is_delayed.then(|| "delayed".to_owned()));
                words.join(" ")
            },
        );
        assert_eq!(actual, expected, "{text}");
    }
}
