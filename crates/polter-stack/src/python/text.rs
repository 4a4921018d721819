//! A `str` of another process.

use super::layout::Layout;
use crate::memory::Memory;

/// The longest text that is believed, in characters.
const LONGEST: u64 = 1024;

/// Reads a text; nothing if there is none.
pub(crate) fn read(memory: &Memory, layout: &Layout, address: u64) -> Option<String> {
    let length = memory
        .word(address + 16)
        .filter(|&length| length <= LONGEST)?;
    let state = memory.half(address + 32)?;
    let (width, is_compact, is_ascii) = (state >> 2 & 7, state >> 5 & 1 == 1, state >> 6 & 1 == 1);
    if !is_compact {
        return None;
    }
    let start = address
        + if is_ascii {
            layout.ascii_text
        } else {
            layout.other_text
        };
    let bytes = memory.bytes(start, usize::try_from(length).ok()? * width as usize)?;
    decode(&bytes, width)
}

/// Reads characters of one, two or four bytes.
fn decode(bytes: &[u8], width: u32) -> Option<String> {
    let character_fn = |bytes: &[u8]| {
        let mut whole = [0; 4];
        whole[..bytes.len()].copy_from_slice(bytes);
        // What stands for a byte that was no text is no character.
        char::from_u32(u32::from_le_bytes(whole)).unwrap_or(char::REPLACEMENT_CHARACTER)
    };
    matches!(width, 1 | 2 | 4).then(|| {
        bytes
            .chunks_exact(width as usize)
            .map(character_fn)
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_width() {
        assert_eq!(decode(b"caf\xe9", 1).as_deref(), Some("café"));
        assert_eq!(
            decode(&[0xac, 0x20, 0, 0xdc], 2).as_deref(),
            Some("€\u{fffd}")
        );
        assert_eq!(decode(&[0x40, 0xf6, 1, 0], 4).as_deref(), Some("🙀"));
        assert_eq!(decode(b"abc", 3), None);
        assert_eq!(decode(b"", 0), None);
    }
}
