//! Loads BPF programs into the running kernel: compiled beforehand, fitted to the kernel's own types.
//!
//! ```text
//!   object ─▶ KernelTypes ─▶ FittedObject ─┬─▶ map
//!                                          └─▶ Program ─┬─▶ iterator   runs when it is read
//!                                                       └─▶ attach     runs at each event
//! ```
//!
//! | file | does |
//! |---|---|
//! | `btf` | an excerpt of the kernel's types |
//! | `object` | makes maps, and fits and loads programs |
//! | `sys` | `bpf(2)` |
//! | `refusal` | why the kernel does not do it |
//!
//! The loader probes nothing and reads no type that it does not need: a scan must begin at once.

mod btf;
mod object;
mod refusal;
mod sys;

/// The kernel's types, as far as an object uses them.
pub use btf::KernelTypes;
/// An object fitted to the kernel, and its programs.
pub use object::{FittedObject, Link, Program};
/// Why the kernel does not do it.
pub use refusal::{Refusal, not_taken};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
