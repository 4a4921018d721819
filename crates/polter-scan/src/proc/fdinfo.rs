//! `/proc/PID/fdinfo/FD`: a descriptor's flags, and an instance's registrations.
//!
//! ```text
//!   flags:  02000002
//!   ino:    1038
//!   tfd:        5 events:       1f data:                5  pos:0 ino:d05df sdev:f
//! ```
//!
//! The rows stand in the order of the instance's tree: the n-th row of an fd is the one that
//! `kcmp(KCMP_EPOLL_TFD)` calls offset n. The text may come from a capture, and so from anybody:
//! lines and rows are bounded, and a row that cannot be read is counted.

use std::io::{self, BufRead};
use std::str::FromStr;

/// Rows kept of one instance at most.
pub const MAX_ROWS: usize = 1 << 20;

/// Bytes of a line that are looked at; the longest row Linux writes has 117.
const MAX_LINE: usize = 512;

/// An fd's flags, and the registrations if it is an instance.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FdInfo {
    /// Open flags, `O_CLOEXEC` among them.
    pub flags: u32,
    /// The file's inode number; since Linux 5.14.
    pub ino: Option<u64>,
    /// The registrations, in the order of the tree.
    pub rows: Vec<Row>,
    /// Rows that could be read, whether kept or not.
    pub seen: usize,
    /// Rows that could not be read, or were beyond [`MAX_ROWS`].
    pub left_out: u64,
}

/// A `tfd:` line: one registration. Linux: `ep_show_fdinfo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// The fd it was made under.
    pub tfd: i32,
    /// The events it waits for, with the bits Linux adds.
    pub events: u32,
    /// The data that the program gave with it.
    pub data: u64,
    /// The file's position (`f_pos`): 0 for most files that can be polled.
    pub pos: i64,
    /// The file's inode number; since Linux 4.15.
    pub ino: Option<u64>,
    /// The device of the file's inode, in the kernel's own numbering.
    pub sdev: Option<u32>,
}

impl FdInfo {
    /// True if the descriptor is closed on exec.
    pub fn is_cloexec(&self) -> bool {
        self.flags & libc::O_CLOEXEC as u32 != 0
    }

    /// Reads the text to its end.
    pub fn parse(text: impl BufRead) -> io::Result<FdInfo> {
        FdInfo::parse_only(text, |_| true)
    }

    /// The same, but keeps only the rows of the fds that are asked for.
    pub(crate) fn parse_only(
        mut text: impl BufRead,
        is_kept_fn: impl Fn(i32) -> bool,
    ) -> io::Result<FdInfo> {
        let mut info = FdInfo::default();
        let mut torn = Vec::with_capacity(MAX_LINE);
        loop {
            let bytes = match text.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                bytes => bytes?,
            };
            if bytes.is_empty() {
                break;
            }
            let mut rest = bytes;
            while let Some(end) = memchr::memchr(b'\n', rest) {
                let line = &rest[..end.min(MAX_LINE)];
                if torn.is_empty() {
                    info.take(line, &is_kept_fn);
                } else {
                    extend(&mut torn, line);
                    info.take(&torn, &is_kept_fn);
                    torn.clear();
                }
                rest = &rest[end + 1..];
            }
            extend(&mut torn, rest);
            let count = bytes.len();
            text.consume(count);
        }
        info.take(&torn, is_kept_fn);
        Ok(info)
    }

    fn take(&mut self, line: &[u8], is_kept_fn: impl Fn(i32) -> bool) {
        if let Some(row) = Row::quickly(line) {
            match is_kept_fn(row.tfd) {
                _ if self.seen == MAX_ROWS => self.left_out += 1,
                true => {
                    self.rows.push(row);
                    self.seen += 1;
                }
                false => self.seen += 1,
            }
        } else if line.starts_with(b"tfd:") {
            let fd = words(line).nth(1).and_then(decimal);
            let is_kept = fd.is_none_or(is_kept_fn);
            match is_kept.then(|| Row::parse(line)) {
                _ if self.seen == MAX_ROWS => self.left_out += 1,
                Some(None) => self.left_out += 1,
                Some(Some(row)) => {
                    self.rows.push(row);
                    self.seen += 1;
                }
                None => self.seen += 1,
            }
        } else if let Some(flags) = line.strip_prefix(b"flags:") {
            self.flags = text(flags).and_then(octal).unwrap_or(0);
        } else if let Some(ino) = line.strip_prefix(b"ino:") {
            self.ino = text(ino).and_then(|ino| ino.parse().ok());
        }
    }
}

impl Row {
    /// Reads one line; `None` if it is no registration.
    pub fn parse(line: impl AsRef<[u8]>) -> Option<Row> {
        let mut row = Row {
            tfd: -1,
            events: 0,
            data: 0,
            pos: 0,
            ino: None,
            sdev: None,
        };
        let mut words = words(line.as_ref());
        while let Some(key) = words.next() {
            let value = words.next()?;
            match key {
                b"tfd" => row.tfd = decimal(value)?,
                b"events" => row.events = hex(value)?.try_into().ok()?,
                b"data" => row.data = hex(value)?,
                b"pos" => row.pos = decimal(value)?,
                b"ino" => row.ino = Some(hex(value)?),
                b"sdev" => row.sdev = Some(hex(value)?.try_into().ok()?),
                // A later kernel may write more keys.
                _ => {}
            }
        }
        (row.tfd >= 0).then_some(row)
    }

    /// The same for a line exactly as Linux writes it today, several times as fast. A line that is
    /// `None` here may still be a row.
    fn quickly(line: &[u8]) -> Option<Row> {
        let mut rest = Rest(line);
        rest.pass(b"tfd:")?;
        rest.pass_spaces();
        let tfd = rest.decimal()?.try_into().ok()?;
        rest.pass(b" events:")?;
        rest.pass_spaces();
        let events = rest.hex()?.try_into().ok()?;
        rest.pass(b" data:")?;
        rest.pass_spaces();
        let data = rest.hex()?;
        rest.pass(b"  pos:")?;
        let pos = rest.decimal()?;
        rest.pass(b" ino:")?;
        let ino = Some(rest.hex()?);
        rest.pass(b" sdev:")?;
        let sdev = Some(rest.hex()?.try_into().ok()?);
        rest.0.is_empty().then_some(Row {
            tfd,
            events,
            data,
            pos,
            ino,
            sdev,
        })
    }

    /// True if both rows are of one registration, whatever its events are.
    ///
    /// Events change without the program: a one-shot's are cleared when it has fired.
    pub fn is_same_registration(&self, other: &Row) -> bool {
        let key = |row: &Row| (row.tfd, row.data, row.ino, row.sdev);
        key(self) == key(other)
    }
}

/// The part of a line that is not read yet.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn pass(&mut self, text: &[u8]) -> Option<()> {
        self.0 = self.0.strip_prefix(text)?;
        Some(())
    }

    fn pass_spaces(&mut self) {
        let spaces = self.0.iter().take_while(|byte| **byte == b' ').count();
        self.0 = &self.0[spaces..];
    }

    /// Takes a number of at most 18 digits.
    fn decimal(&mut self) -> Option<i64> {
        let is_digit = |byte: &&u8| byte.is_ascii_digit();
        let len = self.0.iter().take_while(is_digit).count();
        let (digits, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        let add = |number, byte: &u8| number * 10 + i64::from(byte - b'0');
        (1..=18).contains(&len).then(|| digits.iter().fold(0, add))
    }

    fn hex(&mut self) -> Option<u64> {
        let mut number = 0;
        let mut len = 0;
        while let Some(digit) = self.0.get(len).and_then(|byte| value_of(*byte)) {
            number = number << 4 | u64::from(digit);
            len += 1;
        }
        self.0 = &self.0[len..];
        (1..=16).contains(&len).then_some(number)
    }
}

/// The value of a hexadecimal digit.
fn value_of(byte: u8) -> Option<u8> {
    const NONE: u8 = u8::MAX;
    const VALUES: [u8; 256] = {
        let mut values = [NONE; 256];
        let mut value = 0;
        while value < 16 {
            values[b"0123456789abcdef"[value as usize] as usize] = value;
            values[b"0123456789ABCDEF"[value as usize] as usize] = value;
            value += 1;
        }
        values
    };
    Some(VALUES[usize::from(byte)]).filter(|value| *value != NONE)
}

/// Adds to a line, up to [`MAX_LINE`] bytes.
fn extend(line: &mut Vec<u8>, bytes: &[u8]) {
    let left = MAX_LINE - line.len();
    line.extend_from_slice(&bytes[..bytes.len().min(left)]);
}

/// The keys and values of a row, without the colons and spaces between them.
fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| matches!(byte, b':' | b' ' | b'\t' | b'\n'))
        .filter(|word| !word.is_empty())
}

fn text(bytes: &[u8]) -> Option<&str> {
    Some(std::str::from_utf8(bytes).ok()?.trim())
}

fn octal(text: &str) -> Option<u32> {
    u32::from_str_radix(text, 8).ok()
}

fn decimal<T: FromStr>(word: &[u8]) -> Option<T> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// Written out because rows have more of these than of anything else, and `from_str_radix` is
/// slower.
fn hex(word: &[u8]) -> Option<u64> {
    let digit = |byte: &u8| (*byte as char).to_digit(16);
    if word.len() > 16 {
        return None;
    }
    let add = |number, byte| Some(number << 4 | u64::from(digit(byte)?));
    word.iter().try_fold(0, add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "pos:\t0\nflags:\t02000002\nmnt_id:\t17\nino:\t1038\n\
        tfd:        5 events:       1f data:                5  pos:0 ino:d05df sdev:f\n\
        tfd:        7 events: 80000019 data:     7f0c00000007  pos:0 ino:40e sdev:10\n";

    #[test]
    fn an_instance_lists_its_registrations() {
        let info = check(TEXT.as_bytes(), 2, 0);
        assert!(info.is_cloexec());
        assert_eq!(info.ino, Some(1038));
        assert_eq!(
            info.rows[1],
            Row {
                tfd: 7,
                events: 0x8000_0019,
                data: 0x7f0c_0000_0007,
                pos: 0,
                ino: Some(0x40e),
                sdev: Some(0x10),
            }
        );
    }

    #[test]
    fn an_old_kernel_says_no_inode() {
        let info = check(b"tfd: 5 events: 1f data: 5\n", 1, 0);
        assert_eq!(info.rows[0].ino, None);
    }

    #[test]
    fn what_is_no_row_is_counted() {
        check(b"tfd:", 0, 1);
        check(b"tfd: -4 events: 1 data: 1\n", 0, 1);
        check(b"tfd: 99999999999 events: 1\n", 0, 1);
        check(b"tfd: 5 events: 1 data\n", 0, 1);
        check(b"tfd: \xff\xff\n", 0, 1);
        check(&[b'x'; 100_000], 0, 0);
        check(b"\0\0\n\n\n", 0, 0);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text: Vec<u8>) {
            let _ = FdInfo::parse(&text[..]);
        }

        #[test]
        fn rows_come_back(tfd in 0.., events: u32, data: u64, ino: u64, sdev: u32, pos: i64) {
            let row = Row { tfd, events, data, pos, ino: Some(ino), sdev: Some(sdev) };
            let line = format!(
                "tfd: {tfd:8} events: {events:8x} data: {data:16x}  pos:{pos} ino:{ino:x} sdev:{sdev:x}"
            );
            prop_assert_eq!(Row::parse(&line), Some(row));
            // A position is rarely below zero, or so great.
            let is_usual = (0..1_000_000_000_000_000_000).contains(&pos);
            prop_assert_eq!(Row::quickly(line.as_bytes()), is_usual.then_some(row));
        }

        #[test]
        fn what_is_read_quickly_is_read_so_slowly(
            row in "tfd: {1,3}[0-9]{1,20} events: {1,3}[0-9a-fA-F]{1,10} data: {1,3}[0-9a-f]{1,17}  \
                pos:-?[0-9]{1,20} ino:[0-9a-f]{0,17} sdev:[0-9a-f]{1,9}",
            at: prop::sample::Index,
            byte in "[-+ :\t0-9a-fx]",
        ) {
            let agree = |line: &str| {
                let quickly = Row::quickly(line.as_bytes());
                quickly.is_none() || quickly == Row::parse(line)
            };
            prop_assert!(agree(&row));
            let at = at.index(row.len());
            let changed = format!("{}{byte}{}", &row[..at], &row[at + 1..]);
            prop_assert!(agree(&changed), "{changed}");
        }
    }

    #[track_caller]
    fn check(text: &[u8], rows: usize, left_out: u64) -> FdInfo {
        let info = FdInfo::parse(text).unwrap();
        assert_eq!((info.rows.len(), info.left_out), (rows, left_out));
        info
    }
}
