//! What a search is asked, how far it came, and what it cost.

use crate::act::Verb;

/// How a search goes.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many calls the longest programs have.
    pub calls: usize,
    /// Goes on to the last level though every pair has its shortest program.
    pub is_thorough: bool,
    /// Calls whose answers are looked at; all, if there are none.
    pub observed: Vec<Verb>,
    /// So many threads share the work.
    pub threads: usize,
    /// Ends with what was covered when there are more states.
    pub max_states: usize,
    /// Ends with what was covered when about so many bytes are in use.
    pub max_bytes: usize,
    /// A part of the whole.
    pub shard: Option<Shard>,
    /// Worlds that are alike share a kernel; off, to check that it makes no difference.
    pub is_shared: bool,
}

/// One of several parts of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Which, from 1 on.
    pub number: usize,
    /// How many parts there are.
    pub of: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            calls: 6,
            is_thorough: false,
            observed: Vec::new(),
            threads: 1,
            max_states: usize::MAX,
            max_bytes: usize::MAX,
            shard: None,
            is_shared: true,
        }
    }
}

/// How far a search came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Covered {
    /// Every program of up to so many calls.
    pub calls: usize,
    /// Of the next longer ones, those that begin in so many of the states.
    pub expanded: usize,
    /// The states of that level, from which the next longer programs go on.
    pub of: usize,
}

/// What a level cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Effort {
    /// States that were met for the first time.
    pub states: u64,
    /// Calls that were made in them.
    pub calls: u64,
    /// Kernels that were copied and called for them.
    pub kernels: u64,
}
