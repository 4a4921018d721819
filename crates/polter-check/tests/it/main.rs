//! The scenarios: on the model under every policy, and on the running kernel; random programs on both.

mod random;
mod refresh;
mod scenarios;
