//! `.gopclntab`: the functions of a Go program, which keeps them when it is stripped.
//!
//! ```text
//!   header ─▶ names, one after the other
//!        └──▶ rows of (entry, where the function is told), sorted ─▶ (entry, where its name is)
//! ```
//!
//! Entries count from where Go's code begins. Go: `runtime.pcHeader`, `runtime._func`.

use crate::elf::Elf;

/// The largest table.
const LARGEST: usize = 256 << 20;
/// The forms of Go 1.18 and of 1.20 and later; they differ in what is not read here.
const MAGICS: [u32; 2] = [0xffff_fff0, 0xffff_fff1];

/// A function: where it begins and ends, and where in the names its own begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) start: u64,
    pub(crate) size: u64,
    pub(crate) name: u32,
}

/// Reads the functions of a file, and their names; nothing if it is none of Go's.
pub(crate) fn functions(elf: &Elf) -> Option<(Vec<Row>, Vec<u8>)> {
    // The second name is that of a program that may be loaded anywhere.
    let names = [".gopclntab", ".data.rel.ro.gopclntab"];
    let table = names.iter().find_map(|name| elf.section(name, LARGEST))?;
    read(&table.bytes, elf.section_address(".text")?)
}

fn read(table: &[u8], code: u64) -> Option<(Vec<Row>, Vec<u8>)> {
    let word_fn = |at: usize| {
        Some(u64::from_le_bytes(
            table.get(at..at.checked_add(8)?)?.try_into().ok()?,
        ))
    };
    if !MAGICS.contains(&half(table, 0)?) || table.get(7) != Some(&8) {
        return None;
    }
    let count = usize::try_from(word_fn(8)?).ok()?;
    // Where code begins is 0 until the program is loaded, if it may be loaded anywhere.
    let code = word_fn(24).filter(|&start| start != 0).unwrap_or(code);
    let names = table.get(usize::try_from(word_fn(32)?).ok()?..)?;
    let rows = table.get(usize::try_from(word_fn(64)?).ok()?..)?;
    let row_fn = |at: usize| {
        let (entry, told) = (half(rows, 8 * at)?, half(rows, 8 * at + 4)?);
        let end = half(rows, 8 * at + 8)?;
        Some(Row {
            start: code.checked_add(u64::from(entry))?,
            size: u64::from(end.checked_sub(entry)?),
            name: half(rows, (told as usize).checked_add(4)?)?,
        })
    };
    let rows = (0..count.min(rows.len() / 8)).map_while(row_fn).collect();
    Some((rows, names.to_vec()))
}

fn half(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(
        bytes.get(at..at.checked_add(4)?)?.try_into().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_have_names_and_ends() {
        let (rows, names) = read(&table(), 0x40_0000).unwrap();
        let row_fn = |start, size, name| Row { start, size, name };
        assert_eq!(
            rows,
            [row_fn(0x40_1000, 0x20, 1), row_fn(0x40_1020, 0x10, 3)]
        );
        assert_eq!(names[..5], *b"\0f\0g\0");
    }

    #[test]
    fn another_form_is_not_read() {
        let mut other = table();
        other[0] = 0xfb;
        assert_eq!(read(&other, 0), None);
    }

    proptest! {
        #[test]
        fn any_table_is_read_to_its_end(at in 8..140_usize, bytes in prop::collection::vec(any::<u8>(), 1..9), code in any::<u64>()) {
            let mut damaged = table();
            let end = (at + bytes.len()).min(damaged.len());
            damaged[at.min(end)..end].copy_from_slice(&bytes[..end - at.min(end)]);
            for length in 0..damaged.len() {
                let rows = read(&damaged[..length], code).map_or(0, |(rows, _)| rows.len());
                prop_assert!(rows <= length);
            }
        }
    }

    /// Two functions, `f` and `g`.
    fn table() -> Vec<u8> {
        let words = [2, 0, 0, 72, 0, 0, 0, 80];
        let rows = [0x1000, 24, 0x1020, 32, 0x1030, 0, 0x1000, 1, 0x1020, 3];
        let mut table = vec![0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8];
        table.extend(words.iter().flat_map(|word: &u64| word.to_le_bytes()));
        table.extend(b"\0f\0g\0\0\0\0");
        table.extend(rows.iter().flat_map(|half: &u32| half.to_le_bytes()));
        table
    }
}
