//! Calls that only older architectures have: x86-64 asks them as they are written, a newer one
//! asks the newer call that answers the same.
//!
//! | call | asked on aarch64 as | not asked there |
//! |---|---|---|
//! | `dup2` | `dup3` | onto the same fd, which `dup3` refuses |
//! | `epoll_create` | `epoll_create1` | with a size below one, which `epoll_create1` is not given |
//! | `epoll_wait` | `epoll_pwait` without a mask | – |
//! | `poll` | `ppoll` without a mask | – |
//! | `fork`, `vfork` | `clone` | – |
//!
//! `clone` itself takes its last two arguments the other way round.

#[cfg_attr(target_arch = "x86_64", path = "older.rs")]
#[cfg_attr(not(target_arch = "x86_64"), path = "newer.rs")]
mod calls;
