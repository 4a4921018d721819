//! A live screen of the processes that use epoll.
//!
//! ```text
//!   scans, the kernel's counts ─▶ Sample ─▶ State ─▶ draw
//!                                            ▲
//!                                     keys ──┘
//! ```
//! | room | holds |
//! |---|---|
//! | `kernel` | counts wake-ups and CPU time by eBPF |
//! | `sample` | a thread that looks again and again, and what it has seen, as rows |
//! | `screen` | which part of it is shown, what keys do, and how it is drawn |
//!
//! `screen::State` is a plain value: it is told of keys and samples, and knows no terminal.
#![forbid(unsafe_code)]

#[cfg(feature = "bpf")]
mod kernel;
mod sample;
mod screen;

pub use screen::{Options, run};
