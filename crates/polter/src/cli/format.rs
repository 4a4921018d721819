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

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs: one object a log, each on its own line
    Json,
}
