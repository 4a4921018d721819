//! From a [`Snapshot`](crate::Snapshot) to a [`Report`](crate::Report): finds what a healthy
//! program does not have.
//!
//! ```text
//!   fd names its file in …     every table   plain
//!                              some tables   if an elder cannot name it: likely its ghost by the
//!                                            evidence, else foreign-entry
//!                              no table      a ghost; its class says who keeps the file
//! ```
//!
//! A snapshot does not say who made a registration: a forked child inherits the instance *and* the
//! files. So each finding says in whose table, how sure it is, and why.

mod case;
mod ghosts;
mod report;
mod sharing;
