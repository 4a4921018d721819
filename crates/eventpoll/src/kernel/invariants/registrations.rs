//! What holds of instances, registrations, their keys and wait queues.

use super::{Check, equal, hold, walk};
use crate::abi::Key;
use crate::epoll::Epitem;
use crate::fs::{File, FileKind, PipeEnd};
use crate::store::{QueueId, WaitId};
use crate::wait::Waiter;
use crate::{Fd, Kernel};
use std::collections::BTreeSet;
use std::fmt::Debug;

impl Kernel {
    pub(super) fn check_instances(&self) -> Check {
        for (id, epoll) in self.epolls.iter() {
            let file = self.files.get(epoll.file).and_then(File::epoll);
            equal(&format!("the file of {id:?} is that of"), file, Some(id))?;
            hold(!epoll.is_scanning, || format!("{id:?} is being scanned"))?;
            equal(&format!("overflow of {id:?}"), epoll.overflow.len(), 0)?;
            let interest = walk(epoll.interest, &self.epitems, Epitem::of_epoll)?;
            equal(
                &format!("count of {id:?}"),
                epoll.count as usize,
                interest.len(),
            )?;
            hold(epoll.taken.is_empty(), || {
                format!("{id:?} is being scanned")
            })?;
            let ready: Vec<_> = epoll.ready.iter().collect();
            equal(
                &format!("ready list of {id:?}"),
                epoll.ready.len(),
                ready.len(),
            )?;
            let mut on_ready = ready.len();
            for epitem in interest.iter().map(|id| &self.epitems[*id]) {
                equal(&format!("an epitem's instance {id:?}"), epitem.epoll, id)?;
                on_ready -= usize::from(epitem.is_ready);
            }
            equal(
                &format!("strangers on the ready list of {id:?}"),
                on_ready,
                0,
            )?;
            for epitem in ready {
                let Epitem {
                    is_ready, place, ..
                } = self.epitems[epitem];
                hold(is_ready && epoll.ready.has(epitem, place), || {
                    format!("{epitem:?} is on the ready list, and does not know it")
                })?;
            }
        }
        let files = self.files.iter().filter(|(_, file)| file.epoll().is_some());
        equal(
            "instances, to their files",
            self.epolls.len(),
            files.count(),
        )
    }

    pub(super) fn check_registrations(&self) -> Check {
        let (mut of_files, mut of_epolls) = (0, 0);
        for (id, file) in self.files.iter() {
            let list = walk(file.epitems, &self.epitems, Epitem::of_file)?;
            of_files += list.len();
            for epitem in list {
                equal(
                    &format!("the file of {epitem:?}"),
                    self.epitems[epitem].file,
                    id,
                )?;
            }
        }
        for (_, epoll) in self.epolls.iter() {
            of_epolls += epoll.count as usize;
        }
        equal("epitems on files' lists", of_files, self.epitems.len())?;
        equal("epitems on instances' lists", of_epolls, self.epitems.len())?;
        for (id, epitem) in self.epitems.iter() {
            hold(self.files.get(epitem.file).is_some(), || {
                format!("{id:?} outlives its file")
            })?;
            hold(!epitem.is_overflowing, || {
                format!("{id:?} is on the overflow list")
            })?;
            hold(epitem.fd >= Fd(0), || format!("{id:?} has no number"))?;
        }
        Ok(())
    }

    pub(super) fn check_keys(&self) -> Check {
        let mut keys = BTreeSet::new();
        let mut keyed = BTreeSet::new();
        for (id, epitem) in self.epitems.iter() {
            keys.insert((epitem.file, epitem.fd));
            if epitem.is_keyed {
                keyed.insert((epitem.file, epitem.fd));
                continue;
            }
            let neighbours = self.files[epitem.file].epitems;
            let is_sole = neighbours.first() == Some(id) && epitem.of_file.next().is_none();
            hold(is_sole, || format!("{id:?} has no key, and is not alone"))?;
        }
        equal("keys", self.keys.len(), keyed.len())?;
        let mut found = BTreeSet::new();
        for (file, fd) in keys {
            let mut places = BTreeSet::new();
            for id in self.epitems_of_key(file, fd) {
                let epitem = self.epitems.get(id);
                let epitem = epitem.ok_or_else(|| format!("{id:?} has a key, and is gone"))?;
                equal("an epitem's key", (epitem.file, epitem.fd), (file, fd))?;
                hold(found.insert(id), || format!("{id:?} is found twice"))?;
                let owner = (self.policy.key == Key::TableFileFd).then_some(epitem.owner);
                let is_alone = places.insert((epitem.epoll, owner));
                hold(is_alone, || format!("{id:?} is not alone with its key"))?;
            }
        }
        equal("epitems found by keys", found.len(), self.epitems.len())
    }

    /// Every queue belongs to somebody, and every place on one to a waiter that knows it.
    pub(super) fn check_wait_queues(&self) -> Check {
        let mut queues = BTreeSet::new();
        let own_queues = |queues: &mut BTreeSet<QueueId>, queue, owner: &dyn Debug| {
            hold(queues.insert(queue), || {
                format!("{queue:?} of {owner:?} has two owners")
            })
        };
        for (id, sighand) in self.sighands.iter() {
            own_queues(&mut queues, sighand.queue, &id)?;
        }
        for (id, process) in self.processes.iter() {
            own_queues(&mut queues, process.pidfd_queue, &id)?;
        }
        // The descriptors of one thread share a queue.
        let mut of_threads = BTreeSet::new();
        for (id, file) in self.files.iter() {
            match &file.kind {
                FileKind::Eventfd(eventfd) => own_queues(&mut queues, eventfd.queue, &id)?,
                FileKind::Timerfd(timer) => own_queues(&mut queues, timer.queue, &id)?,
                FileKind::Pidfd { process, queue, .. }
                    if *queue != self.processes[*process].pidfd_queue =>
                {
                    of_threads.insert(*queue);
                }
                FileKind::Custom(_, queue) => own_queues(&mut queues, *queue, &id)?,
                _ => {}
            }
        }
        for queue in of_threads {
            own_queues(&mut queues, queue, &"a thread's descriptors")?;
        }
        for (id, pipe) in self.pipes.iter() {
            own_queues(&mut queues, pipe.queue(PipeEnd::Read), &id)?;
            own_queues(&mut queues, pipe.queue(PipeEnd::Write), &id)?;
        }
        for (id, socket) in self.sockets.iter() {
            own_queues(&mut queues, socket.queue, &id)?;
        }
        for (id, device) in self.devices.iter() {
            own_queues(&mut queues, device.queue, &id)?;
        }
        for (id, buffer) in self.buffers.iter() {
            own_queues(&mut queues, buffer.queue, &id)?;
        }
        for (id, epoll) in self.epolls.iter() {
            own_queues(&mut queues, epoll.waiters, &id)?;
            own_queues(&mut queues, epoll.pollers, &id)?;
        }
        let (count, places) = self.waits.check(&queues)?;
        equal("wait queues", count, queues.len())?;
        for (place, waiter) in places {
            let is_known = match waiter {
                Waiter::Epitem(id) => self.epitems.get(id).is_some_and(|e| e.wait == Some(place)),
                Waiter::Task(tid) | Waiter::Receiver(tid) | Waiter::Poller(tid, _) => {
                    let waiting = self.tasks.get(tid).and_then(|task| task.waiting.as_ref());
                    waiting.is_some_and(|waiting| waiting.entries.contains(&place))
                }
            };
            hold(is_known, || {
                format!("{place:?} is a place of nobody: {waiter:?}")
            })?;
        }
        for (id, epitem) in self.epitems.iter() {
            self.check_place(epitem.wait, &Waiter::Epitem(id))?;
        }
        Ok(())
    }

    fn check_place(&self, place: Option<WaitId>, waiter: &Waiter) -> Check {
        match place.map(|place| self.waits.waiter(place)) {
            None => Ok(()),
            Some(found) => equal("the waiter at a place", found, Some(*waiter)),
        }
    }
}
