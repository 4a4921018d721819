//! Source lines, and the functions that a compiler has put into others, by DWARF.

use std::fmt;

use addr2line::Context;
use gimli::{Dwarf, EndianReader, LittleEndian, Reader as _, Section as _};

use crate::cfi::Bytes;
use crate::demangle::demangle;
use crate::elf::Elf;

/// The largest section, and how much all of them together may have.
const LARGEST: usize = 256 << 20;
const LARGEST_TOTAL: usize = 512 << 20;
/// Every unit may read all abbreviations: how many bytes that may be in all.
const MOST_ABBREVIATIONS: usize = 1 << 34;
/// The most functions in one another at one address.
const MOST_INLINED: usize = 32;

/// The lines of one file.
pub(crate) struct Lines(Context<Bytes>);

/// A function at an address, and where its code comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) function: Option<String>,
    pub(crate) source: Option<(String, u32)>,
}

impl Lines {
    /// Reads a file's sections, if it has them, and if they are not too large.
    pub(crate) fn of(elf: &Elf) -> Option<Self> {
        let mut left = LARGEST_TOTAL;
        let load_fn = |id: gimli::SectionId| {
            let section = elf.section(id.name(), LARGEST.min(left));
            let bytes = section.map_or_else(|| [].into(), |section| section.bytes);
            left -= bytes.len();
            Ok::<Bytes, gimli::Error>(EndianReader::new(bytes, LittleEndian))
        };
        let dwarf = Dwarf::load(load_fn).ok()?;
        if is_endless(&dwarf) {
            return None;
        }
        Some(Self(Context::from_dwarf(dwarf).ok()?))
    }

    /// Finds the functions at an address, the innermost first: all but the last are inlined.
    pub(crate) fn find(&self, address: u64) -> Vec<Place> {
        let mut places = Vec::new();
        let Ok(mut frames) = self.0.find_frames(address).skip_all_loads() else {
            return places;
        };
        while let Ok(Some(frame)) = frames.next() {
            if places.len() == MOST_INLINED {
                break;
            }
            let name = frame.function.and_then(|function| {
                function
                    .raw_name()
                    .ok()
                    .map(|name| demangle(name.as_bytes()))
            });
            let source = frame
                .location
                .and_then(|at| Some((at.file?.to_owned(), at.line?)));
            places.push(Place {
                function: name,
                source,
            });
        }
        places
    }
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lines")
    }
}

/// True if there is nothing, or if units and abbreviations are too many to be of a compiler.
fn is_endless(dwarf: &Dwarf<Bytes>) -> bool {
    let abbreviations = dwarf.debug_abbrev.reader().len();
    let mut units = dwarf.units();
    let mut cost = 0_usize;
    let mut is_empty = true;
    while let Ok(Some(unit)) = units.next() {
        is_empty = false;
        let at = unit.debug_abbrev_offset().0;
        cost = cost.saturating_add(abbreviations.saturating_sub(at));
    }
    is_empty || cost > MOST_ABBREVIATIONS
}
