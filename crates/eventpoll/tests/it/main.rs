//! Facts about the model, seen through its calls.

mod policies;
mod random;
