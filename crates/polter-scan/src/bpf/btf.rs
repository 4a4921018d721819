//! An excerpt of the kernel's types (BTF), with only those that the programs use.
//!
//! The kernel has more than a hundred thousand types, and the loader goes through all of them for
//! each type that it fits. So the loader gets an excerpt: the types in use, with new ids. The
//! functions that programs are attached to keep the kernel's ids, for the kernel is asked for them
//! by id.
//!
//! ```text
//!   [header][ type 1 | type 2 | … ][ names ]      a type: name, kind and count, size or type; parts
//! ```

use std::collections::BTreeSet;
use std::fs::{self, File};

use aya::{Btf, Endianness};
use rustc_hash::{FxHashMap, FxHashSet};

use super::refusal::Refusal;
use super::sys::Mapped;

const PATH: &str = "/sys/kernel/btf/vmlinux";

/// Bytes of a type without its parts.
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

/// The kernel's types, as far as an object uses them.
#[derive(Debug)]
pub(super) struct KernelTypes {
    /// The types that the object names, with all types inside them. Their ids are not the kernel's,
    /// so they must be asked for by name.
    pub(super) types: Btf,
    /// The functions that iterators are attached to, with their ids in the kernel.
    iterators: Vec<(String, u32)>,
}

impl KernelTypes {
    /// Reads the kernel's types, and keeps those that an object names.
    pub(super) fn of(object: &[u8]) -> Result<KernelTypes, String> {
        let file = File::open(PATH).map_err(|error| error.to_string())?;
        let Ok(all) = Mapped::of(&file) else {
            let all = fs::read(PATH).map_err(|error| error.to_string())?;
            return KernelTypes::in_text(object, &all);
        };
        KernelTypes::in_text(object, &all)
    }

    fn in_text(object: &[u8], all: &[u8]) -> Result<KernelTypes, String> {
        // A later kernel may have types of a kind that this reader does not know.
        let types = Types::read(all).ok_or("by types of an unknown kind")?;
        let only = types.only(&names_in(object));
        Ok(KernelTypes {
            types: Btf::parse(&only, Endianness::default()).map_err(|error| error.to_string())?,
            iterators: types.iterators().collect(),
        })
    }

    /// The kernel's id of the function that an iterator is attached to.
    pub(super) fn id_of(&self, iterator: &str) -> Result<u32, Refusal> {
        let of_name = self.iterators.iter().find(|(name, _)| name == iterator);
        let id = of_name.map(|(_, id)| *id);
        id.ok_or_else(|| Refusal::NotTaken(format!("no {iterator}")))
    }
}

/// Every text in an object that could be a type's name, without its variant's suffix.
fn names_in(object: &[u8]) -> FxHashSet<&[u8]> {
    let texts = object.split(|byte| *byte == 0);
    texts.map(plain).filter(|name| !name.is_empty()).collect()
}

/// `file` of `file___before_6_13`: the suffix tells variants of one type apart, and the loader
/// drops it.
fn plain(name: &[u8]) -> &[u8] {
    let end = name.windows(3).position(|part| part == b"___");
    &name[..end.unwrap_or(name.len())]
}

/// The types, read in place.
struct Types<'a> {
    header: &'a [u8],
    types: &'a [u8],
    names: &'a [u8],
    /// Where each begins; the first type has id 1.
    at: Vec<usize>,
}

impl<'a> Types<'a> {
    fn read(text: &'a [u8]) -> Option<Types<'a>> {
        let length = |at| word(text, at).map(|it| it as usize);
        let header = text.get(..length(4)?)?;
        let part = |from: usize, len: usize| text.get(header.len() + from..)?.get(..len);
        let mut types = Types {
            header,
            types: part(length(8)?, length(12)?)?,
            names: part(length(16)?, length(20)?)?,
            at: vec![0],
        };
        let mut at = 0;
        while at < types.types.len() {
            types.at.push(at);
            at += HEAD + types.parts(at)?.len();
        }
        Some(types)
    }

    /// The excerpt: the types that have one of these names, and all types inside those.
    fn only(&self, wanted: &FxHashSet<&[u8]>) -> Vec<u8> {
        let named = (1..self.at.len()).filter(|id| self.is_wanted(self.at[*id], wanted));
        let mut open: Vec<usize> = named.collect();
        let mut kept = BTreeSet::new();
        while let Some(id) = open.pop() {
            if id != 0 && id < self.at.len() && kept.insert(id) {
                self.refers_to(self.at[id], &mut open);
            }
        }
        let ids: FxHashMap<usize, u32> = kept.iter().copied().zip(1..).collect();
        let mut writer = Writer::new(self);
        for id in kept {
            writer.add(self.at[id], &ids);
        }
        writer.finish()
    }

    /// The functions that iterators are attached to, with their ids.
    fn iterators(&self) -> impl Iterator<Item = (String, u32)> {
        let is_one =
            |at: usize| self.kind(at) == kind::FUNC && self.name(at).starts_with(b"bpf_iter_");
        let numbered = self.at.iter().zip(0..).skip(1);
        numbered
            .filter(move |(at, _)| is_one(**at))
            .map(|(at, id)| {
                let name = String::from_utf8_lossy(self.name(*at));
                (name.into_owned(), id)
            })
    }

    fn is_wanted(&self, at: usize, wanted: &FxHashSet<&[u8]>) -> bool {
        match self.kind(at) {
            kind::STRUCT | kind::UNION | kind::ENUM | kind::ENUM64 | kind::INT | kind::TYPEDEF => {
                wanted.contains(plain(self.name(at)))
            }
            _ => false,
        }
    }

    /// The types that this one holds by value. Those behind a pointer are left out: the programs
    /// read through a pointer by a type that they name themselves.
    fn refers_to(&self, at: usize, types: &mut Vec<usize>) {
        let is_by_value = matches!(
            self.kind(at),
            kind::STRUCT | kind::UNION | kind::ARRAY | kind::TYPEDEF
                ..=kind::RESTRICT | kind::TYPE_TAG
        );
        let id = |at| word(self.types, at).unwrap_or_default() as usize;
        types.extend(self.references(at).filter(|_| is_by_value).map(id));
    }

    /// The places in the text that hold ids of other types.
    fn references(&self, at: usize) -> impl Iterator<Item = usize> + use<> {
        let (head, part, step) = match self.kind(at) {
            kind::STRUCT | kind::UNION => (None, 4, 12),
            kind::DATASEC => (None, 0, 12),
            // The element's type and the index's.
            kind::ARRAY => (None, 0, 4),
            kind::FUNC_PROTO => (Some(at + 8), 4, 8),
            kind::INT | kind::FWD | kind::ENUM | kind::ENUM64 | kind::FLOAT => (None, 0, 0),
            _ => (Some(at + 8), 0, 0),
        };
        let len = self.parts(at).map_or(0, <[u8]>::len);
        let count = match self.kind(at) {
            kind::ARRAY => 2,
            _ => len.checked_div(step).unwrap_or_default(),
        };
        let parts = (0..count).map(move |part_at| at + HEAD + part_at * step + part);
        head.into_iter().chain(parts)
    }

    /// The places in the text that hold its name's offset, and those of its parts' names.
    fn names(&self, at: usize) -> impl Iterator<Item = usize> + use<> {
        let step = match self.kind(at) {
            kind::STRUCT | kind::UNION | kind::ENUM64 => 12,
            kind::ENUM | kind::FUNC_PROTO => 8,
            _ => 0,
        };
        let len = self.parts(at).map_or(0, <[u8]>::len);
        let count = len.checked_div(step).unwrap_or_default();
        std::iter::once(at).chain((0..count).map(move |part_at| at + HEAD + part_at * step))
    }

    /// The bytes behind the head; `None` if the kind is not known, or the text ends before them.
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

    /// The name whose offset stands at a place.
    fn name(&self, at: usize) -> &'a [u8] {
        let from = word(self.types, at).unwrap_or_default() as usize;
        let rest = self.names.get(from..).unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == 0);
        &rest[..end.unwrap_or(rest.len())]
    }
}

/// Writes the excerpt, with new ids and a name section of its own.
struct Writer<'a> {
    all: &'a Types<'a>,
    types: Vec<u8>,
    names: Vec<u8>,
    places: FxHashMap<&'a [u8], u32>,
}

impl<'a> Writer<'a> {
    fn new(all: &'a Types<'a>) -> Writer<'a> {
        Writer {
            all,
            types: Vec::new(),
            // Offset 0 is the empty name.
            names: vec![0],
            places: FxHashMap::from_iter([(&b""[..], 0)]),
        }
    }

    /// Adds a type. The types it refers to get their new ids; one that is left out gets 0, which is
    /// `void`.
    fn add(&mut self, at: usize, ids: &FxHashMap<usize, u32>) {
        let all = self.all;
        let end = at + HEAD + all.parts(at).map_or(0, <[u8]>::len);
        let here = self.types.len();
        self.types.extend(&all.types[at..end]);
        for named in all.names(at) {
            let name = self.name(all.name(named));
            self.put(here + named - at, name);
        }
        for reference in all.references(at) {
            let id = word(all.types, reference).unwrap_or_default() as usize;
            let id = ids.get(&id).copied().unwrap_or_default();
            self.put(here + reference - at, id);
        }
    }

    /// The offset of a name in the new section.
    fn name(&mut self, name: &'a [u8]) -> u32 {
        let names = &mut self.names;
        *self.places.entry(name).or_insert_with(|| {
            let place = names.len() as u32;
            names.extend(name);
            names.push(0);
            place
        })
    }

    fn put(&mut self, at: usize, word: u32) {
        self.types[at..at + 4].copy_from_slice(&word.to_ne_bytes());
    }

    fn finish(self) -> Vec<u8> {
        let mut text = self.all.header.to_vec();
        let lens = [0, self.types.len(), self.types.len(), self.names.len()];
        for (field, len) in text[8..24].chunks_mut(4).zip(lens) {
            field.copy_from_slice(&(len as u32).to_ne_bytes());
        }
        text.extend(self.types);
        text.extend(self.names);
        text
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
    fn a_type_that_is_kept_keeps_its_parts() {
        let Ok(all) = fs::read(PATH) else {
            return;
        };
        let types = Types::read(&all).expect("known kinds");
        let lean = types.only(&names_in(b"\0epitem\0"));
        let lean = Types::read(&lean).expect("what was written");
        assert!(lean.at.len() * 100 < types.at.len());
        let epitem = |types: &Types<'_>| {
            let names = names_in(b"epitem");
            let mut at = types.at.iter().skip(1);
            *at.find(|at| types.is_wanted(**at, &names)).expect("it")
        };
        let told = |types: &Types<'_>| {
            let at = epitem(types);
            let places = types.parts(at).unwrap_or_default().chunks_exact(12);
            let places = places.map(|part| word(part, 8).unwrap_or_default());
            let names = types.names(at).map(|at| types.name(at).to_vec());
            let of_parts = types.references(at).map(|at| {
                let id = word(types.types, at).unwrap_or_default() as usize;
                (types.kind(types.at[id]), types.name(types.at[id]).to_vec())
            });
            (
                names.collect::<Vec<_>>(),
                places.collect::<Vec<_>>(),
                of_parts.collect::<Vec<_>>(),
            )
        };
        assert_eq!(told(&types), told(&lean));
    }

    #[test]
    fn a_function_has_its_own_id() {
        let Ok(all) = fs::read(PATH) else {
            return;
        };
        let types = Types::read(&all).expect("known kinds");
        let mut iterators = types.iterators();
        let (_, id) = iterators
            .find(|(name, _)| name == "bpf_iter_task_file")
            .expect("the kernel has it");
        let at = types.at[id as usize];
        assert_eq!(types.kind(at), kind::FUNC);
        assert_eq!(types.name(at), b"bpf_iter_task_file");
    }

    #[test]
    fn mapped_and_read_it_is_the_same() {
        let Ok(all) = fs::read(PATH) else {
            return;
        };
        // Before Linux 6.16 it cannot be mapped.
        if let Ok(mapped) = Mapped::of(&File::open(PATH).expect("it was read")) {
            assert!(*mapped == all[..]);
        }
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
                types.iterators().count();
            }
        }
    }
}
