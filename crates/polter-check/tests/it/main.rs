//! The scenarios: on the model under every policy, and on the running kernel;
//! the rules they show; and how a script waits.

mod refresh;
mod scenarios;
mod semantics;
mod waiting;
