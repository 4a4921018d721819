//! Facts about the model, seen through its calls.

mod blocking;
mod canonical;
mod descriptors;
mod held;
mod inherited;
mod lifetime;
mod policies;
mod processes;
mod random;
mod readiness;
mod world;
