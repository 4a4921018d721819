//! Numbers that C libraries give other types, or that an architecture lacks: the one place that knows.

#![allow(
    clippy::unnecessary_cast,
    reason = "a cast for one C library is none for another"
)]

pub(crate) use calls::*;

/// `RLIMIT_NOFILE`.
pub(crate) const RLIMIT_NOFILE: u64 = libc::RLIMIT_NOFILE as u64;
/// `FIONBIO`.
pub(crate) const FIONBIO: u64 = libc::FIONBIO as u64;
/// `FIOCLEX`.
pub(crate) const FIOCLEX: u64 = libc::FIOCLEX as u64;
/// `FIONCLEX`.
pub(crate) const FIONCLEX: u64 = libc::FIONCLEX as u64;
/// `FIONREAD`.
pub(crate) const FIONREAD: u64 = libc::FIONREAD as u64;

/// The calls that newer architectures have under newer names only.
#[cfg(target_arch = "x86_64")]
mod calls {
    pub(crate) use libc::{
        SYS_dup2, SYS_epoll_create, SYS_epoll_wait, SYS_fork, SYS_poll, SYS_vfork,
    };
}

/// Numbers of no call: nothing is run on these architectures (`worker::IS_THERE`).
#[cfg(not(target_arch = "x86_64"))]
#[allow(non_upper_case_globals, reason = "the names are libc's")]
mod calls {
    pub(crate) const SYS_dup2: libc::c_long = -1;
    pub(crate) const SYS_epoll_create: libc::c_long = -1;
    pub(crate) const SYS_epoll_wait: libc::c_long = -1;
    pub(crate) const SYS_fork: libc::c_long = -1;
    pub(crate) const SYS_poll: libc::c_long = -1;
    pub(crate) const SYS_vfork: libc::c_long = -1;
}
