//! Lines out of a byte stream, each of bounded length.

use std::io::{self, BufRead};

use memchr::memchr;

/// The longest line a [`LineReader`] gives, unless told otherwise: 1 MiB.
pub const DEFAULT_MAX_LEN: usize = 1 << 20;

/// Reads lines, of which none can take more memory than the limit.
///
/// A line that lies whole in the reader's own buffer is not copied.
#[derive(Debug)]
pub struct LineReader<R> {
    reader: R,
    max_len: usize,
    number: u64,
    /// Bytes of the reader's buffer that the line given last still needs.
    unconsumed: usize,
    /// A line that spans buffers.
    joined: Vec<u8>,
}

/// A line with its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberedLine<'a> {
    /// The line's number, from 1.
    pub number: u64,
    /// The line without its newline; empty if it was too long.
    pub text: &'a [u8],
    /// True if a newline ended it: false for a last line cut short.
    pub is_terminated: bool,
    /// True if the line was longer than the limit, and skipped.
    pub is_too_long: bool,
}

/// Where the next line lies, and how it ends.
struct Found {
    is_joined: bool,
    len: usize,
    is_terminated: bool,
    is_too_long: bool,
}

impl<R: BufRead> LineReader<R> {
    /// Reads from `reader`, which nobody else may read from in between.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            max_len: DEFAULT_MAX_LEN,
            number: 0,
            unconsumed: 0,
            joined: Vec::new(),
        }
    }

    /// Sets the longest line to give, in bytes.
    #[must_use]
    pub fn max_len(mut self, max_len: usize) -> Self {
        self.max_len = max_len;
        self
    }

    /// Reads the next line; at the end of the stream, nothing.
    pub fn next_line(&mut self) -> io::Result<Option<NumberedLine<'_>>> {
        self.reader.consume(self.unconsumed);
        self.unconsumed = 0;
        let Some(found) = self.find_line()? else {
            return Ok(None);
        };
        self.number += 1;
        let text = if found.is_too_long {
            b""
        } else if found.is_joined {
            &self.joined[..]
        } else {
            // The same buffer as before: nothing was consumed since.
            &self.reader.fill_buf()?[..found.len]
        };
        Ok(Some(NumberedLine {
            number: self.number,
            text,
            is_terminated: found.is_terminated,
            is_too_long: found.is_too_long,
        }))
    }

    fn find_line(&mut self) -> io::Result<Option<Found>> {
        let buffer = fill(&mut self.reader)?;
        if buffer.is_empty() {
            return Ok(None);
        }
        if let Some(len) = memchr(b'\n', buffer) {
            self.unconsumed = len + 1;
            return Ok(Some(Found {
                is_joined: false,
                len,
                is_terminated: true,
                is_too_long: len > self.max_len,
            }));
        }
        self.join_line().map(Some)
    }

    /// Gathers a line that the buffer does not hold whole.
    fn join_line(&mut self) -> io::Result<Found> {
        self.joined.clear();
        let mut is_too_long = false;
        let is_terminated = loop {
            let buffer = fill(&mut self.reader)?;
            let newline = memchr(b'\n', buffer);
            let part = &buffer[..newline.unwrap_or(buffer.len())];
            is_too_long |= part.len() > self.max_len - self.joined.len();
            if !is_too_long {
                // Doubles as a vector does, but not beyond the limit.
                let needed = self.joined.len() + part.len();
                if needed > self.joined.capacity() {
                    let target = needed.saturating_mul(2).min(self.max_len);
                    self.joined.reserve_exact(target - self.joined.len());
                }
                self.joined.extend_from_slice(part);
            }
            let is_end = buffer.is_empty();
            let used = part.len() + usize::from(newline.is_some());
            self.reader.consume(used);
            if newline.is_some() || is_end {
                break newline.is_some();
            }
        };
        Ok(Found {
            is_joined: true,
            len: self.joined.len(),
            is_terminated,
            is_too_long,
        })
    }
}

/// Fills the buffer, however often a signal interrupts.
fn fill<R: BufRead>(reader: &mut R) -> io::Result<&[u8]> {
    loop {
        match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(_) => break,
        }
    }
    reader.fill_buf()
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    #[test]
    fn lines_are_numbered() {
        check("a\n\nbc\n", 9, "1:a 2: 3:bc");
    }

    #[test]
    fn the_last_line_may_lack_its_newline() {
        check("a\nbc", 9, "1:a 2:bc(cut)");
        check("", 9, "");
    }

    #[test]
    fn long_lines_are_skipped_to_their_end() {
        check("abcd\nabcde\nx\n", 4, "1:abcd 2:(long) 3:x");
        check("abcde", 4, "1:(cut)(long)");
        check("abcdefghijklmnop\nx\n", 4, "1:(long) 2:x");
    }

    #[test]
    fn memory_stays_below_the_limit() {
        let endless = io::Read::take(io::repeat(b'x'), 10 << 20);
        let mut lines = LineReader::new(BufReader::new(endless)).max_len(1000);
        assert!(lines.next_line().unwrap().unwrap().is_too_long);
        assert!(lines.next_line().unwrap().is_none());
        assert!(lines.joined.capacity() <= 1000);
    }

    /// Reads the text through buffers of every small size, with the same result.
    #[track_caller]
    fn check(text: &str, max_len: usize, expected: &str) {
        for capacity in 1..20 {
            let reader = BufReader::with_capacity(capacity, text.as_bytes());
            let mut lines = LineReader::new(reader).max_len(max_len);
            let mut words = Vec::new();
            while let Some(line) = lines.next_line().unwrap() {
                let text = str::from_utf8(line.text).unwrap();
                let cut = if line.is_terminated { "" } else { "(cut)" };
                let long = if line.is_too_long { "(long)" } else { "" };
                words.push(format!("{}:{text}{cut}{long}", line.number));
            }
            assert_eq!(words.join(" "), expected, "{text} by {capacity}");
        }
    }
}
