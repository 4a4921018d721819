//! Races that happened, races that could, and that the search misses none.

mod answers;
mod engine;
mod races;
mod scripts;
