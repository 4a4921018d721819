//! A model checker's store: states as numbers of shared components, and steps looked up instead of taken.
//!
//! | module | holds |
//! |---|---|
//! | `explorer` | one thread's walk through stored states |
//! | `components` | each component that some state has, once |
//! | `transitions` | what a step did, known wherever it does the same |
//! | `state` | a stored state and the steps from it |
//! | `fingerprint` | the hash that recognises components and states |
//! | `slots` | memory for large tables that are read at random |

mod components;
mod explorer;
mod fingerprint;
mod slots;
mod state;
mod transitions;

pub use components::ComponentStore;
pub use explorer::{Explorer, StepResult};
pub use fingerprint::fingerprint;
pub(crate) use slots::Slots;
pub use state::State;
pub use transitions::TransitionCache;
