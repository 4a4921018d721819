//! What a log comes in: compressed, in another encoding, quoted, in a file per process.
//!
//! ```text
//!   bytes ─▶ unpacked ─▶ UTF-8 ─▶ is it strace's? ─▶ its margin taken away ─▶ lines for the judge
//! ```
//! | module | holds |
//! |---|---|
//! | `input` | the way above |
//! | `packing`, `encoding` | gzip, xz, zstd; UTF-16 |
//! | `binary`, `lookalike`, `refusal` | what it is if it is no log, and what to do |
//! | `margin` | what stands before each line of a log that was pasted somewhere |
//! | `family`, `member`, `halves` | the files of `strace -ff`, merged into one log |
//!
//! Nothing here opens a file or knows its name: bytes come from outside.
#![forbid(unsafe_code)]

mod binary;
mod encoding;
mod family;
mod halves;
mod input;
mod lookalike;
mod margin;
mod member;
mod packing;
mod refusal;

pub use family::Family;
pub use input::{Input, InputError};
pub use member::{FamilyError, Opener};
pub use packing::{Damage, Packing};
pub use refusal::Refusal;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
