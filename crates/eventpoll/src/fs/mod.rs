//! Files: descriptor tables, open file descriptions, and what can be done to them; their kinds are below.

mod descriptors;
mod fd_table;
mod fdinfo;
mod file;
mod io;
pub(crate) mod kinds;

pub(crate) use fd_table::{FdTable, Slot};
/// fd to open file description, one table for each `files_struct`.
pub use fd_table::{Holder, NR_OPEN};
/// Open file descriptions: references, kind, release.
pub use file::Opaque;
pub(crate) use file::{Access, File, FileKind, PidfdOf, PipeEnd};
/// Calls that move bytes and may sleep.
pub(crate) use io::{ReadCall, WriteCall};
