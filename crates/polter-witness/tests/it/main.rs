//! Facts about the search, and about what it finds.

mod docs;
mod kernel;
mod matrix;
mod parts;
mod search;
