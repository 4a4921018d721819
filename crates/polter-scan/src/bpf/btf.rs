//! The kernel's own account of its types (BTF), without what the programs do not ask for.
//!
//! It has more than a hundred thousand types, and the loader goes through all of them for
//! each type it fits. What is left out leaves an empty entry behind: a type is known by its
//! place, and what refers to it stays right.
//!
//! ```text
//!   [header][ type 1 | type 2 | … ][ names ]      a type: name, kind and count, size or type; parts
//! ```

use std::fs;

use aya::{Btf, Endianness};
use rustc_hash::FxHashSet;

const PATH: &str = "/sys/kernel/btf/vmlinux";

/// Bytes of a type that has no parts.
const HEAD: usize = 12;

/// Linux: `BTF_KIND_*`
mod kind {
    pub(super) const INT: u32 = 1;
    pub(super) const PTR: u32 = 2;
    pub(super) const ARRAY: u32 = 3;
    pub(super) const STRUCT: u32 = 4;
    pub(super) const UNION: u32 = 5;
    pub(super) const ENUM: u32 = 6;
    pub(super) const FWD: u32 = 7;
    pub(super) const TYPEDEF: u32 = 8;
    pub(super) const RESTRICT: u32 = 11;
    pub(super) const FUNC: u32 = 12;
    pub(super) const FUNC_PROTO: u32 = 13;
    pub(super) const VAR: u32 = 14;
    pub(super) const DATASEC: u32 = 15;
    pub(super) const FLOAT: u32 = 16;
    pub(super) const DECL_TAG: u32 = 17;
    pub(super) const TYPE_TAG: u32 = 18;
    pub(super) const ENUM64: u32 = 19;
}

/// What the kernel says of the types an object names.
pub(super) fn of_kernel(object: &[u8]) -> Result<Btf, String> {
    let all = fs::read(PATH).map_err(|error| error.to_string())?;
    let lean = Types::read(&all).map(|types| types.only(&names_in(object)));
    // A kernel to come may have types of a kind that is not known here.
    let bytes = lean.as_deref().unwrap_or(&all);
    Btf::parse(bytes, Endianness::default()).map_err(|error| error.to_string())
}

/// Every text in an object that could be a name, without what tells variants apart.
fn names_in(object: &[u8]) -> FxHashSet<&[u8]> {
    let texts = object.split(|byte| *byte == 0);
    texts.map(plain).filter(|name| !name.is_empty()).collect()
}

/// `file` of `file___before_6_13`.
fn plain(name: &[u8]) -> &[u8] {
    let end = name.windows(3).position(|part| part == b"___");
    &name[..end.unwrap_or(name.len())]
}

/// The types, where they are.
struct Types<'a> {
    header: &'a [u8],
    types: &'a [u8],
    names: &'a [u8],
    /// Where each begins; the first type is number 1.
    at: Vec<usize>,
}

impl<'a> Types<'a> {
    fn read(text: &'a [u8]) -> Option<Types<'a>> {
        let number = |at| word(text, at).map(|it| it as usize);
        let header = text.get(..number(4)?)?;
        let part = |from: usize, len: usize| text.get(header.len() + from..)?.get(..len);
        let mut types = Types {
            header,
            types: part(number(8)?, number(12)?)?,
            names: part(number(16)?, number(20)?)?,
            at: vec![0],
        };
        let mut at = 0;
        while at < types.types.len() {
            types.at.push(at);
            at += HEAD + types.parts(at)?.len();
        }
        Some(types)
    }

    /// The same, with nothing but what has one of these names, or is a part of what has.
    fn only(&self, wanted: &FxHashSet<&[u8]>) -> Vec<u8> {
        let mut is_kept = vec![false; self.at.len()];
        let named = (1..self.at.len()).filter(|id| self.is_wanted(self.at[*id], wanted));
        let mut open: Vec<usize> = named.collect();
        while let Some(id) = open.pop() {
            if id != 0 && is_kept.get(id) == Some(&false) {
                is_kept[id] = true;
                self.refers_to(self.at[id], &mut open);
            }
        }
        let mut types = Vec::new();
        for (at, is_kept) in self.at.iter().zip(is_kept).skip(1) {
            match self.parts(*at).filter(|_| is_kept) {
                Some(parts) => types.extend(&self.types[*at..*at + HEAD + parts.len()]),
                None => types.extend(
                    [0, kind::FWD << 24, 0]
                        .into_iter()
                        .flat_map(u32::to_ne_bytes),
                ),
            }
        }
        self.written(&types)
    }

    fn written(&self, types: &[u8]) -> Vec<u8> {
        let mut text = self.header.to_vec();
        let lens = [0, types.len(), types.len(), self.names.len()];
        for (field, len) in text[8..24].chunks_mut(4).zip(lens) {
            field.copy_from_slice(&(len as u32).to_ne_bytes());
        }
        text.extend(types);
        text.extend(self.names);
        text
    }

    fn is_wanted(&self, at: usize, wanted: &FxHashSet<&[u8]>) -> bool {
        match self.kind(at) {
            kind::STRUCT | kind::UNION | kind::ENUM | kind::ENUM64 | kind::INT | kind::TYPEDEF => {
                wanted.contains(plain(self.name(at)))
            }
            // Programs are attached to these.
            kind::FUNC => self.name(at).starts_with(b"bpf_iter_"),
            _ => false,
        }
    }

    /// The types that stand in this one itself, not behind a pointer.
    fn refers_to(&self, at: usize, types: &mut Vec<usize>) {
        let parts = self.parts(at).unwrap_or_default();
        let id = |bytes: &[u8]| word(bytes, 0).unwrap_or_default() as usize;
        match self.kind(at) {
            kind::STRUCT | kind::UNION => {
                types.extend(parts.chunks_exact(12).map(|member| id(&member[4..])));
            }
            kind::ARRAY => types.extend(parts[..8].chunks_exact(4).map(id)),
            kind::TYPEDEF..=kind::RESTRICT | kind::TYPE_TAG => {
                types.push(id(&self.types[at + 8..]));
            }
            _ => {}
        }
    }

    /// What follows the head; nothing if the kind is not known, or the text ends before it.
    fn parts(&self, at: usize) -> Option<&'a [u8]> {
        let count = word(self.types, at + 4)? as usize & 0xffff;
        let len = match self.kind(at) {
            kind::INT | kind::VAR | kind::DECL_TAG => 4,
            kind::ARRAY => 12,
            kind::STRUCT | kind::UNION | kind::DATASEC | kind::ENUM64 => 12 * count,
            kind::ENUM | kind::FUNC_PROTO => 8 * count,
            kind::PTR | kind::FWD..=kind::FUNC | kind::FLOAT | kind::TYPE_TAG => 0,
            _ => return None,
        };
        self.types.get(at + HEAD..)?.get(..len)
    }

    fn kind(&self, at: usize) -> u32 {
        word(self.types, at + 4).unwrap_or_default() >> 24 & 0x1f
    }

    fn name(&self, at: usize) -> &'a [u8] {
        let from = word(self.types, at).unwrap_or_default() as usize;
        let rest = self.names.get(from..).unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == 0);
        &rest[..end.unwrap_or(rest.len())]
    }
}

fn word(text: &[u8], at: usize) -> Option<u32> {
    let bytes = text.get(at..)?.first_chunk()?;
    Some(u32::from_ne_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_type_that_is_kept_keeps_its_place() {
        let Ok(all) = fs::read(PATH) else {
            return;
        };
        let types = Types::read(&all).expect("known kinds");
        let lean = types.only(&names_in(b"\0epitem\0"));
        let lean = Types::read(&lean).expect("what was written");
        assert_eq!(types.at.len(), lean.at.len());
        let epitem = |id: &usize| types.is_wanted(types.at[*id], &names_in(b"epitem"));
        let kept: Vec<usize> = (1..types.at.len()).filter(epitem).collect();
        assert!(!kept.is_empty());
        for id in kept {
            let (before, after) = (types.at[id], lean.at[id]);
            assert_eq!(types.name(before), lean.name(after));
            assert_eq!(types.parts(before), lean.parts(after));
        }
        let is_empty = |at: &&usize| lean.kind(**at) == kind::FWD;
        assert!(lean.at.iter().skip(1).filter(is_empty).count() * 2 > lean.at.len());
    }

    #[test]
    fn variants_have_one_name() {
        let names = names_in(b"x\0file___before_6_13\0");
        assert!(names.contains(&b"file"[..]));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(head: [u32; 6], types: Vec<[u32; 3]>) {
            let words = head.into_iter().chain(types.into_iter().flatten());
            let text: Vec<u8> = words.flat_map(u32::to_ne_bytes).collect();
            if let Some(types) = Types::read(&text) {
                types.only(&names_in(b"file"));
            }
        }
    }
}
