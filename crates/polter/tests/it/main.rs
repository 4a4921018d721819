//! The real binary, on small logs.

mod asks;
mod check;
mod demo;
mod exit_codes;
mod exorcise;
mod haunted;
mod hostile;
mod input;
mod lab;
mod output;
mod pages;
mod polter;
mod run;
mod scan;
