//! The descent that reads values, at most [`MAX_DEPTH`] deep.

use crate::decoration::Decoration;
use crate::error::{ErrorKind, ParseError};
use crate::scan::{Mark, Scanner, comment_end, decoration_end, is_name_byte, name_of, string_end};
use crate::text::Text;
use crate::value::{Change, Field, MAX_DEPTH, Value};

/// A cursor over one value's text.
pub(crate) struct ValueParser<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Value<'a> {
    /// Reads a whole text as one value. Columns count from the text's start.
    pub fn parse(text: &'a [u8]) -> Result<Self, ParseError> {
        ValueParser::new(text).whole()
    }
}

impl<'a> ValueParser<'a> {
    pub(crate) fn new(text: &'a [u8]) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
        }
    }

    pub(crate) fn whole(mut self) -> Result<Value<'a>, ParseError> {
        let value = self.element(false)?;
        self.blanks();
        match self.next() {
            None => Ok(value),
            Some(b')' | b']' | b'}') => Err(self.error(ErrorKind::Unbalanced)),
            Some(_) => Err(self.error(ErrorKind::Trailing)),
        }
    }

    /// Reads one element with all that may follow it: a comment, `=> out`.
    ///
    /// If what was understood does not reach the next comma or bracket, the element is
    /// an expression of a kind not known here, and stays text.
    fn element(&mut self, is_set: bool) -> Result<Value<'a>, ParseError> {
        self.blanks();
        let start = self.at;
        let value = if self.starts_with(b"=> ") {
            None
        } else {
            self.expression()?
        };
        let is_apart = self.blanks() > 0;
        if self.starts_with(b"=> ") {
            self.at += 2;
            let after = self.nested(|it| it.element(false))?;
            return Ok(Value::Change(Box::new(Change {
                before: value,
                after,
            })));
        }
        let is_ended = match self.next() {
            None | Some(b',' | b')' | b']' | b'}') => true,
            Some(byte) => {
                is_set && (is_apart || self.text[self.at - 1] == b' ') && is_name_byte(byte)
            }
        };
        match value {
            Some(value) if is_ended => Ok(value),
            _ => self.other(start),
        }
    }

    /// Reads a value, or several joined by `|`; what it cannot read is `None`.
    fn expression(&mut self) -> Result<Option<Value<'a>>, ParseError> {
        let Some(first) = self.operand()? else {
            return Ok(None);
        };
        if self.next() != Some(b'|') {
            return Ok(Some(first));
        }
        let mut parts = vec![first];
        while self.next() == Some(b'|') {
            self.at += 1;
            match self.operand()? {
                Some(part) if is_flag(&part) => parts.push(part),
                _ => return Ok(None),
            }
        }
        Ok(Some(Value::Flags(parts)))
    }

    /// Reads a value and the comment after it.
    fn operand(&mut self) -> Result<Option<Value<'a>>, ParseError> {
        let Some(value) = self.primary()? else {
            return Ok(None);
        };
        if !self.starts_with(b" /*") {
            return Ok(Some(value));
        }
        let end = comment_end(self.text, self.at + 1).map_err(|_| self.truncated())?;
        let comment = self.text[self.at + 3..end - 2].trim_ascii();
        self.at = end;
        Ok(Some(Value::Commented(Box::new(value), comment)))
    }

    fn primary(&mut self) -> Result<Option<Value<'a>>, ParseError> {
        let Some(byte) = self.next() else {
            return Ok(None);
        };
        match byte {
            b'[' => self.list(b']').map(|elements| Some(Value::Array(elements))),
            b'{' => self.fields().map(|fields| Some(Value::Struct(fields))),
            b'~' if self.text.get(self.at + 1) == Some(&b'[') => {
                self.at += 1;
                self.list(b']')
                    .map(|elements| Some(Value::Complement(elements)))
            }
            b'"' | b'@' => self.string(),
            b'.' if self.starts_with(b"...") => {
                self.at += 3;
                Ok(Some(Value::Elided))
            }
            b'?' => {
                self.at += 1;
                Ok(Some(Value::Name("?")))
            }
            b'-' => self.word(),
            byte if is_name_byte(byte) => self.word(),
            _ => Ok(None),
        }
    }

    /// Reads a number, a name or a function, and the decoration after it.
    fn word(&mut self) -> Result<Option<Value<'a>>, ParseError> {
        let start = self.at;
        self.at += usize::from(self.next() == Some(b'-'));
        while self.next().is_some_and(is_name_byte) {
            self.at += 1;
        }
        let word = &self.text[start..self.at];
        let value = if word[0].is_ascii_digit() || word[0] == b'-' {
            match read_number(word) {
                Some(number) => Value::Number(number),
                None => return Ok(None),
            }
        } else {
            let Ok(name) = str::from_utf8(word) else {
                return Ok(None);
            };
            if self.next() == Some(b'(') {
                return self
                    .list(b')')
                    .map(|args| Some(Value::Function(name, args)));
            }
            Value::Name(name)
        };
        if self.next() != Some(b'<') || self.text.get(self.at + 1) == Some(&b'<') {
            return Ok(Some(value));
        }
        let end = decoration_end(self.text, self.at).map_err(|_| self.truncated())?;
        let mut decoration = Decoration::parse(&self.text[self.at + 1..end - 1]);
        self.at = end;
        if self.starts_with(b"(deleted)") {
            decoration.is_deleted = true;
            self.at += b"(deleted)".len();
        }
        Ok(Some(Value::Decorated(Box::new(value), decoration)))
    }

    fn string(&mut self) -> Result<Option<Value<'a>>, ParseError> {
        let start = self.at;
        let quote = start + usize::from(self.next() == Some(b'@'));
        if self.text.get(quote) != Some(&b'"') {
            return Ok(None);
        }
        self.at = string_end(self.text, quote).map_err(|_| self.truncated())?;
        if self.starts_with(b"...") {
            self.at += 3;
        }
        Ok(Text::from_source(&self.text[start..self.at]).map(Value::Text))
    }

    /// Reads what stands between brackets, the cursor on the opening one.
    fn list(&mut self, close: u8) -> Result<Vec<Value<'a>>, ParseError> {
        let mut elements = Vec::new();
        self.bracketed(close, |it| {
            elements.push(it.element(close == b']')?);
            Ok(())
        })?;
        Ok(elements)
    }

    fn fields(&mut self) -> Result<Vec<Field<'a>>, ParseError> {
        let mut fields = Vec::new();
        self.bracketed(b'}', |it| {
            let name = it.field_name();
            let value = it.element(false)?;
            fields.push(Field { name, value });
            Ok(())
        })?;
        Ok(fields)
    }

    fn field_name(&mut self) -> Option<&'a str> {
        let name = name_of(&self.text[self.at..])?;
        self.at += name.len() + 1;
        Some(name)
    }

    fn bracketed(
        &mut self,
        close: u8,
        mut element_fn: impl FnMut(&mut Self) -> Result<(), ParseError>,
    ) -> Result<(), ParseError> {
        self.at += 1;
        self.nested(|it| {
            loop {
                it.blanks();
                match it.next() {
                    None => return Err(it.truncated()),
                    Some(byte) if byte == close => {
                        it.at += 1;
                        return Ok(());
                    }
                    Some(b')' | b']' | b'}') => return Err(it.error(ErrorKind::Unbalanced)),
                    Some(b',') => it.at += 1,
                    Some(_) => element_fn(it)?,
                }
            }
        })
    }

    fn nested<T>(
        &mut self,
        inner_fn: impl FnOnce(&mut Self) -> Result<T, ParseError>,
    ) -> Result<T, ParseError> {
        if self.depth == MAX_DEPTH {
            return Err(ParseError::new(ErrorKind::TooDeep, self.at));
        }
        self.depth += 1;
        let result = inner_fn(self);
        self.depth -= 1;
        result
    }

    /// Takes everything up to the next comma or closing bracket as text.
    fn other(&mut self, start: usize) -> Result<Value<'a>, ParseError> {
        let mut scanner = Scanner::new(self.text, start);
        let mut depth = 0_usize;
        self.at = loop {
            match scanner.next_mark().map_err(|_| self.truncated())? {
                None if depth > 0 => return Err(self.truncated()),
                None => break self.text.len(),
                Some((_, Mark::Open)) => depth += 1,
                Some((at, Mark::Close(_) | Mark::Comma)) if depth == 0 => break at,
                Some((_, Mark::Close(_))) => depth -= 1,
                Some((_, Mark::Comma)) => {}
            }
        };
        Ok(Value::Other(self.text[start..self.at].trim_ascii()))
    }

    fn next(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn starts_with(&self, what: &[u8]) -> bool {
        self.text[self.at..].starts_with(what)
    }

    fn blanks(&mut self) -> usize {
        let start = self.at;
        while self.next() == Some(b' ') {
            self.at += 1;
        }
        self.at - start
    }

    fn error(&self, kind: ErrorKind) -> ParseError {
        ParseError::new(kind, self.at + 1)
    }

    fn truncated(&self) -> ParseError {
        ParseError::new(ErrorKind::Truncated, self.text.len() + 1)
    }
}

fn is_flag(value: &Value<'_>) -> bool {
    matches!(value.bare(), Value::Number(_) | Value::Name(_))
}

/// Reads a decimal, hexadecimal or octal number of at most 64 bits.
fn read_number(word: &[u8]) -> Option<i128> {
    let (is_negative, digits) = match word.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, word),
    };
    let (radix, digits) = match digits {
        [b'0', b'x', hex @ ..] => (16, hex),
        [b'0', octal @ ..] if !octal.is_empty() => (8, octal),
        decimal => (10, decimal),
    };
    if digits.is_empty() {
        return None;
    }
    let value = digits.iter().try_fold(0_u64, |value, &digit| {
        let digit = (digit as char).to_digit(radix)?;
        value
            .checked_mul(u64::from(radix))?
            .checked_add(u64::from(digit))
    })?;
    Some(if is_negative {
        -i128::from(value)
    } else {
        i128::from(value)
    })
}
