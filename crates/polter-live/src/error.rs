//! What can go wrong with the execution itself; what a call answers is no error.

use eventpoll::Pid;
use std::io;

/// Why a call could not be executed, or its outcome not be known.
#[derive(Debug, thiserror::Error)]
pub enum ExecutorError {
    /// The kernel refused something the executor needs for itself.
    #[error("cannot {doing}: {source}")]
    System {
        /// What was to be done.
        doing: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The worker, which every task runs, is not written for this architecture.
    #[error(
        "scripts are run on x86-64 and aarch64 only, not on {}",
        std::env::consts::ARCH
    )]
    OtherArchitecture,
    /// The kernel's pages are larger than the model's and the region's.
    #[error("scripts are run on kernels with pages of 4096 bytes, and this one's have {0}")]
    OtherPageSize(u64),
    /// No task has ever had this number.
    #[error("there is no task {0}")]
    NoSuchTask(Pid),
    /// The task has not come back from its last call.
    #[error("task {0} is still in a call")]
    InACall(Pid),
    /// A call that makes a task came without the script's number for it.
    #[error("task {0} makes a task, and no number is given for it")]
    NoNumber(Pid),
    /// The script's number for a new task is a living task's.
    #[error("there is a task {0} already")]
    NumberTaken(Pid),
    /// A world has room for 64 living tasks.
    #[error("too many tasks")]
    TooManyTasks,
    /// The running kernel has no such thing, or it is not for scripts.
    #[error("not available on the running kernel: {0}")]
    NotAvailable(&'static str),
    /// The kernel answered with an error that the vocabulary has no name for.
    #[error("task {pid} was answered error {number}, which has no name here")]
    UnknownErrno {
        /// The caller.
        pid: Pid,
        /// The error, positive.
        number: i64,
    },
    /// A call or its consequences took longer than the time limit.
    #[error("task {pid} is neither done nor asleep in its call {call}: {doing}")]
    TooSlow {
        /// The task that was waited for.
        pid: Pid,
        /// The call it is in, or none.
        call: String,
        /// What `/proc` says it does.
        doing: String,
    },
    /// The process that all tasks descend from has ended.
    #[error("the keeper of the tasks is gone")]
    KeeperGone,
}

/// Names what failed.
pub(crate) fn failed(doing: &'static str) -> impl FnOnce(io::Error) -> ExecutorError {
    move |source| ExecutorError::System { doing, source }
}
