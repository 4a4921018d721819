//! The kinds of file: what each one's readiness is, and which change of it wakes whom.

mod custom;
mod device;
mod eventfd;
mod pidfd;
mod pipe;
mod ring;
mod signalfd;
mod timerfd;
mod unix;

pub use custom::CustomFile;
pub(crate) use device::{Buffer, Device};
pub(crate) use eventfd::Eventfd;
pub(crate) use pipe::{Pipe, PipeWrite};
pub(crate) use timerfd::Timerfd;
pub(crate) use unix::{RecvCall, SendCall, Socket};
