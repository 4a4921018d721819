//! What a descriptor's end sets going, stepped: close, exit, the last reference.
//!
//! ```text
//!   close_fd   slot cleared ▸ count dropped ─▶ zero? __fput
//!   __fput     f_ep set? path C ▸ release (an instance: path B) ▸ memory freed
//! ```

use super::frame::Frame;
use super::locks::Lock;
use super::remove::{ReleaseFile, Remove};
use super::wake::Wake;
use super::{Finding, Fix, QueueName, Seed, Stepped, Taken, Thing, tell};
use crate::abi::Syscall;
use crate::fs::FileKind;
use crate::store::{EpitemId, EpollId, Fd, FileId, QueueId};
use crate::wait::Limit;
use crate::{Errno, Events};

/// The release of a file under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct FinalPut {
    pub(super) file: FileId,
    at: FinalAt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum FinalAt {
    Eventpoll,
    Release,
    Free,
}

/// Path B under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ClearAndPut {
    epoll: EpollId,
    next: Option<EpitemId>,
    at: ClearAt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum ClearAt {
    Mutex,
    Unhook,
    Remove,
    Put,
}

impl ClearAndPut {
    pub(super) fn is_silent(self) -> bool {
        matches!(self.at, ClearAt::Unhook | ClearAt::Remove)
    }

    pub(super) fn needs(self) -> Option<Lock> {
        (self.at == ClearAt::Mutex).then_some(Lock::Mutex(self.epoll))
    }
}

impl Stepped {
    /// `close(2)`: the slot. Linux: `close_fd`.
    pub(super) fn begin_close(&mut self, me: usize, fd: Fd) -> Taken {
        let table = self.kernel.tasks[self.tid(me)].table;
        let Some(slot) = self.kernel.tables[table].clear(fd) else {
            self.answer(me, Err(Errno::EBADF));
            return Ok(());
        };
        tell!(
            self,
            me,
            "file_close_fd_locked",
            "slot {fd} is cleared, it named {}",
            self.named(slot.file)
        );
        // The answer stands before the release runs: close(2) does not tell what its file's end came to.
        self.answer(me, Ok(0));
        self.push(me, Frame::FilpClose(slot.file))
    }

    /// Linux: `filp_close`, `fput_close_sync`.
    pub(super) fn run_filp_close(&mut self, me: usize, file: FileId) -> Taken {
        // In the call itself, not on the way back to the program: whoever waits for close(2) finds the file released.
        if self.drop_file_ref(me, file, "fput")? {
            self.push_final_put(me, file)?;
        }
        Ok(())
    }

    /// Drops a reference; the last one starts the release on the way back to
    /// the program. Linux: `fput`.
    pub(super) fn fput(&mut self, me: usize, file: FileId) -> Taken {
        if self.drop_file_ref(me, file, "fput")? {
            // Not here: the caller may hold locks that the release takes. Linux: `task_work_add`.
            self.runners[me].work.push(file);
        }
        Ok(())
    }

    fn drop_file_ref(
        &mut self,
        me: usize,
        file: FileId,
        function: &'static str,
    ) -> Result<bool, Finding> {
        self.touch_file(me, file, function)?;
        // The model's own count would panic; here it is a finding like the others.
        if self.kernel.files[file].references == 0 {
            return Err(Finding::RefUnderflow { task: me, file });
        }
        let is_last = self.kernel.drop_reference(file);
        tell!(self, me, function, "{}", self.counted(file));
        Ok(is_last)
    }

    pub(super) fn push_final_put(&mut self, me: usize, file: FileId) -> Taken {
        let at = if self.rules().errs(Seed::UnlinkAfterRelease) {
            FinalAt::Release
        } else {
            FinalAt::Eventpoll
        };
        self.push(me, Frame::FinalPut(FinalPut { file, at }))
    }

    /// Linux: `__fput`.
    pub(super) fn run_final_put(&mut self, me: usize, mut frame: FinalPut) -> Taken {
        let file = frame.file;
        let is_late = self.rules().errs(Seed::UnlinkAfterRelease);
        match frame.at {
            FinalAt::Eventpoll => {
                self.touch_file(me, file, "eventpoll_release")?;
                frame.at = if is_late {
                    FinalAt::Free
                } else {
                    FinalAt::Release
                };
                self.push(me, Frame::FinalPut(frame))?;
                if self.has_f_ep(file) {
                    tell!(
                        self,
                        me,
                        "eventpoll_release",
                        "f_ep of {} is set",
                        self.named(file)
                    );
                    self.push(me, Frame::ReleaseFile(ReleaseFile::new(file)))?;
                } else {
                    tell!(
                        self,
                        me,
                        "eventpoll_release",
                        "f_ep of {} is NULL: nothing to do",
                        self.named(file)
                    );
                }
                Ok(())
            }
            FinalAt::Release => {
                frame.at = if is_late {
                    FinalAt::Eventpoll
                } else {
                    FinalAt::Free
                };
                self.push(me, Frame::FinalPut(frame))?;
                self.release(me, file)
            }
            FinalAt::Free => {
                self.touch_file(me, file, "file_free")?;
                // Nobody looks at the list after this: whatever still stands on it names freed memory.
                // One that is being taken off the list right now will find out itself.
                let left = self.kernel.files[file].epitems.first();
                if let Some(epitem) = left.filter(|_| self.has_f_ep(file)) {
                    return Err(Finding::EpitemLeft {
                        task: me,
                        file,
                        epitem,
                    });
                }
                tell!(self, me, "file_free", "{} is freed", self.named(file));
                self.free(Thing::File(file), false);
                Ok(())
            }
        }
    }

    /// Linux: `file_operations::release`.
    fn release(&mut self, me: usize, file: FileId) -> Taken {
        self.touch_file(me, file, "release")?;
        if let FileKind::Epoll(epoll) = self.kernel.files[file].kind {
            return self.begin_clear_and_put(me, epoll);
        }
        tell!(
            self,
            me,
            "__fput",
            "{} is released by its kind",
            self.named(file)
        );
        self.kernel.release_kind(file);
        self.take_deferred(me)
    }

    fn begin_clear_and_put(&mut self, me: usize, epoll: EpollId) -> Taken {
        self.touch_epoll(me, epoll, "ep_clear_and_put")?;
        let pollers = self.kernel.epolls[epoll].pollers;
        let has_pollers = !self.kernel.waits.is_empty(pollers);
        tell!(
            self,
            me,
            "ep_clear_and_put",
            "of {}{}",
            self.named(epoll),
            if has_pollers {
                ", whose pollers are woken"
            } else {
                ""
            }
        );
        self.push(
            me,
            Frame::ClearAndPut(ClearAndPut {
                epoll,
                next: None,
                at: ClearAt::Mutex,
            }),
        )?;
        // On top of the other frame, so it runs first: pollers hear of it before `ep->mtx` is taken, while the instance
        // can still be polled.
        if has_pollers {
            self.push(
                me,
                Frame::Wake(Wake::new(pollers, Limit::One, Events::IN, false)),
            )?;
        }
        Ok(())
    }

    /// Linux: `ep_clear_and_put`.
    pub(super) fn run_clear_and_put(&mut self, me: usize, mut frame: ClearAndPut) -> Taken {
        let epoll = frame.epoll;
        let first = self.kernel.epolls[epoll].interest.first();
        match (frame.at, frame.next) {
            (ClearAt::Mutex, _) => {
                self.touch_epoll(me, epoll, "mutex_lock")?;
                self.lock(me, Lock::Mutex(epoll));
                tell!(self, me, "mutex_lock", "ep->mtx of {}", self.named(epoll));
                frame.at = ClearAt::Unhook;
                frame.next = first;
                self.push(me, Frame::ClearAndPut(frame))
            }
            // Two passes, as in Linux: no callback may arrive once the first epitem is freed. The successor is read
            // before, because the links go with the epitem.
            (ClearAt::Unhook, Some(epitem)) => {
                frame.next = self.kernel.epitems[epitem].of_epoll.next();
                self.push(me, Frame::ClearAndPut(frame))?;
                if self.rules().errs(Seed::FreeBeforeUnhook) {
                    return Ok(());
                }
                self.push_unregister(me, epitem)
            }
            (ClearAt::Unhook, None) => {
                frame.at = ClearAt::Remove;
                frame.next = first;
                self.push(me, Frame::ClearAndPut(frame))
            }
            (ClearAt::Remove, Some(epitem)) => {
                frame.next = self.kernel.epitems[epitem].of_epoll.next();
                self.push(me, Frame::ClearAndPut(frame))?;
                let has_unhooked = !self.rules().errs(Seed::FreeBeforeUnhook);
                self.push(me, Frame::Remove(Remove::new(epitem, has_unhooked)))
            }
            // What path C has marked is left: it has its own reference on the instance, and finishes after this unlock.
            (ClearAt::Remove, None) => {
                self.unlock(me, Lock::Mutex(epoll));
                frame.at = ClearAt::Put;
                self.push(me, Frame::ClearAndPut(frame))
            }
            (ClearAt::Put, _) if !self.rules().has(Fix::Dying) => {
                // Before 6.4 nobody else held it.
                self.touch_epoll(me, epoll, "ep_free")?;
                self.free_epoll(me, epoll);
                Ok(())
            }
            (ClearAt::Put, _) => self.put_epoll(me, epoll),
        }
    }

    /// Linux: `do_exit`, as far as files go.
    pub(super) fn begin_exit(&mut self, me: usize, status: i32, is_group: bool) -> Taken {
        let table = self.kernel.tasks[self.tid(me)].table;
        self.push(me, Frame::ExitNotify { status, is_group })?;
        // Whoever shares the table keeps its files; the last user's exit closes them.
        if self.kernel.tables[table].users == 1 {
            return self.run_exit_files(me, 0);
        }
        Ok(())
    }

    /// The next number of a table nobody else uses. Linux: `close_files`.
    pub(super) fn run_exit_files(&mut self, me: usize, from: i32) -> Taken {
        let table = self.kernel.tasks[self.tid(me)].table;
        let table = &mut self.kernel.tables[table];
        let next = table.iter().map(|(fd, _)| fd).find(|fd| fd.0 >= from);
        let Some(fd) = next else {
            // Linux: exit_task_work.
            return self.push_work(me);
        };
        let slot = table.clear(fd).expect("it was found there");
        tell!(
            self,
            me,
            "close_files",
            "slot {fd}, it named {}",
            self.named(slot.file)
        );
        self.push(me, Frame::ExitFiles(fd.0 + 1))?;
        self.fput(me, slot.file)
    }

    /// What the call has dropped is released. Linux: `task_work_run`.
    pub(super) fn push_work(&mut self, me: usize) -> Taken {
        let work = std::mem::take(&mut self.runners[me].work);
        for file in work {
            // The last one dropped is released first: it is on top.
            self.push_final_put(me, file)?;
        }
        Ok(())
    }

    /// What is left of an exit when the files are gone.
    pub(super) fn run_exit_notify(&mut self, me: usize, status: i32, is_group: bool) -> Taken {
        tell!(self, me, "exit_notify", "the task is gone");
        let tid = self.tid(me);
        let exit = match is_group {
            true => Syscall::ExitGroup { status },
            false => Syscall::Exit { status },
        };
        self.kernel.call(tid, &exit);
        // Only now: until here the exit itself releases files, and its steps are the task's.
        self.runners[me].is_gone = true;
        self.take_deferred(me)
    }

    /// What a call that is one step has put off becomes frames of its caller.
    pub(super) fn take_deferred(&mut self, me: usize) -> Taken {
        let deferred = &mut self.kernel.deferred;
        let wakes = std::mem::take(&mut deferred.wakes);
        let releases = std::mem::take(&mut deferred.releases);
        let sighands = std::mem::take(&mut deferred.sighands);
        // What is pushed last runs first: so wakes run before releases, and these before the handlers' queues go.
        for queue in sighands {
            self.push_pollfree(me, queue)?;
        }
        for file in releases.into_iter().rev() {
            self.push_final_put(me, file)?;
        }
        let dropped = std::mem::take(&mut self.kernel.task_work);
        self.runners[me].work.extend(dropped);
        for (queue, limit, key) in wakes.into_iter().rev() {
            self.note_edges(queue, key);
            if !self.kernel.waits.is_empty(queue) {
                self.push(me, Frame::Wake(Wake::new(queue, limit, key, false)))?;
            }
        }
        for queue in self.kernel.waits.take_gone() {
            self.free(Thing::Queue(QueueName(queue)), false);
        }
        Ok(())
    }

    /// A handler block goes: those who wait on its queue are told first, and
    /// the memory goes after a grace period. Linux: `__cleanup_sighand`.
    fn push_pollfree(&mut self, me: usize, queue: QueueId) -> Taken {
        self.push(me, Frame::FreeQueue(queue))?;
        let is_told = self.rules().has(Fix::Pollfree) && !self.kernel.waits.is_empty(queue);
        if is_told {
            self.push(
                me,
                Frame::Wake(Wake::new(queue, Limit::All, Events::HUP, true)),
            )?;
        }
        Ok(())
    }

    pub(super) fn run_free_queue(&mut self, me: usize, queue: QueueId) -> Taken {
        let is_delayed =
            self.rules().has(Fix::Pollfree) && !self.rules().errs(Seed::PollfreeAtOnce);
        tell!(
            self,
            me,
            "__cleanup_sighand",
            "the signalfd queue is freed{}",
            if is_delayed {
                " after a grace period"
            } else {
                " at once"
            }
        );
        self.free(Thing::Queue(QueueName(queue)), is_delayed);
        Ok(())
    }
}
