//! Who is at the other end: the sender of a signal, and the pipe or socket that two processes share.

use super::text::{find_after, leading_int};
use memchr::{memchr, memchr_iter};
use polter_trace::Args;
use rustc_hash::FxHasher;
use std::hash::{Hash, Hasher};

/// The process a signal or a status is from.
pub(crate) fn sender(text: &[u8]) -> Option<u32> {
    let pid = find_after(text, b"si_pid=")?;
    u32::try_from(leading_int(pid)?).ok()
}

/// The pipe or socket that a call's first argument names, the same for both of its ends.
pub(crate) fn channel(args: Args<'_>) -> Option<u64> {
    let text = args.raw;
    let start = memchr(b'<', text).filter(|at| text[..*at].iter().all(u8::is_ascii_digit))?;
    let text = &text[start + 1..];
    let open = memchr(b'[', text)?;
    let kind = &text[..open];
    let is_channel =
        kind.starts_with(b"pipe:") || kind.starts_with(b"UNIX") || kind.starts_with(b"TCP");
    if !is_channel {
        return None;
    }
    let ends = &text[open + 1..][..pair(&text[open + 1..], *b"]>")?];
    let mut hasher = FxHasher::default();
    kind.hash(&mut hasher);
    match pair(ends, *b"->") {
        Some(arrow) => {
            let (one, other) = (&ends[..arrow], &ends[arrow + 2..]);
            // A unix socket's inode is followed by a path at one end and not at the other.
            let other = memchr(b',', other).map_or(other, |comma| &other[..comma]);
            (one.min(other), one.max(other)).hash(&mut hasher);
        }
        None => ends.hash(&mut hasher),
    }
    Some(hasher.finish())
}

/// Where two bytes stand side by side. Not by `memchr::memmem`: its searcher costs more than these short texts.
fn pair(text: &[u8], [one, two]: [u8; 2]) -> Option<usize> {
    memchr_iter(one, text).find(|at| text.get(at + 1) == Some(&two))
}

#[cfg(test)]
mod tests {
    use super::channel;
    use polter_trace::{Body, Line};

    fn channel_of(line: &str) -> Option<u64> {
        let Body::Call(call) = Line::parse(line.as_bytes()).body else {
            panic!("no call: {line}");
        };
        channel(call.args)
    }

    #[test]
    fn both_ends_of_a_channel_are_one() {
        let one = channel_of("1 read(3<TCP:[127.0.0.1:80->127.0.0.1:9]>, \"\", 1) = 0");
        let other = channel_of("1 write(8<TCP:[127.0.0.1:9->127.0.0.1:80]>, \"\", 1) = 0");
        assert_eq!((one.is_some(), one), (true, other));
        let one = channel_of("1 read(3<UNIX-STREAM:[7->8]>, \"\", 1) = 0");
        let other = channel_of("1 write(8<UNIX-STREAM:[8->7,\"/run/x\"]>, \"\", 1) = 0");
        assert_eq!((one.is_some(), one), (true, other));
        assert_ne!(
            channel_of("1 read(3<pipe:[7]>, \"\", 1) = 0"),
            channel_of("1 read(3<pipe:[8]>, \"\", 1) = 0")
        );
    }

    #[test]
    fn a_file_or_a_bare_number_is_no_channel() {
        for call in [
            "read(3, \"<pipe:[7]>\", 1) = 0",
            "read(3</tmp/a[1]>, \"\", 1) = 0",
            "read(3<anon_inode:[eventfd]>, \"\", 1) = 0",
            "read(3<pipe:[7",
        ] {
            let line = format!("1 {call}");
            if let Body::Call(call) = Line::parse(line.as_bytes()).body {
                assert_eq!(channel(call.args), None, "{line}");
            }
        }
    }
}
