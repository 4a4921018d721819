//! The removal of an epitem, stepped: path A, path C, and what all paths share.
//!
//! ```text
//!   A  ep_remove               unhook ▸ dying? pin ▸ f_ep ▸ list ▸ tree, free ▸ unpin
//!   C  eventpoll_release_file  mark ▸ ep->mtx ▸ unhook ▸ f_ep ▸ list ▸ tree, free ▸ put
//! ```

use super::frame::Frame;
use super::locks::Lock;
use super::{Finding, Fix, Seed, Stepped, Taken, Thing, tell};
use crate::store::Head;
use crate::store::{EpitemId, EpollId, FileId};

/// Path A under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Remove {
    pub(super) epitem: EpitemId,
    at: RemoveAt,
    /// A reference on the watched file is held until the epitem is freed, so that `__fput` of another task cannot free
    /// the file while this one takes its `f_lock`.
    is_pinned: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum RemoveAt {
    Unhook,
    Pin,
    Tree,
    Unpin,
    UnhookLate,
}

/// Path C under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ReleaseFile {
    file: FileId,
    epitem: Option<EpitemId>,
    at: ReleaseAt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum ReleaseAt {
    Pick,
    Mutex,
    Tree,
    Put,
    /// What is left of `mutex_unlock` when the next holder can run already.
    UnlockTail {
        disposes: bool,
    },
}

impl Remove {
    pub(super) fn new(epitem: EpitemId, has_unhooked: bool) -> Remove {
        Remove {
            epitem,
            at: if has_unhooked {
                RemoveAt::Pin
            } else {
                RemoveAt::Unhook
            },
            is_pinned: false,
        }
    }

    pub(super) fn is_silent(self) -> bool {
        matches!(self.at, RemoveAt::Unhook | RemoveAt::UnhookLate)
    }
}

impl ReleaseFile {
    pub(super) fn new(file: FileId) -> ReleaseFile {
        ReleaseFile {
            file,
            epitem: None,
            at: ReleaseAt::Pick,
        }
    }
}

impl Stepped {
    /// Linux: `ep_remove`.
    pub(super) fn run_remove(&mut self, me: usize, mut frame: Remove) -> Taken {
        let Remove { epitem, .. } = frame;
        match frame.at {
            RemoveAt::Unhook => {
                // What is pushed last runs first: the entry has left the wait queue before this frame goes on.
                frame.at = RemoveAt::Pin;
                self.push(me, Frame::Remove(frame))?;
                if !self.rules().errs(Seed::FreeBeforeUnhook) {
                    self.push_unregister(me, epitem)?;
                }
            }
            RemoveAt::Pin => return self.remove_pin(me, frame),
            RemoveAt::Tree => {
                self.ep_remove_epi(me, epitem)?;
                // Never the last one: the instance's own file has a reference too, and whoever is here holds that file
                // or is its release.
                self.drop_epoll_ref(self.kernel.epitems[epitem].epoll);
                if frame.is_pinned {
                    frame.at = RemoveAt::Unpin;
                    self.push(me, Frame::Remove(frame))?;
                } else if self.rules().errs(Seed::FreeBeforeUnhook) {
                    frame.at = RemoveAt::UnhookLate;
                    self.push(me, Frame::Remove(frame))?;
                }
            }
            // If the fd was closed meanwhile, this can be the last reference: then this task releases the file on its
            // way out.
            RemoveAt::Unpin => {
                let file = self.kernel.epitems[epitem].file;
                self.fput(me, file)?;
                if self.rules().errs(Seed::FreeBeforeUnhook) {
                    frame.at = RemoveAt::UnhookLate;
                    self.push(me, Frame::Remove(frame))?;
                }
            }
            RemoveAt::UnhookLate => self.push_unregister(me, epitem)?,
        }
        Ok(())
    }

    /// The pin on the file, and off its list; nothing if the file's release removes the epitem.
    fn remove_pin(&mut self, me: usize, mut frame: Remove) -> Taken {
        let Remove { epitem, .. } = frame;
        self.touch_epitem(me, epitem, "ep_remove")?;
        let file = self.kernel.epitems[epitem].file;
        // Path C has picked this epitem and waits for `ep->mtx`, which this task's caller holds. It goes on
        // once the mutex is free; if both went on, the epitem would be freed twice.
        if self.rules().has(Fix::Dying) && self.ledger.marked.contains(&epitem) {
            tell!(
                self,
                me,
                "ep_remove",
                "{} is dying: left to its file's release",
                self.named(epitem)
            );
            return Ok(());
        }
        frame.at = RemoveAt::Tree;
        if self.rules().has(Fix::RemovalPin) {
            self.touch_file(me, file, "epi_fget")?;
            // A count of zero never rises again: the file's release is under way, and removes the epitem
            // itself.
            if !self.kernel.get_if_alive(file) {
                tell!(
                    self,
                    me,
                    "epi_fget",
                    "{} has no reference left: nothing to take",
                    self.named(file)
                );
                return Ok(());
            }
            frame.is_pinned = true;
            tell!(self, me, "epi_fget", "{}", self.counted(file));
        } else {
            tell!(
                self,
                me,
                "ep_remove",
                "{} goes on without a reference on {}",
                self.named(epitem),
                self.named(file)
            );
        }
        self.push(me, Frame::Remove(frame))?;
        self.push_remove_file(me, epitem)
    }

    pub(super) fn needs_release_file(&self, frame: ReleaseFile) -> Option<Lock> {
        match (frame.at, frame.epitem) {
            (ReleaseAt::Pick, _) => Some(Lock::File(frame.file)),
            (ReleaseAt::Mutex, Some(epitem)) if !self.rules().errs(Seed::ReleaseGivesUp) => {
                Some(Lock::Mutex(self.kernel.epitems[epitem].epoll))
            }
            _ => None,
        }
    }

    /// Linux: `eventpoll_release_file`.
    pub(super) fn run_release_file(&mut self, me: usize, mut frame: ReleaseFile) -> Taken {
        if frame.at == ReleaseAt::Pick {
            return self.release_pick(me, frame);
        }
        let (function, file) = ("eventpoll_release_file", frame.file);
        let epitem = frame.epitem.expect("picked before");
        let epoll = self.kernel.epitems[epitem].epoll;
        match frame.at {
            ReleaseAt::Pick => unreachable!("handled above"),
            ReleaseAt::Mutex => {
                self.touch_epitem(me, epitem, function)?;
                self.touch_epoll(me, epoll, "mutex_lock")?;
                if !self.is_free(Lock::Mutex(epoll)) {
                    tell!(
                        self,
                        me,
                        "mutex_trylock",
                        "{} is taken: passed by",
                        self.named(epoll)
                    );
                    return Ok(());
                }
                self.lock(me, Lock::Mutex(epoll));
                tell!(
                    self,
                    me,
                    "mutex_lock",
                    "ep->mtx of {}, for {}",
                    self.named(epoll),
                    self.named(epitem)
                );
                frame.at = ReleaseAt::Tree;
                self.push(me, Frame::ReleaseFile(frame))?;
                self.push_remove_file(me, epitem)?;
                return self.push_unregister(me, epitem);
            }
            ReleaseAt::Tree => {
                self.ep_remove_epi(me, epitem)?;
                // The put comes after the unlock: the mutex lies in the memory that the last put frees. `UnlockTail` is
                // what goes wrong the other way round (CVE-2025-38349).
                frame.at = ReleaseAt::Put;
                if self.rules().errs(Seed::PutUnderMutex) {
                    let disposes = self.drop_epoll_ref(epoll);
                    frame.at = ReleaseAt::UnlockTail { disposes };
                }
                self.unlock(me, Lock::Mutex(epoll));
                return self.push(me, Frame::ReleaseFile(frame));
            }
            ReleaseAt::Put => self.put_epoll(me, epoll)?,
            ReleaseAt::UnlockTail { disposes } => {
                self.touch_epoll(me, epoll, "mutex_unlock")?;
                tell!(self, me, "mutex_unlock", "wakes who waits for it");
                if disposes {
                    self.free_epoll(me, epoll);
                }
            }
        }
        // One epitem a turn, always the first: the list may have changed while no lock was held.
        self.push(me, Frame::ReleaseFile(ReleaseFile::new(file)))
    }

    /// The first epitem that is left on the file, marked as dying where the kernel does so.
    fn release_pick(&mut self, me: usize, mut frame: ReleaseFile) -> Taken {
        let (function, file) = ("eventpoll_release_file", frame.file);
        self.touch_file(me, file, function)?;
        let first = self.kernel.files[file].epitems.first();
        let Some(epitem) = first.filter(|_| self.has_f_ep(file)) else {
            tell!(self, me, function, "no epitem left on {}", self.named(file));
            return Ok(());
        };
        if self.rules().has(Fix::Dying) && !self.ledger.marked.contains(&epitem) {
            self.ledger.marked.push(epitem);
            self.ledger.marked.sort_unstable();
        }
        tell!(
            self,
            me,
            function,
            "{} is the first on {}{}",
            self.named(epitem),
            self.named(file),
            if self.rules().has(Fix::Dying) {
                ": dying"
            } else {
                ""
            }
        );
        frame.epitem = Some(epitem);
        frame.at = ReleaseAt::Mutex;
        self.push(me, Frame::ReleaseFile(frame))
    }

    /// Linux: `ep_remove_epi`.
    fn ep_remove_epi(&mut self, me: usize, epitem: EpitemId) -> Taken {
        let function = "ep_remove_epi";
        self.touch_epitem(me, epitem, function)?;
        let epoll = self.kernel.epitems[epitem].epoll;
        self.touch_epoll(me, epoll, function)?;
        // Not the same as the touch above: an epitem that waits for readers may be looked at, and must not be freed
        // again.
        if self.ledger.memory.is_freed(Thing::Epitem(epitem)) {
            return Err(Finding::RemovedTwice { task: me, epitem });
        }
        self.kernel.ep_unlink_epoll(epitem);
        // The model's epitem stays in its arena, because other tasks may look at freed memory, and that has to be seen.
        let owner = self.kernel.epitems[epitem].owner;
        self.kernel.disown(owner);
        self.ledger.marked.retain(|other| *other != epitem);
        self.set_edge(epitem, false);
        let seeded = [Seed::EpitemFreedAtOnce, Seed::FreeBeforeUnhook];
        let is_at_once = seeded.into_iter().any(|seed| self.rules().errs(seed));
        self.free(Thing::Epitem(epitem), !is_at_once);
        tell!(
            self,
            me,
            function,
            "{} leaves {} and is freed",
            self.named(epitem),
            self.named(epoll)
        );
        Ok(())
    }

    /// Linux: `ep_refcount_dec_and_test`, `ep_free`.
    pub(super) fn put_epoll(&mut self, me: usize, epoll: EpollId) -> Taken {
        if !self.rules().has(Fix::Dying) {
            return Ok(());
        }
        self.touch_epoll(me, epoll, "ep_refcount_dec_and_test")?;
        if self.drop_epoll_ref(epoll) {
            self.free_epoll(me, epoll);
        } else {
            tell!(
                self,
                me,
                "ep_refcount_dec_and_test",
                "{} is held by others still",
                self.named(epoll)
            );
        }
        Ok(())
    }

    /// True if it was the last one. Without the fix epitems hold none.
    pub(super) fn drop_epoll_ref(&mut self, epoll: EpollId) -> bool {
        if !self.rules().has(Fix::Dying) {
            return false;
        }
        let refs = &mut self.ledger.epoll_refs[super::slot(epoll)];
        *refs = refs.saturating_sub(1);
        *refs == 0
    }

    /// Linux: `ep_free`.
    pub(super) fn free_epoll(&mut self, me: usize, epoll: EpollId) {
        let is_delayed = self.rules().has(Fix::DelayedFree);
        tell!(
            self,
            me,
            "ep_free",
            "{} is freed{}",
            self.named(epoll),
            if is_delayed {
                " after a grace period"
            } else {
                " at once"
            }
        );
        self.free(Thing::Epoll(epoll), is_delayed);
    }

    /// The epitems on a file's list.
    pub(super) fn watchers(&self, file: FileId) -> impl Iterator<Item = EpitemId> + '_ {
        self.list_of(self.kernel.files[file].epitems)
    }

    fn list_of(&self, list: Head<EpitemId>) -> impl Iterator<Item = EpitemId> + '_ {
        std::iter::successors(list.first(), |epitem| {
            self.kernel.epitems[*epitem].of_file.next()
        })
    }

    /// Linux: `READ_ONCE(file->f_ep)`.
    pub(super) fn has_f_ep(&self, file: FileId) -> bool {
        !self.kernel.files[file].epitems.is_empty() && !self.ledger.cleared.contains(&file)
    }
}
