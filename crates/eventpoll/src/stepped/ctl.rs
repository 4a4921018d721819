//! `epoll_ctl(2)`, stepped.
//!
//! ```text
//!   do_epoll_ctl  fdget, fdget ▸ ep->mtx ▸ ep_find ▸ insert, modify or remove ▸ fput, fput
//!                       nested: epnested_mutex ▸ ep_loop_check ▸ ep->mtx
//!   ep_insert     attach ▸ join the wait queue ▸ poll ▸ ready list
//! ```

use super::frame::Frame;
use super::locks::Lock;
use super::nesting::LoopCheck;
use super::poll::ItemPoll;
use super::remove::Remove;
use super::{Seed, Stepped, Taken, tell};
use crate::abi::flags::{EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD};
use crate::store::{EpitemId, EpollId, Fd, FileId};
use crate::{EpollEvent, Errno, Events};

/// A control call under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ctl {
    epfd_file: FileId,
    epoll: EpollId,
    op: u32,
    fd: Fd,
    file: FileId,
    event: EpollEvent,
    /// The references the call holds: on the target, and on the instance.
    held: [Option<FileId>; 2],
    epitem: Option<EpitemId>,
    is_nested: bool,
    errno: Option<Errno>,
    at: CtlAt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum CtlAt {
    Target,
    Mutex,
    Nested,
    Checked,
    InnerMutex,
    MutexAgain,
    Attach,
    Queue,
    Poll,
    Mask,
    Polled,
    Unlock,
    End,
}

impl Ctl {
    fn has_mutex(self) -> bool {
        matches!(self.at, CtlAt::Mutex | CtlAt::MutexAgain)
    }
}

impl Stepped {
    pub(super) fn begin_ctl(
        &mut self,
        me: usize,
        epfd: Fd,
        op: u32,
        fd: Fd,
        event: Option<EpollEvent>,
    ) -> Taken {
        let event = match event {
            _ if op == EPOLL_CTL_DEL => EpollEvent::default(),
            Some(event) => event,
            None => {
                self.answer(me, Err(Errno::EFAULT));
                return Ok(());
            }
        };
        let tid = self.tid(me);
        let epfd_file = match self.kernel.file_at(tid, epfd) {
            Ok(file) => file,
            Err(errno) => {
                self.answer(me, Err(errno));
                return Ok(());
            }
        };
        let held = self.fdget(me, epfd_file, "do_epoll_ctl");
        // A call on what is no instance is not stepped (begin_call).
        let epoll = self.epoll_of(epfd_file).expect("an instance");
        let frame = Ctl {
            epfd_file,
            epoll,
            op,
            fd,
            file: epfd_file,
            event,
            held: [None, held],
            epitem: None,
            is_nested: false,
            errno: None,
            at: CtlAt::Target,
        };
        // Nobody else can clear a slot of a table that is this task's alone, so both look-ups are one step there.
        if self.shares_table(me) {
            return self.push(me, Frame::Ctl(frame));
        }
        self.run_ctl(me, frame)
    }

    pub(super) fn needs_ctl(&self, me: usize, frame: Ctl) -> Option<Lock> {
        match frame.at {
            CtlAt::Mutex if self.skips_mutex(frame) => None,
            CtlAt::Mutex | CtlAt::MutexAgain => Some(Lock::Mutex(frame.epoll)),
            CtlAt::Nested if !self.rules().errs(Seed::NoNestedMutex) => Some(Lock::Nested),
            CtlAt::InnerMutex => self.epoll_of(frame.file).map(Lock::Mutex),
            CtlAt::Attach if self.takes_inner_first(frame) => Some(Lock::File(frame.file)),
            CtlAt::Attach => match self.epoll_of(frame.file) {
                Some(inner) => Some(Lock::Mutex(inner)),
                None => Some(Lock::File(frame.file)),
            },
            CtlAt::Queue => {
                let queue = self.kernel.wait_queue_of(frame.file, self.tid(me));
                queue.map(Lock::Queue)
            }
            _ => None,
        }
    }

    fn skips_mutex(&self, frame: Ctl) -> bool {
        frame.op == EPOLL_CTL_DEL && self.rules().errs(Seed::DelWithoutMutex)
    }

    fn takes_inner_first(&self, frame: Ctl) -> bool {
        self.rules().errs(Seed::InnerMutexFirst) && self.epoll_of(frame.file).is_some()
    }

    pub(super) fn is_silent_ctl(&self, me: usize, frame: Ctl) -> bool {
        match frame.at {
            CtlAt::Checked | CtlAt::Unlock => true,
            CtlAt::Polled => self.runners[me].ready().is_empty(),
            CtlAt::End => frame.held == [None, None],
            _ => false,
        }
    }

    /// Linux: `do_epoll_ctl`.
    pub(super) fn run_ctl(&mut self, me: usize, mut frame: Ctl) -> Taken {
        match frame.at {
            CtlAt::Target => self.ctl_target(me, &mut frame),
            CtlAt::Mutex | CtlAt::MutexAgain => {
                self.touch_epoll(me, frame.epoll, "mutex_lock")?;
                return self.ctl_mutex(me, frame);
            }
            CtlAt::Nested => return self.ctl_nested(me, frame),
            CtlAt::Checked => {
                frame.at = match self.takes_inner_first(frame) {
                    true => CtlAt::InnerMutex,
                    false => CtlAt::MutexAgain,
                };
                if self.runners[me].ret != 0 {
                    frame.errno = Some(Errno::ELOOP);
                    frame.at = CtlAt::Unlock;
                }
            }
            CtlAt::InnerMutex => {
                let inner = self.epoll_of(frame.file).expect("only where it is one");
                self.lock(me, Lock::Mutex(inner));
                tell!(self, me, "mutex_lock", "ep->mtx of {}", self.named(inner));
                frame.at = CtlAt::MutexAgain;
            }
            CtlAt::Attach => return self.ctl_attach(me, frame),
            CtlAt::Queue => return self.ctl_queue(me, frame),
            CtlAt::Mask => {
                self.ctl_mask(me, frame);
                frame.at = match self.rules().errs(Seed::PollBeforeMask) {
                    true => CtlAt::Polled,
                    false => CtlAt::Poll,
                };
            }
            CtlAt::Poll => {
                let epitem = frame.epitem.expect("found or attached before");
                frame.at = match frame.op {
                    EPOLL_CTL_MOD if self.rules().errs(Seed::PollBeforeMask) => CtlAt::Mask,
                    EPOLL_CTL_ADD if self.rules().errs(Seed::PollBeforeQueue) => CtlAt::Queue,
                    _ => CtlAt::Polled,
                };
                self.push(me, Frame::Ctl(frame))?;
                return self.run_item_poll(me, ItemPoll::of_held(epitem));
            }
            CtlAt::Polled => return self.ctl_polled(me, frame),
            CtlAt::Unlock => {
                self.unlock(me, Lock::Mutex(frame.epoll));
                if let Some(inner) = self.epoll_of(frame.file) {
                    self.unlock(me, Lock::Mutex(inner));
                }
                self.unlock(me, Lock::Nested);
                frame.at = CtlAt::End;
            }
            CtlAt::End => return self.ctl_end(me, frame),
        }
        self.push(me, Frame::Ctl(frame))
    }

    fn lock_nested(&mut self, me: usize) {
        if self.rules().errs(Seed::NoNestedMutex) {
            tell!(self, me, "do_epoll_ctl", "epnested_mutex is not taken");
            return;
        }
        self.lock(me, Lock::Nested);
        tell!(self, me, "mutex_lock", "epnested_mutex");
    }

    /// The mutex that keeps two nestings from making a circle together.
    fn ctl_nested(&mut self, me: usize, mut frame: Ctl) -> Taken {
        self.lock_nested(me);
        frame.is_nested = true;
        frame.at = CtlAt::MutexAgain;
        if let Some(inner) = self.epoll_of(frame.file) {
            frame.at = CtlAt::Checked;
            self.push(me, Frame::Ctl(frame))?;
            return self.push(me, Frame::LoopCheck(LoopCheck::new(inner, frame.epoll)));
        }
        self.push(me, Frame::Ctl(frame))
    }

    /// On to the wait queue of the file. Linux: `ep_ptable_queue_proc`.
    fn ctl_queue(&mut self, me: usize, mut frame: Ctl) -> Taken {
        let epitem = frame.epitem.expect("attached before");
        self.kernel.ep_add_wait_queue(self.tid(me), epitem);
        tell!(
            self,
            me,
            "ep_ptable_queue_proc",
            "{} joins the wait queue",
            self.named(epitem)
        );
        frame.at = match self.rules().errs(Seed::PollBeforeQueue) {
            true => CtlAt::Polled,
            false => CtlAt::Poll,
        };
        self.push(me, Frame::Ctl(frame))
    }

    /// What was ready already goes to the ready list.
    fn ctl_polled(&mut self, me: usize, mut frame: Ctl) -> Taken {
        frame.at = CtlAt::Unlock;
        let epitem = frame.epitem.expect("found or attached before");
        self.push(me, Frame::Ctl(frame))?;
        // With the mask as it is now: the poll may be older than a MOD's mask (`Seed::PollBeforeMask`).
        let ready = self.runners[me].ready() & self.kernel.epitems[epitem].events;
        if ready.is_empty() {
            return Ok(());
        }
        self.kernel.append_ready(epitem);
        tell!(
            self,
            me,
            if frame.op == EPOLL_CTL_ADD {
                "ep_insert"
            } else {
                "ep_modify"
            },
            "{} is on the ready list",
            self.named(epitem)
        );
        self.push_safewake(me)
    }

    /// The answer, and the references.
    fn ctl_end(&mut self, me: usize, mut frame: Ctl) -> Taken {
        self.answer(me, frame.errno.map_or(Ok(0), Err));
        let next = frame.held.iter_mut().find(|held| held.is_some());
        if let Some(file) = next.and_then(Option::take) {
            self.push(me, Frame::Ctl(frame))?;
            return self.fput(me, file);
        }
        Ok(())
    }

    /// The second descriptor, and the checks.
    fn ctl_target(&mut self, me: usize, frame: &mut Ctl) {
        frame.at = CtlAt::End;
        let file = match self.kernel.file_at(self.tid(me), frame.fd) {
            Ok(file) => file,
            Err(errno) => {
                frame.errno = Some(errno);
                return;
            }
        };
        frame.file = file;
        frame.held[0] = self.fdget(me, file, "do_epoll_ctl");
        frame.errno = self.ctl_checks(frame).err();
        if frame.errno.is_none() {
            frame.at = CtlAt::Mutex;
            frame.event.events |= Events::ERR | Events::HUP;
        }
    }

    fn ctl_checks(&self, frame: &Ctl) -> Result<EpollId, Errno> {
        let Ctl {
            epfd_file, file, ..
        } = *frame;
        let files = &self.kernel.files;
        let (instance, target) = (&files[epfd_file], &files[file]);
        let (is_itself, events) = (epfd_file == file, frame.event.events);
        self.kernel
            .check_ctl(instance, target, is_itself, frame.op, events)
    }

    /// With `ep->mtx`: is there an epitem, and what is to be done with it?
    fn ctl_mutex(&mut self, me: usize, mut frame: Ctl) -> Taken {
        let (epoll, file) = (frame.epoll, frame.file);
        let is_first = frame.at == CtlAt::Mutex;
        let is_nesting = self.epoll_of(file).is_some() || self.has_f_ep(frame.epfd_file);
        // `epnested_mutex` comes before every `ep->mtx` in the order of locks. That an ADD needs it shows only here, so
        // the mutex is let go and taken again after the loop check.
        if is_first && frame.op == EPOLL_CTL_ADD && is_nesting {
            tell!(
                self,
                me,
                "do_epoll_ctl",
                "nested: ep->mtx of {} is dropped again",
                self.named(epoll)
            );
            frame.at = CtlAt::Nested;
            return self.push(me, Frame::Ctl(frame));
        }
        debug_assert!(frame.has_mutex());
        if !self.skips_mutex(frame) {
            self.lock(me, Lock::Mutex(epoll));
        }
        let table = self.kernel.tasks[self.tid(me)].table;
        // Under the mutex, and after the loop check: what was found before it may be gone.
        let found = self.kernel.ep_find(epoll, file, frame.fd, table);
        tell!(
            self,
            me,
            "ep_find",
            "under ep->mtx of {}: {}",
            self.named(epoll),
            found.map_or("nothing".to_owned(), |epitem| self.named(epitem))
        );
        frame.epitem = found;
        frame.at = CtlAt::Unlock;
        match (frame.op, found) {
            (EPOLL_CTL_ADD, Some(_)) => frame.errno = Some(Errno::EEXIST),
            (EPOLL_CTL_ADD, None) => frame.at = CtlAt::Attach,
            (EPOLL_CTL_DEL | EPOLL_CTL_MOD, None) => frame.errno = Some(Errno::ENOENT),
            (EPOLL_CTL_DEL, Some(epitem)) => {
                self.push(me, Frame::Ctl(frame))?;
                return self.push(me, Frame::Remove(Remove::new(epitem, false)));
            }
            (EPOLL_CTL_MOD, Some(epitem)) => {
                let is_exclusive = self.kernel.epitems[epitem]
                    .events
                    .contains(Events::EXCLUSIVE);
                frame.at = match (is_exclusive, self.rules().errs(Seed::PollBeforeMask)) {
                    (true, _) => CtlAt::Unlock,
                    (_, true) => CtlAt::Poll,
                    (_, false) => CtlAt::Mask,
                };
                frame.errno = is_exclusive.then_some(Errno::EINVAL);
            }
            _ => frame.errno = Some(Errno::EINVAL),
        }
        self.push(me, Frame::Ctl(frame))
    }

    fn ctl_mask(&mut self, me: usize, frame: Ctl) {
        let epitem = frame.epitem.expect("found before");
        self.kernel.epitems[epitem].watch(frame.event);
        tell!(
            self,
            me,
            "ep_modify",
            "the new mask of {} is stored",
            self.named(epitem)
        );
    }

    /// Linux: `ep_attach_file`, `ep_rbtree_insert`, `ep_get`, `reverse_path_check`.
    fn ctl_attach(&mut self, me: usize, mut frame: Ctl) -> Taken {
        let (epoll, file) = (frame.epoll, frame.file);
        let owner = self.kernel.tasks[self.tid(me)].table;
        let epitem = self
            .kernel
            .ep_attach(owner, epoll, file, frame.fd, frame.event);
        frame.epitem = Some(epitem);
        self.add_epoll_ref(epoll);
        tell!(
            self,
            me,
            "ep_insert",
            "{} is on the list of {} and in {}",
            self.named(epitem),
            self.named(file),
            self.named(epoll)
        );
        self.check_chain(me, epoll, file)?;
        frame.at = match self.rules().errs(Seed::PollBeforeQueue) {
            true => CtlAt::Poll,
            false => CtlAt::Queue,
        };
        // Linux counts paths in a full check only, under `epnested_mutex`: its list of files to check is global.
        if frame.is_nested && self.kernel.has_too_many_paths(epoll, file) {
            frame.errno = Some(Errno::EINVAL);
            frame.at = CtlAt::Unlock;
            self.push(me, Frame::Ctl(frame))?;
            return self.push(me, Frame::Remove(Remove::new(epitem, false)));
        }
        self.push(me, Frame::Ctl(frame))
    }
}
