//! Writes records as strace would write them: `PID TIME call(arguments) = result`.
//!
//! | file | does |
//! |---|---|
//! | `writer` | the lines: whole calls, halves of calls, births, ends, signals, losses |
//! | `arguments` | the arguments of a call |
//! | `decoration` | what an fd names: `5<pipe:[77]>` |
//! | `words` | flags and errors by name |

mod arguments;
mod decoration;
mod words;
mod writer;

#[cfg(test)]
mod tests;

/// Writes records as lines.
pub(crate) use writer::Writer;
