//! A mapped file: opened at once, read when the first frame is in it.

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::cfi::{Caller, Cfi};
use crate::demangle::demangle;
use crate::elf::Elf;
use crate::lines::{Lines, Place};
use crate::registers::Known;
use crate::stack::StackCopy;
use crate::symbols::{Symbols, variable};

/// Where distributions put what they take out of their programs.
const DEBUG_FILES: &str = "/usr/lib/debug/.build-id";

/// A file that a process has mapped, and what was read of it.
#[derive(Debug)]
pub(crate) struct Image {
    elf: Elf,
    /// The file of this machine that has what was taken out of this one.
    debug: OnceLock<Option<Elf>>,
    cfi: OnceLock<Cfi>,
    symbols: OnceLock<Symbols>,
    lines: Mutex<Option<Option<Lines>>>,
}

/// The functions at an address.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The function that the symbol tables name, and how far into it the address is.
    pub(crate) symbol: Option<(String, u64)>,
    /// What the lines say, the innermost first.
    pub(crate) places: Vec<Place>,
}

impl Image {
    /// Reads the headers; nothing if the file is no ELF file.
    pub(crate) fn of(file: File) -> Option<Self> {
        Some(Self {
            elf: Elf::of(file)?,
            debug: OnceLock::new(),
            cfi: OnceLock::new(),
            symbols: OnceLock::new(),
            lines: Mutex::new(None),
        })
    }

    /// Says where the file wants the code at an offset of it.
    pub(crate) fn address_of(&self, offset: u64) -> Option<u64> {
        self.elf.address_of(offset)
    }

    /// Steps from a frame to its caller; see [`Cfi::caller`].
    pub(crate) fn caller(
        &self,
        address: u64,
        registers: &Known,
        stack: &StackCopy,
    ) -> Option<Caller> {
        let cfi = self.cfi.get_or_init(|| Cfi::of(&self.elf));
        cfi.caller(address, registers, stack)
    }

    /// Finds the functions at an address.
    pub(crate) fn find(&self, address: u64) -> Found {
        let files_fn = || [Some(&self.elf), self.debug()].into_iter().flatten();
        let symbols = self.symbols.get_or_init(|| Symbols::of(files_fn()));
        let symbol = symbols.find(address);
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = lines.get_or_insert_with(|| files_fn().find_map(Lines::of));
        Found {
            symbol: symbol.map(|(name, offset)| (demangle(name), offset)),
            places: lines
                .as_ref()
                .map_or_else(Vec::new, |lines| lines.find(address)),
        }
    }

    /// Finds the address of a variable by its name.
    pub(crate) fn variable(&self, name: &str) -> Option<u64> {
        variable(&self.elf, name)
    }

    fn debug(&self) -> Option<&Elf> {
        let open_fn = || Elf::of(File::open(debug_path(&self.elf.build_id()?)?).ok()?);
        self.debug.get_or_init(open_fn).as_ref()
    }
}

fn debug_path(build_id: &[u8]) -> Option<PathBuf> {
    let (first, rest) = build_id.split_first()?;
    let rest: String = rest.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("{DEBUG_FILES}/{first:02x}/{rest}.debug").into())
}
