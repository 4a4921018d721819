//! User stacks of a thread, unwound and named after the fact.
//!
//! A recorder copies the registers of a thread and some KiB of its stack ([`StackCopy`]); the process
//! runs on, or is gone. What it had mapped was read before ([`Modules`]):
//!
//! ```text
//!   /proc/PID/maps ─▶ maps ─┐
//!   its files ─▶ elf ───────┴─▶ Modules ──┐
//!                                         ├─▶ walk ─▶ name ─▶ Frame
//!   registers, stack ──▶ StackCopy ───────┘
//! ```
//!
//! | file | does |
//! |---|---|
//! | `stack`, `registers` | what was copied; what is known of a frame |
//! | `maps`, `process` | what a process has mapped; its files, opened |
//! | `elf`, `image` | sections of a file; all that is read of one, once |
//! | `cfi`, `unwind`, `arch` | a frame's caller; the walk; what differs between machines |
//! | `symbols`, `go`, `lines`, `demangle` | names, and lines |
//! | `perf_map` | names of code that was compiled just in time |
//! | `python`, `memory` | Python's own frames, by the memory of a process that lives |
//! | `modules`, `frame` | the whole; one frame, in the form of `strace -k` |
//!
//! Everything that is read belongs to the process, and may be hostile: each table has a limit, no
//! file is mapped, no text reaches a line unescaped.
#![forbid(unsafe_code)]

mod arch;
mod cfi;
mod demangle;
mod elf;
mod frame;
mod go;
mod image;
mod lines;
mod maps;
mod memory;
mod modules;
mod perf_map;
mod process;
mod python;
mod registers;
mod stack;
mod symbols;
mod unwind;

pub use frame::Frame;
pub use modules::Modules;
pub use stack::{Registers, StackCopy};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
