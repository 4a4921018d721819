//! The shortest programs that tell two policies apart.
//!
//! Every program is run in all worlds at once, the shortest first, and each state of the worlds
//! only once. The first call that two worlds answer differently makes the program a *witness*
//! of the two; as all shorter ones were there before, it is a shortest.
//!
//! ```
//! use eventpoll::Policy;
//! use polter_witness::{Options, Vocabulary, hunt};
//!
//! let vocabulary = Vocabulary::named("plain").unwrap();
//! let report = hunt(&[Policy::LAST_FPUT, Policy::OWNER], &vocabulary, &Options::default());
//! let pair = &report.pairs[0];
//! assert_eq!(pair.calls, Some(5));
//! assert_eq!(pair.witnesses[0].idiom, "one file? (kcmp)");
//! ```
//!
//! | module | holds |
//! |---|---|
//! | `act`, `vocabulary` | one call, four bytes; which calls make sense in a state |
//! | `worlds`, `question` | one program in several worlds; which calls ask the policy |
//! | `search`, `expand`, `options`, `graph` | level by level, by several threads; its bounds; states and the calls between them |
//! | `count`, `paths` | how many programs the states stand for; the shortest ones to a state |
//! | `program`, `shape` | a program by names; which programs are one |
//! | `story`, `sentence` | what a witness shows, seen in its worlds; and in words |
//! | `report`, `script`, `part` | pair by pair; as strace's text; as data, in parts |
//! | `kernel` | a policy against the running kernel |
//! | `stateless` | the same in the plainest way, to compare with |
#![forbid(unsafe_code)]

mod act;
mod count;
mod expand;
mod graph;
mod kernel;
mod options;
mod part;
mod paths;
mod program;
mod question;
mod report;
mod script;
mod search;
mod sentence;
mod shape;
mod stateless;
mod story;
mod vocabulary;
mod worlds;

pub use act::{Act, Verb};
pub use kernel::{Disagreement, Trial, try_kernel};
pub use options::{Covered, Effort, Options, Shard};
pub use part::{MergeError, PairPart, Part, Question, WitnessPart, merge};
pub use program::{Performed, run_program};
pub use report::{Pair, Report, Witness, hunt};
pub use script::script;
pub use stateless::{Stateless, stateless};
pub use story::{Cause, Change, KeptBy, Last, Story, tell};
pub use vocabulary::Vocabulary;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
