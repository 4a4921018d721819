//! The scenarios: on the model under every policy, and on the running kernel;
//! the rules they show; how a script waits; random programs on both.

mod asked;
mod random;
mod refresh;
mod scenarios;
mod semantics;
mod waiting;
mod written;
