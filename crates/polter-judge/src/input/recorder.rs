//! What a recorder says of itself in comments: who it is, and what it has lost.

/// How many events a comment says were lost: `# lost 12 events`.
pub(crate) fn lost_events(comment: &[u8]) -> Option<u64> {
    let text = comment.strip_prefix(b"#")?.trim_ascii_start();
    let count = text.strip_prefix(b"lost ")?;
    let end = count.iter().position(|byte| !byte.is_ascii_digit());
    let digits = str::from_utf8(&count[..end.unwrap_or(count.len())]).ok()?;
    digits.parse().ok().filter(|count| *count > 0)
}

/// True for the first line of polter's own recordings.
pub(crate) fn is_recorders(comment: &[u8]) -> bool {
    comment.starts_with(b"# polter ")
}

#[cfg(test)]
mod tests {
    use super::lost_events;

    #[test]
    fn only_a_loss_is_one() {
        for (comment, count) in [
            (&b"# lost 12 events"[..], Some(12)),
            (b"#lost 1", Some(1)),
            (b"# lost 0 events", None),
            (b"# lost", None),
            (b"# lost a sock", None),
            (b"lost 12 events", None),
            (b"", None),
        ] {
            assert_eq!(lost_events(comment), count);
        }
    }
}
