//! The whole crate against real logs and arbitrary bytes.

mod arbitrary;
mod decode;
mod round_trip;
mod samples;
