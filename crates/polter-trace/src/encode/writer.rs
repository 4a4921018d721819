//! A call's arguments, taking shape.

use std::fmt::{Display, Write as _};

/// A call's name and arguments, split where strace waits for the kernel.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) name: &'static str,
    /// What is known on entry, with the comma before what is not.
    pub(super) entry: String,
    /// What is known on exit.
    pub(super) rest: String,
    is_cut: bool,
}

impl Writer {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            entry: String::new(),
            rest: String::new(),
            is_cut: false,
        }
    }

    /// Adds an argument.
    pub(super) fn arg(mut self, arg: impl Display) -> Self {
        let text = if self.is_cut {
            &mut self.rest
        } else {
            &mut self.entry
        };
        // `cut` has written the comma before the first argument after it.
        if !text.is_empty() {
            text.push_str(", ");
        }
        // Writing to a String cannot fail.
        let _ = write!(text, "{arg}");
        self
    }

    /// Marks that the kernel is entered here: what follows is known on exit only.
    pub(super) fn cut(mut self) -> Self {
        self.is_cut = true;
        if !self.entry.is_empty() {
            self.entry.push_str(", ");
        }
        self
    }

    /// Adds text that strace prints on exit, comma and all.
    pub(super) fn tail(mut self, text: impl Display) -> Self {
        self.is_cut = true;
        // Writing to a String cannot fail.
        let _ = write!(self.rest, "{text}");
        self
    }
}
