//! `/tmp/perf-PID.map`: what a just-in-time compiler says of its code.
//!
//! node writes it with `--perf-basic-prof`, Python with `-X perf`, JVMs with an agent. It grows, and an
//! address may be used again: the last line that covers it holds.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

/// How much is read of a map.
const LARGEST: usize = 64 << 20;
/// How many functions are tried that begin before an address.
const MOST_TRIED: usize = 64;

/// The file, and what was read of it so far.
#[derive(Debug)]
pub(crate) struct PerfMap {
    file: File,
    text: Vec<u8>,
    /// How much of the text was taken apart.
    done: usize,
    /// Sorted by address, and by their order in the file.
    functions: Vec<Function>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Function {
    start: u64,
    /// Where its name begins in the text: a later line's is larger.
    name: usize,
    size: u64,
}

impl PerfMap {
    pub(crate) fn of(file: File) -> Self {
        Self {
            file,
            text: Vec::new(),
            done: 0,
            functions: Vec::new(),
        }
    }

    /// Finds the function at an address: its name, and how far into it the address is. Reads on
    /// if the file has grown.
    pub(crate) fn find(&mut self, address: u64) -> Option<(&[u8], u64)> {
        self.read_on();
        let before = self.functions.partition_point(|it| it.start <= address);
        let tried = self.functions[..before].iter().rev().take(MOST_TRIED);
        let found = tried
            .filter(|it| address - it.start < it.size)
            .max_by_key(|it| it.name)?;
        let name = self.text[found.name..]
            .split(|&byte| byte == b'\n')
            .next()?;
        Some((name, address - found.start))
    }

    fn read_on(&mut self) {
        let mut part = [0; 16 << 10];
        let before = self.text.len();
        while self.text.len() < LARGEST {
            let at = self.text.len() as u64;
            let Ok(count @ 1..) = self.file.read_at(&mut part, at) else {
                break;
            };
            self.text.extend_from_slice(&part[..count]);
        }
        if self.text.len() > before {
            self.take_apart();
        }
    }

    /// Takes the whole lines apart that are new.
    fn take_apart(&mut self) {
        while let Some(length) = self.text[self.done..]
            .iter()
            .position(|&byte| byte == b'\n')
        {
            let line = &self.text[self.done..self.done + length];
            if let Some((start, size, name)) = parse(line) {
                let name = self.done + name;
                self.functions.push(Function { start, name, size });
            }
            self.done += length + 1;
        }
        self.functions.sort_unstable();
    }
}

/// Reads `START SIZE NAME`; the name is told by where it begins.
fn parse(line: &[u8]) -> Option<(u64, u64, usize)> {
    let mut words = line.splitn(3, |&byte| byte == b' ');
    let mut hex_fn = || {
        let digits = str::from_utf8(words.next()?).ok()?;
        u64::from_str_radix(digits.strip_prefix("0x").unwrap_or(digits), 16).ok()
    };
    let (start, size) = (hex_fn()?, hex_fn()?);
    let name = words.next().filter(|name| !name.is_empty())?;
    Some((start, size, line.len() - name.len()))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn the_last_line_that_covers_an_address_holds() {
        check("1000 10 old\n1000 8 new\n", 0x1004, "new+4");
        check("1000 10 old\n1000 8 new\n", 0x100c, "old+c");
        check(
            "1000 10 LazyCompile:~f /a b.js:1\n",
            0x1000,
            "LazyCompile:~f /a b.js:1+0",
        );
    }

    #[test]
    fn what_is_no_line_is_left_out() {
        check(
            "x\n1000\n1000 10\n1000 10 \n\n0x1000 0x10 f\n1000 20 torn",
            0x100f,
            "f+f",
        );
        check("1000 10 f\n", 0x1010, "nothing");
        check("fffffffffffffff0 ffffffffffffffff f\n", u64::MAX, "f+f");
    }

    #[test]
    fn a_map_grows() {
        let mut file = tempfile::tempfile().unwrap();
        let mut map = PerfMap::of(file.try_clone().unwrap());
        file.write_all(b"1000 10 f\n2000 1").unwrap();
        assert_eq!(shown(&mut map, 0x2000), "nothing");
        file.write_all(b"0 g\n").unwrap();
        assert_eq!(shown(&mut map, 0x2000), "g+0");
        assert_eq!(shown(&mut map, 0x1001), "f+1");
    }

    #[track_caller]
    fn check(text: &str, address: u64, expected: &str) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        assert_eq!(shown(&mut PerfMap::of(file), address), expected);
    }

    fn shown(map: &mut PerfMap, address: u64) -> String {
        map.find(address)
            .map_or("nothing".to_owned(), |(name, offset)| {
                format!("{}+{offset:x}", String::from_utf8_lossy(name))
            })
    }
}
