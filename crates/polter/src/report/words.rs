//! Makes text safe, cuts and wraps it; writes counts.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Text from a log made safe to show; numbers and counts in words.
pub(crate) use polter_page::{clean, counted, number};

/// The columns that a text takes; wide characters take two.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// Cuts a text to so many columns, the last of them `…`.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    format!("{}…", head(text, columns.saturating_sub(1)))
}

/// The longest beginning that fits into so many columns.
pub(crate) fn head(text: &str, columns: usize) -> &str {
    let mut taken = 0;
    for (index, character) in text.char_indices() {
        taken += character.width().unwrap_or(0);
        if taken > columns {
            return &text[..index];
        }
    }
    text
}

/// Breaks a text into lines of so many columns, between words where it can.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut word = word;
        loop {
            let line = lines.last_mut().expect("there is always a line");
            let gap = usize::from(!line.is_empty());
            if width(line) + gap + width(word) <= columns {
                line.push_str(&" "[..gap]);
                line.push_str(word);
                break;
            }
            if !line.is_empty() {
                lines.push(String::new());
                continue;
            }
            let first = head(word, columns.max(2));
            line.push_str(first);
            word = &word[first.len()..];
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(cut("幽霊幽霊", 5), "幽霊…");
    }

    #[test]
    fn words_stay_whole_where_they_fit() {
        check("one two three", 7, &["one two", "three"]);
        check("abcdefghij kl", 4, &["abcd", "efgh", "ij", "kl"]);
        check("", 4, &[""]);
    }

    #[test]
    fn counts_read_well() {
        assert_eq!(counted(1, "event"), "1 event");
        assert_eq!(counted(0, "process"), "0 processes");
        assert_eq!(counted(1_234_567, "line"), "1,234,567 lines");
    }

    #[track_caller]
    fn check(text: &str, columns: usize, expected: &[&str]) {
        assert_eq!(wrap(text, columns), expected);
    }
}
