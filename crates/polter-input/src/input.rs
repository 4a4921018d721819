//! From bytes to lines for the judge.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use crate::encoding::Utf16;
use crate::family::Family;
use crate::margin::{self, WithoutMargin};
use crate::packing::{Damage, Packing};
use crate::refusal::Refusal;
use crate::{binary, lookalike};

/// How much is looked at before anything is decided.
const HEAD: usize = 1 << 16;
/// How often data may have been compressed.
const MAX_LAYERS: usize = 2;

/// A log, ready to be read.
pub struct Input {
    /// Its lines, as strace wrote them.
    pub lines: Box<dyn BufRead>,
    /// Set at the end if compressed data was not whole.
    pub damage: Damage,
    /// What it looks like, should none of its lines be strace's after all.
    pub looks: Refusal,
}

/// Why there is nothing to judge.
#[derive(Debug)]
pub enum InputError {
    /// It is no log.
    Refused(Refusal),
    /// It is compressed, and nothing of it could be unpacked.
    Damaged(String),
    /// There is nothing in it.
    Empty,
    /// It cannot be read.
    Read(io::Error),
}

impl From<io::Error> for InputError {
    fn from(error: io::Error) -> InputError {
        InputError::Read(error)
    }
}

impl Input {
    /// The merged log of a family.
    pub fn of_family(family: Family, damage: Damage) -> Input {
        Input {
            lines: Box::new(family),
            damage,
            looks: Refusal::new("text of another kind", "name the files of strace -ff alone"),
        }
    }

    /// Finds out what the bytes are, and how to read them.
    pub fn new(bytes: impl Read + 'static) -> Result<Input, InputError> {
        Input::with_damage(bytes, Damage::default())
    }

    /// The same; damage is told through what was given.
    pub fn with_damage(bytes: impl Read + 'static, damage: Damage) -> Result<Input, InputError> {
        let bytes = BufReader::with_capacity(HEAD, bytes);
        let (mut head, mut lines) = peek(Box::new(bytes))?;
        for _ in 0..MAX_LAYERS {
            let Some(packing) = Packing::of(&head) else {
                break;
            };
            (head, lines) = peek(packing.unpack(lines, &damage))?;
            if head.is_empty() {
                return Err(damage.get().map_or(InputError::Empty, InputError::Damaged));
            }
        }
        if let Some(order) = Utf16::of(&head) {
            (head, lines) = peek(order.decode(lines))?;
        } else if let Some(rest) = head.strip_prefix(b"\xef\xbb\xbf") {
            head = rest.to_vec();
            lines.consume(3);
        }
        if head.is_empty() {
            return Err(InputError::Empty);
        }
        if let Some(refusal) = binary::refuse(&head) {
            return Err(InputError::Refused(refusal));
        }
        let looks = lookalike::guess(&head);
        let margin = margin::find(&head);
        if !margin.is_empty() {
            (head, lines) = peek(Box::new(WithoutMargin::new(lines, margin)))?;
        }
        match lookalike::refuse(&head) {
            Some(refusal) => Err(InputError::Refused(refusal)),
            None => Ok(Input {
                lines,
                damage,
                looks,
            }),
        }
    }
}

/// Gives the beginning of a text, and the text as it was.
fn peek(mut text: Box<dyn BufRead>) -> io::Result<(Vec<u8>, Box<dyn BufRead>)> {
    let mut head = Vec::new();
    (&mut text).take(HEAD as u64).read_to_end(&mut head)?;
    let whole = Cursor::new(head.clone()).chain(text);
    Ok((head, Box::new(whole)))
}
