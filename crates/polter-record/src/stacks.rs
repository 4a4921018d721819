//! The stacks that lead to a ghost, named.
//!
//! What a process has mapped is read when it makes its first instance: it may be gone by the time its stack is read. A
//! forked child has what its parent had.

use std::collections::VecDeque;
use std::rc::Rc;

use polter_stack::{Modules, Registers, StackCopy};
use rustc_hash::FxHashMap;

use crate::kernel::Frame;

/// Processes whose mapped files are kept open.
const MAX_PROCESSES: usize = 128;

/// Programs whose symbols are kept: a large one's take some hundred megabytes.
const MAX_NAMED: usize = 2;

/// Frames of a stack that are written.
const MAX_FRAMES: usize = 64;

/// What processes have mapped.
#[derive(Default)]
pub(crate) struct Stacks {
    of: FxHashMap<u32, Rc<Modules>>,
    /// Those whose symbols have been read, the oldest first.
    named: VecDeque<Rc<Modules>>,
}

impl Stacks {
    /// A process makes an instance: reads what it has mapped, while it lives.
    pub(crate) fn prepare(&mut self, pid: u32) {
        if self.of.contains_key(&pid) {
            return;
        }
        if let Ok(modules) = Modules::of(pid) {
            self.keep(pid, Rc::new(modules));
        }
    }

    /// A child has what its parent had.
    pub(crate) fn fork(&mut self, parent: u32, child: u32) {
        if let Some(modules) = self.of.get(&parent).filter(|_| child != parent) {
            self.keep(child, Rc::clone(modules));
        }
    }

    /// The process runs another program, or none.
    pub(crate) fn forget(&mut self, pid: u32) {
        self.of.remove(&pid);
    }

    /// The frames of a stack, innermost first, as strace -k writes them.
    pub(crate) fn frames(&mut self, pid: u32, tid: u32, frame: &Frame<'_>) -> Vec<String> {
        let copy = StackCopy {
            registers: Registers {
                ip: frame.ip,
                sp: frame.sp,
                fp: frame.bp,
                lr: frame.lr,
            },
            bytes: frame.stack.to_vec(),
        };
        self.prepare(pid);
        if let Some(known) = self.of.get(&pid).filter(|it| it.is_lost_in(&copy))
            && let Ok(modules) = known.again(pid)
        {
            self.keep(pid, Rc::new(modules));
        }
        let Some(modules) = self.of.get(&pid).map(Rc::clone) else {
            return Vec::new();
        };
        self.note_named(&modules);
        let frames = modules.frames_of(tid, &copy);
        frames
            .iter()
            .take(MAX_FRAMES)
            .map(ToString::to_string)
            .collect()
    }

    /// Forgets the symbols that were used longest ago, with all processes that share them.
    fn note_named(&mut self, modules: &Rc<Modules>) {
        self.named.retain(|it| !Rc::ptr_eq(it, modules));
        self.named.push_back(Rc::clone(modules));
        if self.named.len() > MAX_NAMED
            && let Some(oldest) = self.named.pop_front()
        {
            self.of.retain(|_, it| !Rc::ptr_eq(it, &oldest));
        }
    }

    fn keep(&mut self, pid: u32, modules: Rc<Modules>) {
        if self.of.len() >= MAX_PROCESSES && !self.of.contains_key(&pid) {
            self.of.clear();
        }
        self.of.insert(pid, modules);
    }
}
