//! Scripts, run on the model and on the running kernel, and compared.
//!
//! | module | holds |
//! |---|---|
//! | `script` | a program with its answers, read from strace's text |
//! | `backend` | where it runs: a model, or the kernel under us |
//! | `script_run` | a script on one backend, a step at a time |
//! | `run` | running it, and the first difference |
//! | `compare` | the model and the kernel in step, and how both stood where they differ |
//! | `random` | programs nobody wrote, on both at once |
//! | `suite`, `conformance` | every scenario, and whether it holds on this kernel |
#![forbid(unsafe_code)]

mod backend;
mod compare;
mod conformance;
pub mod random;
mod run;
mod script;
mod script_run;
mod suite;

pub use backend::{Backend, Model, Running};
pub use compare::{Comparison, Disagreement, Instance, Stopped, Unknown, Verdict, compare};
pub use conformance::{Conformance, Fact, Standing};
pub use run::{Difference, agree, fits, follow, run};
pub use script::{Action, Answer, Script, ScriptError, Step, Where};
pub use suite::Scenario;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
