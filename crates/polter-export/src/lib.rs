//! Serves what scans find as OpenMetrics, for Prometheus and whoever reads its format.
//!
//! ```text
//!   Scanner, again and again ─▶ Sample ─▶ Metrics ─▶ GET /metrics
//! ```
//! | module | holds |
//! |---|---|
//! | `sample` | a scan, counted: findings by class and by the program they are in |
//! | `series` | how many time series there may be, and what becomes of the others |
//! | `metrics` | the metrics by their names |
//! | `server` | the addresses, and a graceful end |
//!
//! Labels never hold a pid or an fd: each scan would make new series. They hold a program's name, its unit, container and
//! pod, and of those only so many as were allowed.
#![forbid(unsafe_code)]

mod metrics;
mod sample;
mod series;
mod server;

pub use metrics::Metrics;
pub use sample::Sample;
pub use server::{Health, Stop, Stopped, serve};
