//! Strings as strace quotes them, and back.

use std::borrow::Cow;
use std::fmt::Write as _;

/// A quoted string: `"abc"`, `"abc"...`, `@"abstract"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text<'a> {
    source: &'a [u8],
}

impl<'a> Text<'a> {
    /// Wraps a quoted string; `None` if the quotes are not there.
    pub fn from_source(source: &'a [u8]) -> Option<Self> {
        let text = Self { source };
        let inner = source.strip_prefix(b"@").unwrap_or(source);
        let inner = inner.strip_suffix(b"...").unwrap_or(inner);
        let is_quoted = inner.len() >= 2 && inner[0] == b'"' && inner.ends_with(b"\"");
        is_quoted.then_some(text)
    }

    /// Returns the text as strace wrote it, quotes and dots included.
    pub fn source(&self) -> &'a [u8] {
        self.source
    }

    /// True if strace left out the end: `"abc"...`.
    pub fn is_truncated(&self) -> bool {
        self.source.ends_with(b"...")
    }

    /// True for a name in the abstract namespace of Unix sockets: `@"abc"`.
    pub fn is_abstract(&self) -> bool {
        self.source.starts_with(b"@")
    }

    /// Returns the text between the quotes, still escaped.
    pub fn escaped(&self) -> &'a [u8] {
        let start = 1 + usize::from(self.is_abstract());
        let end = self.source.len() - 1 - if self.is_truncated() { 3 } else { 0 };
        &self.source[start..end]
    }

    /// Returns the bytes the program saw, as far as strace printed them.
    pub fn unescape(&self) -> Cow<'a, [u8]> {
        unescape(self.escaped())
    }
}

/// Undoes strace's escapes: `\n`, `\"`, `\1`, `\377`, `\x7f`.
pub fn unescape(escaped: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(b'\\', escaped) else {
        return Cow::Borrowed(escaped);
    };
    let mut bytes = escaped[..first].to_vec();
    let mut rest = &escaped[first..];
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let Some((&letter, after)) = rest.split_first() else {
            bytes.push(b'\\');
            break;
        };
        let (value, length) = match letter {
            b'0'..=b'7' => number(rest, 8, 3),
            b'x' if after.first().is_some_and(u8::is_ascii_hexdigit) => {
                let (value, length) = number(after, 16, 2);
                (value, length + 1)
            }
            letter => (control(letter), 1),
        };
        bytes.push(value);
        rest = &rest[length..];
    }
    Cow::Owned(bytes)
}

/// Quotes bytes as strace does: octal for what is not printable, with as few digits as
/// the byte after it allows.
pub fn quote(bytes: &[u8]) -> String {
    let mut quoted = String::with_capacity(bytes.len() + 2);
    quoted.push('"');
    for (index, &byte) in bytes.iter().enumerate() {
        match byte {
            b'"' => quoted.push_str("\\\""),
            b'\\' => quoted.push_str("\\\\"),
            b'\n' => quoted.push_str("\\n"),
            b'\t' => quoted.push_str("\\t"),
            b'\r' => quoted.push_str("\\r"),
            0x0b => quoted.push_str("\\v"),
            0x0c => quoted.push_str("\\f"),
            b' '..=b'~' => quoted.push(byte as char),
            _ => {
                let is_before_digit = bytes
                    .get(index + 1)
                    .is_some_and(|next| matches!(next, b'0'..=b'7'));
                // Writing to a String cannot fail.
                let _ = if is_before_digit {
                    write!(quoted, "\\{byte:03o}")
                } else {
                    write!(quoted, "\\{byte:o}")
                };
            }
        }
    }
    quoted.push('"');
    quoted
}

fn control(letter: u8) -> u8 {
    match letter {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'v' => 0x0b,
        b'f' => 0x0c,
        b'a' => 0x07,
        b'b' => 0x08,
        b'e' => 0x1b,
        other => other,
    }
}

/// Reads up to `limit` digits; an octal number beyond a byte keeps its low bits.
fn number(text: &[u8], radix: u32, limit: usize) -> (u8, usize) {
    let mut value = 0_u32;
    let mut length = 0;
    while let Some(digit) = text.get(length).and_then(|&b| (b as char).to_digit(radix)) {
        if length == limit {
            break;
        }
        value = value * radix + digit;
        length += 1;
    }
    (value as u8, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_strace() {
        check(r#""hi\n\1\377\"\\,(""#, b"hi\n\x01\xff\"\\,(");
        check(r#""\0011\0""#, b"\x011\0");
        check(r#""plain""#, b"plain");
        check(r#""\t\r\v\f""#, b"\t\r\x0b\x0c");
    }

    #[test]
    fn hexadecimal_is_read_too() {
        let text = Text::from_source(br#""\x68\x0A\xzz"..."#).unwrap();
        assert_eq!(&*text.unescape(), b"h\x0axzz");
        assert!(text.is_truncated());
    }

    #[test]
    fn half_an_escape_is_kept() {
        assert_eq!(&*unescape(b"a\\"), b"a\\");
        assert_eq!(&*unescape(b"\\777"), b"\xff");
    }

    #[test]
    fn quotes_have_to_be_there() {
        for source in ["", "\"", "abc", "\"...", "@\"", "...", "@..."] {
            assert_eq!(Text::from_source(source.as_bytes()), None, "{source}");
        }
        assert_eq!(Text::from_source(b"@\"a\"").unwrap().escaped(), b"a");
    }

    #[track_caller]
    fn check(source: &str, bytes: &[u8]) {
        let text = Text::from_source(source.as_bytes()).unwrap();
        assert_eq!(&*text.unescape(), bytes);
        assert_eq!(quote(bytes), source);
    }
}
