//! The table of a code object that says which line an instruction is of.
//!
//! An entry is a byte `1kkkklll`, and what its kind `k` has behind it; it covers `l + 1` instructions of
//! two bytes. CPython: `Objects/locations.md`.

/// Finds the line of the instruction at an offset, in instructions.
pub(crate) fn line_of(table: &[u8], first_line: u32, instruction: u64) -> Option<u32> {
    let mut rest = table.iter().copied();
    let mut line = i64::from(first_line);
    let mut end = 0;
    while let Some(head) = rest.next() {
        let kind = head >> 3 & 15;
        end += u64::from(head & 7) + 1;
        let (delta, columns) = match kind {
            // Only columns follow.
            0..=9 => (0, 1),
            10..=12 => (i64::from(kind) - 10, 2),
            13 | 14 => (signed(&mut rest)?, 0),
            _ => (0, 0),
        };
        line = line.checked_add(delta)?;
        for _ in 0..columns {
            rest.next()?;
        }
        if kind == 14 {
            for _ in 0..3 {
                unsigned(&mut rest)?;
            }
        }
        if instruction < end {
            return (kind != 15).then(|| u32::try_from(line).ok())?;
        }
    }
    None
}

/// Reads six bits a byte, the lowest first; the seventh says that more follow.
fn unsigned(bytes: &mut impl Iterator<Item = u8>) -> Option<u64> {
    let mut value = 0;
    for shift in (0..60).step_by(6) {
        let byte = bytes.next()?;
        value |= u64::from(byte & 63) << shift;
        if byte & 64 == 0 {
            return Some(value);
        }
    }
    None
}

/// Reads a number whose lowest bit is its sign.
fn signed(bytes: &mut impl Iterator<Item = u8>) -> Option<i64> {
    let value = unsigned(bytes)?;
    let size = i64::try_from(value >> 1).ok()?;
    Some(if value & 1 == 0 { size } else { -size })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No columns, one line on; one line on in the form with columns; no line; a long form, three back.
    const TABLE: &[u8] = &[0xe8, 2, 0xd9, 1, 9, 0xf8, 0xf0, 7, 1, 5, 5];

    #[test]
    fn each_kind_of_entry() {
        check(0, Some(11));
        check(1, Some(12));
        check(2, Some(12));
        check(3, None);
        check(4, Some(9));
        check(5, None);
    }

    #[test]
    fn a_table_that_is_cut_off() {
        for length in 0..TABLE.len() {
            let _ = line_of(&TABLE[..length], 10, 4);
        }
        assert_eq!(line_of(&[0xe8, 0x7f, 0x7f], 10, 0), None);
        assert_eq!(line_of(&[0xe8, 0x3f], 0, 0), None);
    }

    #[track_caller]
    fn check(instruction: u64, expected: Option<u32>) {
        assert_eq!(line_of(TABLE, 10, instruction), expected);
    }
}
