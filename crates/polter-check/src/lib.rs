//! Scripts, run on the model and on the running kernel, and compared.
//!
//! | module | holds |
//! |---|---|
//! | `script` | a program with its answers, read from strace's text |
//! | `backend` | where it runs: a model, or the kernel under us |
//! | `run` | running it, and the first difference |
//! | `random` | programs nobody wrote, on both at once |
#![forbid(unsafe_code)]

mod backend;
pub mod random;
mod run;
mod script;

pub use backend::{Backend, Model, Running};
pub use run::{Difference, agree, follow, run};
pub use script::{Action, Answer, Script, ScriptError, Step};
