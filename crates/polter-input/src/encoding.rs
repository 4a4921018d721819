//! Logs in UTF-16, as some editors and shells write them: made UTF-8.

use std::io::{self, BufRead, BufReader, Read};

/// The order of a character's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Utf16 {
    Little,
    Big,
}

impl Utf16 {
    /// Tells by the mark at the beginning, or by zeros that stand beside ASCII.
    pub(crate) fn of(head: &[u8]) -> Option<Utf16> {
        match head {
            [0xff, 0xfe, ..] => return Some(Utf16::Little),
            [0xfe, 0xff, ..] => return Some(Utf16::Big),
            _ => {}
        }
        let sample = &head[..head.len().min(1024)];
        let pairs = sample.chunks_exact(2);
        let count = pairs.len();
        let is_ascii = |byte: u8| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t');
        let little = (pairs.clone()).filter(|pair| is_ascii(pair[0]) && pair[1] == 0);
        let big = pairs
            .clone()
            .filter(|pair| pair[0] == 0 && is_ascii(pair[1]));
        let is_most = |some: usize| count >= 8 && some * 10 > count * 9;
        if is_most(little.count()) {
            Some(Utf16::Little)
        } else {
            is_most(big.count()).then_some(Utf16::Big)
        }
    }

    /// Reads it as UTF-8.
    pub(crate) fn decode(self, units: impl BufRead + 'static) -> Box<dyn BufRead> {
        Box::new(BufReader::with_capacity(
            1 << 16,
            Decoder {
                order: self,
                units,
                high: None,
                ready: Vec::new(),
                at: 0,
            },
        ))
    }
}

/// Makes UTF-8 of UTF-16; what is neither becomes a replacement character.
struct Decoder<R> {
    order: Utf16,
    units: R,
    /// The first half of a pair, whose second half is still to come.
    high: Option<u16>,
    ready: Vec<u8>,
    at: usize,
}

impl<R: BufRead> Read for Decoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.ready.len() {
            if !self.refill()? {
                return Ok(0);
            }
        }
        let len = buffer.len().min(self.ready.len() - self.at);
        buffer[..len].copy_from_slice(&self.ready[self.at..self.at + len]);
        self.at += len;
        Ok(len)
    }
}

impl<R: BufRead> Decoder<R> {
    /// Decodes a few units; false at the end.
    fn refill(&mut self) -> io::Result<bool> {
        let mut bytes = Vec::new();
        // A single byte at the very end is no unit.
        (&mut self.units).take(8192).read_to_end(&mut bytes)?;
        if bytes.len() < 2 {
            return Ok(false);
        }
        let units = bytes.chunks_exact(2).map(|pair| match self.order {
            Utf16::Little => u16::from_le_bytes([pair[0], pair[1]]),
            Utf16::Big => u16::from_be_bytes([pair[0], pair[1]]),
        });
        let mut units: Vec<u16> = self.high.take().into_iter().chain(units).collect();
        if units
            .last()
            .is_some_and(|last| (0xd800..0xdc00).contains(last))
        {
            self.high = units.pop();
        }
        let text: String = char::decode_utf16(units)
            .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER))
            .filter(|character| *character != '\u{feff}')
            .collect();
        self.ready = text.into_bytes();
        self.at = 0;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_orders_are_read_with_and_without_a_mark() {
        let text = "100 write(3, \"\u{1f47b}\", 4) = 4\r\n".repeat(3000);
        for order in [Utf16::Little, Utf16::Big] {
            check(&text, order, true);
            check(&text, order, false);
        }
    }

    #[test]
    fn ascii_is_not_taken_for_it() {
        assert_eq!(Utf16::of(b"100 epoll_create1(0) = 3\n"), None);
        assert_eq!(Utf16::of(&[0; 100]), None);
    }

    #[track_caller]
    fn check(text: &str, order: Utf16, has_mark: bool) {
        let mark = has_mark.then_some(0xfeff);
        let bytes: Vec<u8> = mark
            .into_iter()
            .chain(text.encode_utf16())
            .flat_map(|unit: u16| match order {
                Utf16::Little => unit.to_le_bytes(),
                Utf16::Big => unit.to_be_bytes(),
            })
            .collect();
        assert_eq!(Utf16::of(&bytes), Some(order));
        let mut decoded = String::new();
        let mut reader = order.decode(io::Cursor::new(bytes));
        reader.read_to_string(&mut decoded).unwrap();
        assert_eq!(decoded, text);
    }
}
