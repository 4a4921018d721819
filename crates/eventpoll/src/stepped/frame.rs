//! Where in its call a task is: a stack of frames, one a kernel function.
//!
//! A frame is a value: the function's locals, and the point it has come to.
//! A step runs the frame on top from one point to the next at which another
//! task can make a difference.

use super::close::{ClearAndPut, FinalPut};
use super::ctl::Ctl;
use super::locks::Lock;
use super::nesting::{Down, LoopCheck, Up};
use super::poll::{ItemPoll, NestedPoll};
use super::remove::{ReleaseFile, Remove};
use super::unhook::{RemoveFile, Unregister};
use super::wait::Wait;
use super::wake::Wake;
use super::{Finding, Stepped, Taken};
use crate::store::{FileId, QueueId};

/// More frames than any call within Linux's limits needs.
const STACK_FRAMES: usize = 48;

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
    /// The release of an instance takes all its epitems. Linux: `ep_clear_and_put`.
    ClearAndPut(ClearAndPut),
    /// The release of a watched file takes its epitems. Linux: `eventpoll_release_file`.
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

impl Stepped {
    /// The lock that the next step of a frame needs.
    pub(super) fn needs(&self, me: usize, frame: Frame) -> Option<Lock> {
        match frame {
            Frame::ClearAndPut(frame) => frame.needs(),
            Frame::ReleaseFile(frame) => self.needs_release_file(frame),
            Frame::Unregister(frame) => self.needs_unregister(frame),
            Frame::RemoveFile(frame) => self.needs_remove_file(frame),
            Frame::Wake(frame) => frame.needs(),
            Frame::Wait(frame) => self.needs_wait(frame),
            Frame::NestedPoll(frame) => frame.needs(),
            Frame::Ctl(frame) => self.needs_ctl(me, frame),
            Frame::Down(frame) => frame.needs(),
            _ => None,
        }
    }

    /// True if the next step of a frame belongs to the one before.
    pub(super) fn is_silent(&self, me: usize, frame: Frame) -> bool {
        match frame {
            Frame::Call | Frame::LoopCheck(_) => true,
            Frame::ClearAndPut(frame) => frame.is_silent(),
            Frame::Remove(frame) => frame.is_silent(),
            Frame::Wake(frame) => frame.is_silent(),
            Frame::Wait(frame) => frame.is_silent(),
            Frame::ItemPoll(frame) => self.is_silent_item_poll(me, frame),
            Frame::NestedPoll(frame) => frame.is_silent(),
            Frame::Ctl(frame) => self.is_silent_ctl(me, frame),
            Frame::Down(frame) => frame.is_silent(),
            _ => false,
        }
    }

    pub(super) fn run_top(&mut self, me: usize) -> Taken {
        let frame = self.runners[me].stack.pop().expect("a task in a call");
        match frame {
            Frame::Call => self.end_call(me),
            Frame::FilpClose(file) => self.run_filp_close(me, file),
            Frame::ExitFiles(from) => self.run_exit_files(me, from),
            Frame::ExitNotify { status, is_group } => self.run_exit_notify(me, status, is_group),
            Frame::FinalPut(frame) => self.run_final_put(me, frame),
            Frame::ClearAndPut(frame) => self.run_clear_and_put(me, frame),
            Frame::ReleaseFile(frame) => self.run_release_file(me, frame),
            Frame::Remove(frame) => self.run_remove(me, frame),
            Frame::Unregister(frame) => self.run_unregister(me, frame),
            Frame::RemoveFile(frame) => self.run_remove_file(me, frame),
            Frame::Wake(frame) => self.run_wake(me, frame),
            Frame::FreeQueue(queue) => self.run_free_queue(me, queue),
            Frame::Wait(frame) => self.run_wait(me, frame),
            Frame::ItemPoll(frame) => self.run_item_poll(me, frame),
            Frame::NestedPoll(frame) => self.run_nested_poll(me, frame),
            Frame::Ctl(frame) => self.run_ctl(me, frame),
            Frame::LoopCheck(frame) => self.run_loop_check(me, frame),
            Frame::Down(frame) => self.run_down(me, frame),
            Frame::Up(frame) => self.run_up(me, frame),
        }
    }

    pub(super) fn push(&mut self, me: usize, frame: Frame) -> Taken {
        let stack = &mut self.runners[me].stack;
        if stack.len() >= STACK_FRAMES {
            return Err(Finding::StackExhausted { task: me });
        }
        stack.push(frame);
        Ok(())
    }
}
