//! A call's arguments, read one after another as what they should be.

use eventpoll::{Fd, Pid};

use crate::args::{Arg, ArgIter, Args};
use crate::error::{ErrorKind, ParseError};
use crate::names::Names;
use crate::result::Returned;
use crate::value::Value;

/// Why a call could not be read.
#[derive(Debug)]
pub(super) enum Fault {
    /// The arguments end before this one; the column is where they end.
    Missing(usize),
    /// Something else stands there.
    Bad(ParseError),
    /// The model does not have it.
    Unmodelled,
    /// The model has the call, and not with this argument; the column is the argument's.
    Argument(usize, &'static str),
}

/// Of a pointer that strace prints as such.
pub(super) const ADDRESS: &str = "what is at an address is not known";

/// The arguments not yet read, and the result.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    args: ArgIter<'a>,
    end: usize,
    returned: Option<&'a Returned<'a>>,
}

/// An argument's value with its place.
#[derive(Debug)]
pub(super) struct Field<'a> {
    pub(super) value: Value<'a>,
    arg: Arg<'a>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(args: Args<'a>, returned: Option<&'a Returned<'a>>) -> Self {
        Self {
            args: args.iter(),
            end: args.column + args.raw.len(),
            returned,
        }
    }

    /// Reads the next argument as any value.
    pub(super) fn next(&mut self) -> Result<Field<'a>, Fault> {
        let arg = self.args.next().ok_or(Fault::Missing(self.end))?;
        let value = arg.value().map_err(Fault::Bad)?;
        Ok(Field { value, arg })
    }

    /// Reads the next argument, if there is one, as any value.
    pub(super) fn next_if(&mut self) -> Result<Option<Field<'a>>, Fault> {
        match self.next() {
            Ok(field) => Ok(Some(field)),
            Err(Fault::Missing(_)) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Steps over an argument that the model does not look at.
    pub(super) fn skip(&mut self) -> Result<(), Fault> {
        self.args.next().map(drop).ok_or(Fault::Missing(self.end))
    }

    pub(super) fn i32(&mut self) -> Result<i32, Fault> {
        self.next()?.i32()
    }

    pub(super) fn u32(&mut self) -> Result<u32, Fault> {
        Ok(self.next()?.i32()?.cast_unsigned())
    }

    pub(super) fn u64(&mut self) -> Result<u64, Fault> {
        self.next()?.u64()
    }

    pub(super) fn fd(&mut self) -> Result<Fd, Fault> {
        self.next()?.fd()
    }

    pub(super) fn pid(&mut self) -> Result<Pid, Fault> {
        self.i32().map(Pid)
    }

    /// Reads flags or one named value.
    pub(super) fn named(&mut self, names: &Names) -> Result<u64, Fault> {
        self.next()?.named(names)
    }

    pub(super) fn named_u32(&mut self, names: &Names) -> Result<u32, Fault> {
        self.next()?.named_u32(names)
    }

    pub(super) fn named_i32(&mut self, names: &Names) -> Result<i32, Fault> {
        Ok(self.named_u32(names)?.cast_signed())
    }

    /// What the call returned, if it has and did not fail.
    pub(super) fn success(&self) -> Option<i64> {
        self.returned
            .filter(|it| !it.is_error())
            .and_then(Returned::number)
    }

    /// The error's name, if it failed.
    pub(super) fn errno(&self) -> Option<&'a str> {
        self.returned.and_then(|it| it.errno)
    }

    /// What stands in parentheses after the result.
    pub(super) fn returned_text(&self) -> Option<&'a [u8]> {
        self.returned.and_then(|it| it.text)
    }
}

impl<'a> Field<'a> {
    /// Its name, where strace prints one.
    pub(super) fn name(&self) -> Option<&'a str> {
        self.arg.name
    }

    /// Says what of this argument the model does not have.
    pub(super) fn unmodelled(&self, what: &'static str) -> Fault {
        Fault::Argument(self.arg.column, what)
    }

    /// Names what should have stood here.
    pub(super) fn expected(&self, what: &'static str) -> Fault {
        Fault::Bad(self.arg.expected(what))
    }

    /// Reads a number of 32 bits; of a longer one, as `-e raw` prints negative numbers,
    /// the kernel looks at the low half only.
    pub(super) fn i32(&self) -> Result<i32, Fault> {
        match self.value.number() {
            Some(number) if number >= i128::from(i32::MIN) => Ok(number as i32),
            _ => Err(self.expected("a number")),
        }
    }

    pub(super) fn u64(&self) -> Result<u64, Fault> {
        let number = self
            .value
            .number()
            .ok_or_else(|| self.expected("a number"))?;
        let signed = i64::try_from(number).map(i64::cast_unsigned);
        u64::try_from(number)
            .or(signed)
            .map_err(|_| self.expected("a number"))
    }

    pub(super) fn fd(&self) -> Result<Fd, Fault> {
        let fd = self.value.bare();
        match fd {
            Value::Name("AT_FDCWD") => Ok(Fd(-100)),
            _ => self.i32().map(Fd).map_err(|_| self.expected("an fd")),
        }
    }

    pub(super) fn named(&self, names: &Names) -> Result<u64, Fault> {
        named(&self.value, names).map_err(|what| self.expected(what))
    }

    pub(super) fn named_u32(&self, names: &Names) -> Result<u32, Fault> {
        Ok(self.named(names)? as u32)
    }
}

/// Reads numbers and names joined by `|`.
pub(super) fn named(value: &Value<'_>, names: &Names) -> Result<u64, &'static str> {
    let unknown = "a name known here, or a number";
    match value.bare() {
        Value::Number(number) => Ok(*number as u64),
        Value::Name(name) => names.value(name).ok_or(unknown),
        Value::Flags(parts) => parts
            .iter()
            .try_fold(0, |bits, part| Ok(bits | named(part, names)?)),
        _ => Err("flags"),
    }
}

/// An error at a structure's place, for a field that is missing or wrong.
pub(super) fn field<'v, 'a>(
    of: &Field<'a>,
    value: &'v Value<'a>,
    name: &str,
    index: usize,
) -> Result<&'v Value<'a>, Fault> {
    // Versions before 5 print structures without names.
    let unnamed = || match value.bare() {
        Value::Struct(fields) => fields
            .get(index)
            .filter(|field| field.name.is_none())
            .map(|field| &field.value),
        _ => None,
    };
    value.field(name).or_else(unnamed).ok_or_else(|| {
        Fault::Bad(ParseError::new(
            ErrorKind::Expected("a structure with all its fields"),
            of.arg.column,
        ))
    })
}
