//! Text from outside, made safe and short. Markup is escaped where it is put into the page.

use polter_trace::escape;

/// The longest name of a lane, a box or a column, in characters.
pub(crate) const NAME: usize = 60;
/// The longest text of a call, a line or a sentence.
pub(crate) const TEXT: usize = 600;
/// Most frames of a stack.
pub(crate) const FRAMES: usize = 24;

/// Makes text safe to show: control characters, and characters that hide or reorder text, are written out.
pub fn clean(text: &str) -> String {
    escape(text.as_bytes()).to_string()
}

/// The same, cut to so many characters, the last of them `…`.
pub(crate) fn cut(text: &str, most: usize) -> String {
    // Escaping makes a text longer, never shorter: what lies beyond is not looked at.
    let end = text
        .char_indices()
        .nth(most + 1)
        .map_or(text.len(), |(at, _)| at);
    let safe = clean(&text[..end]);
    let is_whole = end == text.len();
    match safe.char_indices().nth(most) {
        None if is_whole => safe,
        None => safe + "…",
        Some(_) => {
            let kept: String = safe.chars().take(most.saturating_sub(1)).collect();
            kept + "…"
        }
    }
}

/// A name, short.
pub(crate) fn name(text: &str) -> String {
    cut(text, NAME)
}

/// A sentence, a call or a line.
pub(crate) fn text(text: &str) -> String {
    cut(text, TEXT)
}

/// A number with its thousands apart: `1,234,567`.
pub fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A count with its noun: `1 event`, `2 events`, `2 processes`.
pub fn counted(count: u64, noun: &str) -> String {
    let plural = match count {
        1 => "",
        _ if noun.ends_with("ss") || noun.ends_with("ch") => "es",
        _ => "s",
    };
    format!("{} {noun}{plural}", number(count))
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn a_long_text_is_cut_and_a_hostile_one_written_out() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("\u{202e}abc", 20), "\\u{202e}abc");
        assert_eq!(cut(&"x".repeat(1 << 20), 60).chars().count(), 60);
        assert_eq!(cut(&"\u{7}".repeat(1 << 20), 60).chars().count(), 60);
    }
}
