//! The programs in the kernel, and what they write into the ring.
//!
//! | file | holds |
//! |---|---|
//! | `record.bpf.c` | the programs; compiled into the object beside it |
//! | `calls` | which calls are recorded, and what is read of each |
//! | `load` | loads and attaches the programs |
//! | `raw` | a record of the ring, as it is laid out |

mod calls;
mod load;
mod raw;

/// How a call's arguments are written.
pub(crate) use calls::{Spelling, Words, spelling_of};
pub(crate) use load::Programs;
/// The programs, attached.
pub use load::Scope;
/// What a record says.
pub(crate) use raw::{
    About, Body, Call, Frame, Head, Record, Registered, What, int, is_close, long,
};
