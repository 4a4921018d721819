//! The arguments of a call, and what of them a value must hold.

use crate::args::{Arg, Args};
use crate::error::ParseError;
use crate::names::Names;
use crate::value::Value;

/// Why two arguments that several calls have are refused.
pub(super) const SET_SIZE: &str = "another size of a set of signals than 8 is not modelled";
pub(super) const ADDRESS: &str = "an address of a socket is not modelled";

/// What is lost of an argument, counted from 0.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) index: usize,
    pub(super) why: &'static str,
}

/// Nothing is lost, or something.
pub(super) type Whole = Result<(), Lost>;

/// The arguments of a call; those that are not there yet are not asked about.
#[derive(Debug)]
pub(super) struct Kept<'a> {
    args: Vec<(Arg<'a>, Value<'a>)>,
    end: usize,
}

impl<'a> Kept<'a> {
    pub(super) fn new(args: Args<'a>) -> Result<Kept<'a>, ParseError> {
        let read = args.iter().map(|arg| Ok((arg, arg.value()?)));
        Ok(Kept {
            args: read.collect::<Result<_, _>>()?,
            end: args.column + args.raw.len(),
        })
    }

    pub(super) fn column(&self, index: usize) -> usize {
        self.args.get(index).map_or(self.end, |(arg, _)| arg.column)
    }

    pub(super) fn len(&self) -> usize {
        self.args.len()
    }

    pub(super) fn at(&self, index: usize) -> Option<&Value<'a>> {
        self.args.get(index).map(|(_, value)| value)
    }

    /// The arguments with their names, where strace prints them.
    pub(super) fn named(&self) -> impl Iterator<Item = (usize, Option<&'a str>, &Value<'a>)> {
        let all = self.args.iter().enumerate();
        all.map(|(index, (arg, value))| (index, arg.name, value))
    }

    /// There are no more than so many.
    pub(super) fn end(&self, count: usize) -> Whole {
        self.when(self.len() <= count, count, "there is an argument too many")
    }

    /// Something holds for an argument, if it is there.
    pub(super) fn must(
        &self,
        index: usize,
        holds_fn: impl FnOnce(&Value<'a>) -> bool,
        why: &'static str,
    ) -> Whole {
        let holds = self.at(index).is_none_or(holds_fn);
        self.when(holds, index, why)
    }

    pub(super) fn when(&self, holds: bool, index: usize, why: &'static str) -> Whole {
        if holds {
            Ok(())
        } else {
            Err(Lost { index, why })
        }
    }

    /// It is this number.
    pub(super) fn is(&self, index: usize, number: i128, why: &'static str) -> Whole {
        self.must(index, |value| value.number() == Some(number), why)
    }

    /// It is no address.
    pub(super) fn nothing(&self, index: usize, why: &'static str) -> Whole {
        self.must(index, Value::is_null, why)
    }

    /// The kernel writes there, and can.
    pub(super) fn room(&self, index: usize) -> Whole {
        self.must(
            index,
            is_room,
            "a buffer that cannot be written is not modelled",
        )
    }

    /// The kernel writes there, if the program wants it to.
    pub(super) fn room_or_null(&self, index: usize) -> Whole {
        let is_fit = |value: &Value<'_>| value.is_null() || is_room(value);
        self.must(
            index,
            is_fit,
            "a buffer that cannot be written is not modelled",
        )
    }

    /// Its bytes are printed, or some of them.
    pub(super) fn text(&self, index: usize) -> Whole {
        let is_text = |value: &Value<'_>| matches!(value, Value::Text(_));
        self.must(index, is_text, "what is at an address is not known")
    }

    /// A structure has these fields and no others.
    pub(super) fn fields(&self, index: usize, known: &[&str]) -> Whole {
        let is_known = |value: &Value<'_>| has_only(value, known);
        self.must(index, is_known, "a field of this structure is not modelled")
    }
}

/// A structure's fields are all among these; an array's structures', too.
pub(super) fn has_only(value: &Value<'_>, known: &[&str]) -> bool {
    match value.bare() {
        Value::Struct(fields) => fields.iter().all(|field| match field.name {
            Some(name) => known.contains(&name),
            // Versions before 5 print none.
            None => true,
        }),
        Value::Array(elements) => elements.iter().all(|element| has_only(element, known)),
        _ => true,
    }
}

/// The bits of names and numbers joined by `|`; none if it is something else.
pub(super) fn bits(value: &Value<'_>, names: &Names) -> Option<u64> {
    super::super::fields::named(value, names).ok()
}

/// What the kernel wrote, or an address where a program can have memory.
fn is_room(value: &Value<'_>) -> bool {
    /// No program may map below this. Linux: `vm.mmap_min_addr`.
    const LOWEST: i128 = 0x10000;
    !value.is_null() && value.number().is_none_or(|address| address >= LOWEST)
}
