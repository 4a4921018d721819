//! The shortest programs that tell two policies apart.
#![forbid(unsafe_code)]
#![allow(dead_code, missing_docs, reason = "wip")]

mod act;
mod count;
mod graph;
mod paths;
mod program;
mod question;
mod report;
mod script;
mod search;
mod sentence;
mod shape;
mod story;
mod vocabulary;
mod worlds;

pub use act::{Act, Verb};
pub use program::{Played, play};
pub use report::{Pair, Report, Witness, hunt};
pub use script::script;
pub use story::{Cause, Change, Keeper, Last, Story, tell};
pub use search::{Covered, Effort, Options, Shard};
pub use vocabulary::Vocabulary;

