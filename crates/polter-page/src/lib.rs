//! Draws findings: a page that works from disk, without a network.
//!
//! | module | what it does |
//! |---|---|
//! | `model` | the plain values that are drawn |
//! | `shown` | text from outside, made safe and short; numbers |
//! | `html` | the document and its parts, and what the page may run |
//! | `timeline` | lanes, bars and marks over a log: drawn once, and given to the script as data |
//! | `perfetto` | the same as a trace for ui.perfetto.dev |
//! | `graph` | who keeps what: a layered layout, and its drawing |
//!
//! Nothing here opens a file, knows epoll, or reads a log.
#![forbid(unsafe_code)]

mod graph;
mod html;
mod model;
mod perfetto;
mod shown;
mod timeline;

pub use model::{
    Bar, BarKind, Card, Cell, Columns, ColumnsRow, Excerpt, Filter, Gap, Graph, GraphFd, GraphFile,
    GraphInstance, GraphRegistration, GraphTable, Lane, Link, Matrix, Page, PolicyRow, Series,
    SeriesKind, Step, Target, Timeline, Tone,
};
pub use perfetto::{Trace, TraceGroup, TraceInstant, TraceSlice, TraceTrack};
pub use shown::{clean, counted, number};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
