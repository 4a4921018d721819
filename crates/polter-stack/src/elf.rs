//! An ELF file: its sections, read when they are asked for, and never more than a limit.
//!
//! The file is read and not mapped: whoever owns it may cut it short at any moment, and a mapping of
//! it would then be a signal.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use object::LittleEndian;
use object::elf::{
    CompressionHeader64, ELFCLASS64, ELFCOMPRESS_ZLIB, ELFCOMPRESS_ZSTD, ELFDATA2LSB, ELFMAG,
    FileHeader64, PF_X, PT_LOAD, ProgramHeader64, SHF_COMPRESSED, SHT_NOBITS, SectionHeader64,
};
use object::pod;

/// The most sections, and segments, that a file may have.
const MOST_HEADERS: usize = 8192;
/// The largest table of the sections' names.
const LARGEST_NAMES: u64 = 4 << 20;

type Le = LittleEndian;

/// An open ELF file of 64 bits, little endian.
#[derive(Debug)]
pub(crate) struct Elf {
    file: File,
    sections: Vec<SectionHeader64<Le>>,
    segments: Vec<ProgramHeader64<Le>>,
    names: Vec<u8>,
}

/// A section's bytes, and where the file wants them in memory.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    pub(crate) address: u64,
    pub(crate) bytes: Arc<[u8]>,
}

impl Elf {
    /// Reads the headers; nothing if they are none.
    pub(crate) fn of(file: File) -> Option<Self> {
        let head = read(&file, 0, size_of::<FileHeader64<Le>>())?;
        let (header, _) = pod::from_bytes::<FileHeader64<Le>>(&head).ok()?;
        let ident = &header.e_ident;
        if ident.magic != ELFMAG || ident.class != ELFCLASS64 || ident.data != ELFDATA2LSB {
            return None;
        }
        let table_fn = |offset: u64, count: u16, size: usize| {
            let count = usize::from(count);
            (count <= MOST_HEADERS).then(|| read(&file, offset, count * size))?
        };
        let (at, count) = (header.e_phoff.get(Le {}), header.e_phnum.get(Le {}));
        let bytes = table_fn(at, count, size_of::<ProgramHeader64<Le>>())?;
        let segments = pod::slice_from_all_bytes(&bytes).ok()?.to_vec();
        let (at, count) = (header.e_shoff.get(Le {}), header.e_shnum.get(Le {}));
        // A file without sections, or with their table cut off, has no names but can still be mapped.
        let bytes = table_fn(at, count, size_of::<SectionHeader64<Le>>()).unwrap_or_default();
        let sections: Vec<SectionHeader64<Le>> = pod::slice_from_all_bytes(&bytes).ok()?.to_vec();
        let names = sections
            .get(usize::from(header.e_shstrndx.get(Le {})))
            .filter(|names| names.sh_size.get(Le {}) <= LARGEST_NAMES)
            .and_then(|names| {
                let size = usize::try_from(names.sh_size.get(Le {})).ok()?;
                read(&file, names.sh_offset.get(Le {}), size)
            })
            .unwrap_or_default();
        Some(Self {
            file,
            sections,
            segments,
            names,
        })
    }

    /// Says where the file wants the code at an offset of it.
    pub(crate) fn address_of(&self, offset: u64) -> Option<u64> {
        self.segments.iter().find_map(|segment| {
            let is_code =
                segment.p_type.get(Le {}) == PT_LOAD && segment.p_flags.get(Le {}) & PF_X != 0;
            let into = offset.checked_sub(segment.p_offset.get(Le {}))?;
            // The last page is mapped to its end.
            let size = segment
                .p_filesz
                .get(Le {})
                .checked_next_multiple_of(0x1000)?;
            (is_code && into < size).then(|| segment.p_vaddr.get(Le {}).checked_add(into))?
        })
    }

    /// Reads a section, unpacked; nothing if there is none, or if it is larger than `limit`.
    pub(crate) fn section(&self, name: &str, limit: usize) -> Option<Section> {
        let header = self.header(name)?;
        let size = usize::try_from(header.sh_size.get(Le {})).ok()?;
        if header.sh_type.get(Le {}) == SHT_NOBITS || size > limit {
            return None;
        }
        let mut bytes = read(&self.file, header.sh_offset.get(Le {}), size)?;
        if header.sh_flags.get(Le {}) & u64::from(SHF_COMPRESSED) != 0 {
            bytes = unpack(&bytes, limit)?;
        }
        Some(Section {
            address: header.sh_addr.get(Le {}),
            bytes: bytes.into(),
        })
    }

    /// Says where the file wants a section.
    pub(crate) fn section_address(&self, name: &str) -> Option<u64> {
        self.header(name).map(|header| header.sh_addr.get(Le {}))
    }

    /// The number that a linker gave this very build.
    pub(crate) fn build_id(&self) -> Option<Vec<u8>> {
        let note = self.section(".note.gnu.build-id", 256)?.bytes;
        let size_fn =
            |at: usize| Some(u32::from_le_bytes(note.get(at..at + 4)?.try_into().ok()?) as usize);
        let (name, id) = (size_fn(0)?, size_fn(4)?);
        let start = name.checked_next_multiple_of(4)?.checked_add(12)?;
        note.get(start..start.checked_add(id)?).map(<[u8]>::to_vec)
    }

    fn header(&self, name: &str) -> Option<&SectionHeader64<Le>> {
        let is_it_fn =
            |header: &&SectionHeader64<Le>| self.name_of(header) == Some(name.as_bytes());
        self.sections.iter().find(is_it_fn)
    }

    fn name_of(&self, header: &SectionHeader64<Le>) -> Option<&[u8]> {
        let rest = self.names.get(header.sh_name.get(Le {}) as usize..)?;
        rest.split(|&byte| byte == 0).next()
    }
}

/// Reads exactly so many bytes.
///
/// The size is compared with the file's first: memory is not taken for what is not there.
fn read(file: &File, offset: u64, size: usize) -> Option<Vec<u8>> {
    let end = offset.checked_add(u64::try_from(size).ok()?)?;
    if end > file.metadata().ok()?.len() {
        return None;
    }
    let mut bytes = vec![0; size];
    file.read_exact_at(&mut bytes, offset).ok()?;
    Some(bytes)
}

/// Unpacks a section that is compressed; nothing if it is more than `limit` then.
fn unpack(bytes: &[u8], limit: usize) -> Option<Vec<u8>> {
    let (header, packed) = pod::from_bytes::<CompressionHeader64<Le>>(bytes).ok()?;
    let size = usize::try_from(header.ch_size.get(Le {})).ok()?;
    if size > limit {
        return None;
    }
    let mut plain = Vec::new();
    match header.ch_type.get(Le {}) {
        ELFCOMPRESS_ZLIB => fill(flate2::bufread::ZlibDecoder::new(packed), size, &mut plain),
        ELFCOMPRESS_ZSTD => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(packed).ok()?;
            fill(decoder, size, &mut plain)
        }
        _ => return None,
    }
    .ok()?;
    (plain.len() == size).then_some(plain)
}

fn fill(from: impl io::Read, size: usize, into: &mut Vec<u8>) -> io::Result<usize> {
    from.take(size as u64).read_to_end(into)
}
