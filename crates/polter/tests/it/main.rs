//! The real binary, on small logs.

mod check;
mod demo;
mod exit_codes;
mod exorcise;
mod haunted;
mod hostile;
mod input;
mod output;
mod pages;
mod polter;
mod race;
mod run;
mod scan;
