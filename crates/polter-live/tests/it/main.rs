//! The executor against the running kernel: what Linux does, it must show.

mod blocking;
mod cleanup;
mod epoll;
mod faults;
mod files;
mod lifetime;
mod processes;
mod ready;
mod world;
