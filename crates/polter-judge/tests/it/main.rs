//! The judge held against logs: of real programs, of small faulty ones, of
//! scripts, and of nothing that ever ran.
//!
//! | module | logs |
//! |---|---|
//! | `haunted` | the programs of `crates/haunted`, recorded now |
//! | `fixtures` | excerpts of real servers' logs, analysed by hand |
//! | `scenarios` | the scripts of `scenarios/`, which are logs too |
//! | `classes`, `near_misses` | a few lines each: a fault, and what only looks like it |
//! | `order` | two processes' calls that could come the other way round, and that could not |
//! | `reported` | small programs after public reports, and their near misses |
//! | `following` | a few lines each: what makes a log hard to follow |
//! | `followed` | a log read again: what lived when around a finding |
//! | `gaps`, `before` | what a log does not show, and what was there before it |
//! | `live` | the same logs while they grow: the findings are the same, each once |
//! | `hostile` | damaged, huge and contradictory ones |

mod before;
mod classes;
mod fixtures;
mod followed;
mod following;
mod gaps;
mod haunted;
mod hostile;
mod live;
mod near_misses;
mod order;
mod reported;
mod scenarios;
mod told;
