//! The whole crate against real logs and arbitrary bytes.

mod arbitrary;
mod samples;
