//! How a report is written.

use clap::ValueEnum;

/// How a report is written that can also be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DrawnFormat {
    /// For people
    Text,
    /// For programs: one object a report, each on its own line
    Json,
    /// One HTML file, for a browser; it needs no network
    Html,
}

/// How a report is written that many machines may send to one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListedFormat {
    /// For people
    Text,
    /// For programs: one object a report
    Json,
    /// For many machines: one object a finding, each on its own line, and a last one
    Jsonl,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs: one object a log, each on its own line
    Json,
}
