//! Facts about the model, seen through its calls.

mod blocking;
mod canonical;
mod lifetime;
mod policies;
mod random;
mod readiness;
mod world;
