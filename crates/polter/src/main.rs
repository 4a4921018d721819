//! Finds, explains and judges what epoll leaves behind.
#![forbid(unsafe_code)]

fn main() {}
