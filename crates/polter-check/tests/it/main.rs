//! The scenarios: on the model under every policy, and on the running kernel.

mod refresh;
mod scenarios;
