//! Bytes from outside, made safe to show.

use std::fmt::{self, Write as _};

/// Wraps bytes so that they can be shown on a terminal or in a report.
///
/// Control characters (escape sequences among them), characters that change the
/// direction of writing, and bytes that are no UTF-8 appear as `\xNN` or `\u{NNNN}`; a
/// backslash stays as it is, for the text is usually escaped already.
///
/// ```
/// assert_eq!(polter_trace::escape(b"a\x1b[31m\xff").to_string(), r"a\x1b[31m\xff");
/// ```
pub const fn escape(bytes: &[u8]) -> Escaped<'_> {
    Escaped(bytes)
}

/// Bytes that show safely; made by [`escape`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Escaped<'a>(&'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for character in chunk.valid().chars() {
                if is_safe(character) {
                    f.write_char(character)?;
                } else if character.is_ascii() {
                    write!(f, "\\x{:02x}", u32::from(character))?;
                } else {
                    write!(f, "\\u{{{:x}}}", u32::from(character))?;
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// True for what neither moves the cursor nor reorders or hides text.
fn is_safe(character: char) -> bool {
    let is_invisible = matches!(
        character,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    );
    !character.is_control() && !is_invisible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_left_alone() {
        check(
            "read(3, \"\\n\") = 1, Grüße".as_bytes(),
            "read(3, \"\\n\") = 1, Grüße",
        );
    }

    #[test]
    fn control_characters_are_shown() {
        check(b"\x1b]0;x\x07\n\r\0\x7f", r"\x1b]0;x\x07\x0a\x0d\x00\x7f");
        check("\u{9b}31m".as_bytes(), r"\u{9b}31m");
    }

    #[test]
    fn what_reorders_text_is_shown() {
        check("a\u{202e}b\u{200b}".as_bytes(), r"a\u{202e}b\u{200b}");
    }

    #[test]
    fn invalid_bytes_are_shown() {
        check(b"a\xffb\xe2\x82", r"a\xffb\xe2\x82");
    }

    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(escape(bytes).to_string(), expected);
    }
}
