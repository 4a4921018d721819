//! Where in its call a task is: a stack of frames, one a kernel function.
//!
//! A frame is a value: the function's locals, and the point it has come to.
//! A step runs the frame on top from one point to the next at which another
//! task can make a difference.

use super::close::{ClearAndPut, FinalPut};
use super::ctl::Ctl;
use super::nesting::{Down, LoopCheck, Up};
use super::remove::{ReleaseFile, Remove, RemoveFile, Unregister};
use super::scan::{ItemPoll, NestedPoll, Wait};
use super::wake::Wake;
use crate::store::{FileId, QueueId};

/// One function of a task's stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Frame {
    /// The system call itself: at the bottom, and done when it is on top again.
    Call,
    /// Linux: `filp_close`, after the slot is cleared.
    FilpClose(FileId),
    /// Linux: `exit_files`: the numbers from here on.
    ExitFiles(i32),
    /// Linux: `exit_notify`, and what else an exit does.
    ExitNotify { status: i32, is_group: bool },
    /// Linux: `__fput`.
    FinalPut(FinalPut),
    /// Path B.
    ClearAndPut(ClearAndPut),
    /// Path C.
    ReleaseFile(ReleaseFile),
    /// Path A, and what B does with each epitem.
    Remove(Remove),
    /// Linux: `ep_unregister_pollwait`.
    Unregister(Unregister),
    /// Linux: `ep_remove_file`.
    RemoveFile(RemoveFile),
    /// Linux: `__wake_up`.
    Wake(Wake),
    /// The memory around a signalfd queue goes.
    FreeQueue(QueueId),
    /// Linux: `ep_poll`.
    Wait(Wait),
    /// Linux: `ep_item_poll`.
    ItemPoll(ItemPoll),
    /// Linux: `__ep_eventpoll_poll`.
    NestedPoll(NestedPoll),
    /// Linux: `do_epoll_ctl`.
    Ctl(Ctl),
    /// Linux: `ep_loop_check`.
    LoopCheck(LoopCheck),
    /// Linux: `ep_loop_check_proc`.
    Down(Down),
    /// Linux: `ep_get_upwards_depth_proc`.
    Up(Up),
}
