//! The real binary, on small logs.

mod check;
mod demo;
mod exit_codes;
mod input;
mod output;
mod pages;
mod polter;
mod race;
mod run;
mod scan;
