//! The symbol tables of a file: which function an address is in.

use std::cmp::Reverse;
use std::sync::Arc;

use object::LittleEndian;
use object::elf::{STT_FUNC, STT_GNU_IFUNC, STT_NOTYPE, STT_OBJECT, Sym64};
use object::pod;

use crate::elf::Elf;
use crate::go;

/// The largest symbol table, and the largest table of its names.
const LARGEST: usize = 256 << 20;
/// How many symbols are tried that begin before an address, until one reaches over it.
const MOST_TRIED: usize = 16;

type Le = LittleEndian;

/// Finds the address of a variable by its name, in the table for linking or in the whole one.
pub(crate) fn variable(elf: &Elf, name: &str) -> Option<u64> {
    let find_fn = |table, names| {
        let (entries, names) = (
            elf.section(table, LARGEST)?.bytes,
            elf.section(names, LARGEST)?.bytes,
        );
        let whole = entries.len() - entries.len() % size_of::<Sym64<Le>>();
        let entries: &[Sym64<Le>] = pod::slice_from_all_bytes(&entries[..whole]).ok()?;
        let found = entries.iter().find(|symbol| {
            let is_it = symbol.st_info & 0xf == STT_OBJECT && symbol.st_shndx.get(Le {}) != 0;
            is_it && name_at(&names, symbol.st_name.get(Le {})) == name.as_bytes()
        });
        found.map(|symbol| symbol.st_value.get(Le {}))
    };
    find_fn(".dynsym", ".dynstr").or_else(|| find_fn(".symtab", ".strtab"))
}

/// The functions of a file, sorted by address.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    functions: Vec<Function>,
    names: Vec<Arc<[u8]>>,
}

#[derive(Debug, Clone, Copy)]
struct Function {
    start: u64,
    /// 0 if the file does not say: then it reaches to the next.
    size: u64,
    /// Which of the tables of names has its name, and where.
    table: u8,
    name: u32,
}

impl Symbols {
    /// Reads what the files have: their own symbols, and those for linking.
    pub(crate) fn of<'a>(files: impl IntoIterator<Item = &'a Elf>) -> Self {
        let mut symbols = Self::default();
        for elf in files {
            symbols.add(elf, ".symtab", ".strtab");
            symbols.add(elf, ".dynsym", ".dynstr");
            symbols.add_go(elf);
        }
        symbols.sort();
        symbols
    }

    fn add(&mut self, elf: &Elf, table: &str, names: &str) -> Option<()> {
        let entries = elf.section(table, LARGEST)?.bytes;
        let names = elf.section(names, LARGEST)?.bytes;
        let whole = entries.len() - entries.len() % size_of::<Sym64<Le>>();
        let at = u8::try_from(self.names.len()).ok()?;
        self.names.push(names);
        let entries: &[Sym64<Le>] = pod::slice_from_all_bytes(&entries[..whole]).ok()?;
        self.functions.extend(entries.iter().filter_map(|symbol| {
            let is_function = matches!(symbol.st_info & 0xf, STT_FUNC | STT_GNU_IFUNC);
            // What assemblers leave without a kind may be code, too.
            let is_maybe = symbol.st_info & 0xf == STT_NOTYPE;
            let start = symbol.st_value.get(Le {});
            let is_defined = symbol.st_shndx.get(Le {}) != 0 && start != 0;
            (is_defined && (is_function || is_maybe)).then(|| Function {
                start,
                size: symbol.st_size.get(Le {}),
                table: at,
                name: symbol.st_name.get(Le {}),
            })
        }));
        Some(())
    }

    /// Adds what a Go program says of itself, unless a table has it already.
    fn add_go(&mut self, elf: &Elf) -> Option<()> {
        if elf.section_address(".symtab").is_some() {
            return None;
        }
        let (rows, names) = go::functions(elf)?;
        let table = u8::try_from(self.names.len()).ok()?;
        self.names.push(names.into());
        self.functions.extend(rows.iter().map(|row| Function {
            start: row.start,
            size: row.size,
            table,
            name: row.name,
        }));
        Some(())
    }

    /// Sorts by address; of several names for one address the plainest is the last.
    fn sort(&mut self) {
        let mut functions = std::mem::take(&mut self.functions);
        functions.sort_by_cached_key(|it| {
            let name = self.name(it);
            let underscores = name.iter().take_while(|&&byte| byte == b'_').count();
            let is_mangled = name.starts_with(b"_Z") || name.starts_with(b"_R");
            (
                it.start,
                it.size != 0,
                Reverse(if is_mangled { 0 } else { underscores }),
                Reverse(name.len()),
            )
        });
        functions.retain(|it| !self.name(it).is_empty() && !self.name(it).starts_with(b"$"));
        self.functions = functions;
    }

    /// Finds the function that an address is in: its symbol, and how far into it the address is.
    pub(crate) fn find(&self, address: u64) -> Option<(&[u8], u64)> {
        let before = self.functions.partition_point(|it| it.start <= address);
        let tried = self.functions[..before].iter().rev().take(MOST_TRIED);
        let nearest = self.functions[..before].last()?.start;
        let found = tried.into_iter().find(|it| {
            let into = address - it.start;
            if it.size == 0 {
                it.start == nearest
            } else {
                into < it.size
            }
        })?;
        Some((self.name(found), address - found.start))
    }

    fn name(&self, function: &Function) -> &[u8] {
        name_at(&self.names[usize::from(function.table)], function.name)
    }
}

fn name_at(names: &[u8], at: u32) -> &[u8] {
    let rest = names.get(at as usize..).unwrap_or_default();
    rest.split(|&byte| byte == 0).next().unwrap_or_default()
}
