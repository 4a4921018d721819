//! The real binary, on small logs.

mod asks;
mod check;
mod ci;
mod demo;
mod docs;
mod examples;
mod exit_codes;
mod exorcise;
mod families;
mod forms;
mod haunted;
mod hostile;
mod input;
mod lab;
mod no_logs;
mod not_known;
mod output;
mod pages;
mod polter;
mod race;
mod readme;
mod run;
mod sarif;
mod scan;
mod watch;
mod why;
