//! How epitems are found: by key, by instance, and in the order in which they became ready.
//!
//! Linux has a red-black tree and linked lists through `struct epitem` for this. Here it is whatever is fast in
//! arenas, behind functions, so that control, scan and removal read like the kernel's.

mod keys;
mod ready;
mod ready_list;

/// The ready list, an epitem's place on it.
pub(crate) use ready_list::{Place, ReadyList};
