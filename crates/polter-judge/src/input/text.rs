//! Finds numbers and words in arguments. Most of an argument is never looked at.

use eventpoll::Fd;
use memchr::memchr_iter;
use polter_trace::Args;

/// The number a text begins with: decimal, hexadecimal or octal, maybe negative.
pub(super) fn leading_int(text: &[u8]) -> Option<i64> {
    let (is_negative, digits) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (radix, digits) = match digits {
        [b'0', b'x', rest @ ..] => (16, rest),
        [b'0', b'0'..=b'7', ..] => (8, digits),
        _ => (10, digits),
    };
    let mut value: u64 = 0;
    let mut count = 0;
    for byte in digits {
        let Some(digit) = (*byte as char).to_digit(radix) else {
            break;
        };
        value = value.checked_mul(radix.into())?.checked_add(digit.into())?;
        count += 1;
    }
    match count {
        0 => None,
        _ if is_negative => Some((value as i64).wrapping_neg()),
        _ => Some(value as i64),
    }
}

/// The number an argument begins with.
pub(super) fn int_at(args: Args<'_>, at: usize) -> Option<i64> {
    // The first argument needs no search.
    if at == 0 {
        return leading_int(args.raw);
    }
    leading_int(args.get(at)?.raw)
}

pub(crate) fn contains(text: &[u8], word: &[u8]) -> bool {
    find(text, word).is_some()
}

/// Where a word begins.
///
/// Not by `memchr::memmem`: words and texts are short, and its searcher costs more to build than it saves.
fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    let first = *word.first()?;
    memchr_iter(first, text).find(|at| text[*at..].starts_with(word))
}

/// What follows the first `word`.
pub(super) fn find_after<'a>(text: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let at = find(text, word)?;
    Some(&text[at + word.len()..])
}

/// The numbers of `[3<pipe:[1]>, 4]`: each follows a comma or the bracket of the outermost level.
pub(super) fn ints_in_brackets(text: &[u8]) -> impl Iterator<Item = i64> + '_ {
    let inner = text.strip_prefix(b"[").unwrap_or(b"");
    let mut depth = 0usize;
    let mut is_start = true;
    let mut is_over = false;
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < inner.len() && !is_over {
            let byte = inner[at];
            at += 1;
            match byte {
                b'<' | b'[' | b'{' | b'(' => depth += 1,
                b']' if depth == 0 => is_over = true,
                // The arrow between a socket's two ends closes nothing.
                b'>' if at >= 2 && inner[at - 2] == b'-' => {}
                b'>' | b']' | b'}' | b')' => depth = depth.saturating_sub(1),
                b',' if depth == 0 => is_start = true,
                b' ' => {}
                _ if is_start && depth == 0 => {
                    is_start = false;
                    if let Some(number) = leading_int(&inner[at - 1..]) {
                        return Some(number);
                    }
                }
                _ => {}
            }
        }
        None
    })
}

/// The descriptors of every `SCM_RIGHTS` in a text.
pub(crate) fn rights(args: &[u8]) -> Vec<Fd> {
    let mut found = Vec::new();
    let mut rest = args;
    // `strace -X raw` prints numbers instead of names.
    let next = |rest| {
        find_after(rest, b"SCM_RIGHTS")
            .or_else(|| find_after(rest, b"cmsg_level=0x1, cmsg_type=0x1,"))
    };
    while let Some(after) = next(rest) {
        let Some(data) = find_after(after, b"cmsg_data=") else {
            break;
        };
        found.extend(ints_in_brackets(data).take(253).map(|fd| Fd(fd as i32)));
        rest = data;
    }
    found
}

/// The fd an argument begins with; what `strace -y` writes behind it does not matter.
pub(crate) fn fd_at(args: Args<'_>, at: usize) -> Option<Fd> {
    Some(Fd(i32::try_from(int_at(args, at)?).ok()?))
}

#[cfg(test)]
mod tests {
    use super::{ints_in_brackets, leading_int};

    #[track_caller]
    fn check(text: &str, expected: &[i64]) {
        assert_eq!(
            ints_in_brackets(text.as_bytes()).collect::<Vec<_>>(),
            expected,
            "{text}"
        );
    }

    #[test]
    fn numbers_stand_at_the_top_level_of_an_array() {
        check("[3, 4]", &[3, 4]);
        check("[3<pipe:[17]>, 4<pipe:[18]>], 0", &[3, 4]);
        check("[3<TCP:[127.0.0.1:1->127.0.0.1:2]>, -1]", &[3, -1]);
        check("[]", &[]);
        check("0x7ffe", &[]);
    }

    #[test]
    fn a_number_too_large_is_none() {
        assert_eq!(leading_int(b"99999999999999999999"), None);
        assert_eq!(leading_int(b"0x10, 3"), Some(16));
        assert_eq!(leading_int(b"0644"), Some(0o644));
        assert_eq!(leading_int(b"-1"), Some(-1));
    }
}
