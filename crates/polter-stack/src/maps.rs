//! `/proc/PID/maps`: what code is mapped where.

/// The most mappings of code that are kept of one process.
const MOST: usize = 4096;

/// A mapping that can be executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mapping {
    /// The first address.
    pub(crate) start: u64,
    /// The address behind the last.
    pub(crate) end: u64,
    /// Where in the file it begins.
    pub(crate) offset: u64,
    /// The file's device, as its text, and its inode; 0 if there is no file.
    pub(crate) device: Vec<u8>,
    pub(crate) inode: u64,
    /// The file's path, as the process's mount namespace has it.
    pub(crate) path: Vec<u8>,
    /// True if the path leads nowhere any more.
    pub(crate) is_deleted: bool,
}

/// Reads the mappings of code, in the order of their addresses.
///
/// A line that is none of the kernel's is left out, as is one that overlaps the line before.
pub(crate) fn parse(text: &[u8]) -> Vec<Mapping> {
    let mut found: Vec<Mapping> = Vec::new();
    for mapping in text.split(|&byte| byte == b'\n').filter_map(parse_line) {
        if found.len() == MOST {
            break;
        }
        if found.last().is_none_or(|last| last.end <= mapping.start) {
            found.push(mapping);
        }
    }
    found
}

/// Linux: `show_map_vma`.
fn parse_line(line: &[u8]) -> Option<Mapping> {
    let mut rest = line;
    let mut field_fn = || {
        let end = rest.iter().position(|&byte| byte == b' ')?;
        let (field, after) = rest.split_at(end);
        rest = &after[1..];
        str::from_utf8(field).ok()
    };
    let (start, end) = field_fn()?.split_once('-')?;
    let rights = field_fn()?;
    let offset = hex(field_fn()?)?;
    let device = field_fn()?.as_bytes().to_vec();
    // Without a path, nothing stands behind the inode's space but padding.
    let inode = field_fn()?.parse().ok()?;
    let (start, end) = (hex(start)?, hex(end)?);
    if rights.as_bytes().get(2) != Some(&b'x') || start >= end {
        return None;
    }
    let name = unescape(rest.trim_ascii_start());
    let alive = name.strip_suffix(b" (deleted)");
    Some(Mapping {
        start,
        end,
        offset,
        device,
        inode,
        is_deleted: inode != 0 && alive.is_some(),
        path: match alive {
            Some(alive) if inode != 0 => alive.to_vec(),
            _ => name,
        },
    })
}

fn hex(digits: &str) -> Option<u64> {
    u64::from_str_radix(digits, 16).ok()
}

/// Undoes the one escape that the kernel makes in a path: a newline.
fn unescape(path: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(path.len());
    let mut rest = path;
    while let Some((&first, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(b"\\012") {
            plain.push(b'\n');
            rest = after;
        } else {
            plain.push(first);
            rest = after;
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_file() {
        check(
            "7f00-7f80 r-xp 00028000 fe:00 12   /lib/x86_64-linux-gnu/libc.so.6",
            "7f00-7f80 28000 fe:00 12 /lib/x86_64-linux-gnu/libc.so.6",
        );
    }

    #[test]
    fn data_is_left_out() {
        check("7f00-7f80 rw-p 00000000 fe:00 12   /lib/libc.so.6", "");
    }

    #[test]
    fn a_deleted_file_and_a_newline() {
        check(
            "10-20 r-xp 0 0:1 9 /a\\012b (deleted)",
            "10-20 0 0:1 9 /a\nb deleted",
        );
    }

    #[test]
    fn memory_without_a_file() {
        check("10-20 rwxp 00000000 00:00 0 ", "10-20 0 00:00 0 ");
        check(
            "10-20 r-xp 00000000 00:00 0   [vdso]",
            "10-20 0 00:00 0 [vdso]",
        );
    }

    #[test]
    fn what_is_no_line_or_goes_backwards_is_left_out() {
        check("x\n\n10-20 r-xp\n20-10 r-xp 0 0:1 9 /a\n-- -- --", "");
        check(
            "10-20 r-xp 0 0:1 9 /a\n18-30 r-xp 0 0:1 9 /b",
            "10-20 0 0:1 9 /a",
        );
    }

    #[test]
    fn no_process_has_too_many() {
        let line_fn = |at: usize| format!("{:x}-{:x} r-xp 0 0:1 9 /a\n", at * 16, at * 16 + 16);
        let text: String = (0..2 * MOST).map(line_fn).collect();
        assert_eq!(parse(text.as_bytes()).len(), MOST);
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let shown: Vec<_> = parse(text.as_bytes())
            .iter()
            .map(|it| {
                format!(
                    "{:x}-{:x} {:x} {} {} {}{}",
                    it.start,
                    it.end,
                    it.offset,
                    String::from_utf8_lossy(&it.device),
                    it.inode,
                    String::from_utf8_lossy(&it.path),
                    if it.is_deleted { " deleted" } else { "" }
                )
            })
            .collect();
        assert_eq!(shown.join("\n"), expected);
    }
}
