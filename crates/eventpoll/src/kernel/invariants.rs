//! What is true of a kernel between two calls, checked one by one.
//!
//! For tests and for finding out where a model went wrong; far too slow for
//! anything else.

use crate::abi::Key;
use crate::epoll::Epitem;
use crate::fs::{File, FileKind, PidfdOf, PipeEnd};
use crate::store::{Arena, Id};
use crate::store::{FileId, QueueId, TableId, WaitId};
use crate::store::{Head, LinksOf};
use crate::task::{Life, Process};
use crate::wait::Alarm;
use crate::wait::Call;
use crate::wait::Waiter;
use crate::{Fd, Kernel};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

type Check = Result<(), String>;

impl Kernel {
    /// Checks that everything in this kernel agrees with everything else,
    /// and that nothing is left when nobody is left who could hold it.
    ///
    /// Meant for tests: it looks at everything, and holds between calls only.
    ///
    /// # Errors
    ///
    /// Says in words what does not hold.
    pub fn check_invariants(&self) -> Result<(), String> {
        self.check_nothing_is_under_way()?;
        self.check_references()?;
        self.check_tables()?;
        self.check_processes()?;
        self.check_numbers()?;
        self.check_pidfds()?;
        self.check_instances()?;
        self.check_registrations()?;
        self.check_keys()?;
        self.check_wait_queues()?;
        self.check_sleepers()?;
        self.check_pipes()?;
        self.check_sockets()?;
        self.check_devices()?;
        self.check_alarms()?;
        self.check_nothing_is_left()
    }

    fn check_nothing_is_under_way(&self) -> Check {
        equal("files to release", self.task_work.len(), 0)?;
        equal("woken threads", self.woken.len(), 0)?;
        equal("orphans to reap", self.orphans.len(), 0)?;
        equal("signalled threads", self.signalled.len(), 0)
    }

    /// Each file has as many references as holders.
    fn check_references(&self) -> Check {
        let mut holders: BTreeMap<FileId, u32> = (*self.holds).clone();
        let in_slots =
            (self.tables.iter()).flat_map(|(_, table)| table.iter().map(|(_, s)| s.file));
        let in_flight = (self.sockets.iter()).flat_map(|(_, socket)| socket.rights_in_flight());
        let in_rings = (self.files.iter()).flat_map(|(_, file)| match &file.kind {
            FileKind::Ring { files } => &files[..],
            _ => &[],
        });
        let all = in_slots
            .chain(in_flight)
            .chain(in_rings.flatten().copied())
            .chain(self.files_in_calls())
            .chain(self.files_in_callbacks());
        for file in all {
            *holders.entry(file).or_default() += 1;
        }
        for (id, file) in self.files.iter() {
            let held = holders.remove(&id).unwrap_or(0);
            equal(&format!("references of {id:?}"), file.references, held)?;
            hold(held > 0, || format!("{id:?} is held by nobody"))?;
        }
        hold(holders.is_empty(), || {
            format!("these are held and gone: {holders:?}")
        })
    }

    fn check_tables(&self) -> Check {
        let mut users = BTreeMap::<TableId, u32>::new();
        let mut epitems = BTreeMap::<TableId, u32>::new();
        for (_, task) in self.tasks.iter() {
            *users.entry(task.table).or_default() += 1;
        }
        for (_, epitem) in self.epitems.iter() {
            *epitems.entry(epitem.owner).or_default() += 1;
        }
        for (id, table) in self.tables.iter() {
            equal(
                &format!("users of {id:?}"),
                table.users,
                users.remove(&id).unwrap_or(0),
            )?;
            let owned = epitems.remove(&id).unwrap_or(0);
            equal(&format!("epitems of {id:?}"), table.epitems, owned)?;
            hold(table.users + owned > 0, || {
                format!("{id:?} is used by nobody")
            })?;
            table.check().map_err(|why| format!("{id:?}: {why}"))?;
        }
        hold(users.is_empty(), || {
            format!("tasks use tables that are gone: {users:?}")
        })?;
        hold(epitems.is_empty(), || {
            format!("epitems name tables that are gone: {epitems:?}")
        })
    }

    fn check_processes(&self) -> Check {
        let mut sighand_users = BTreeMap::<_, u32>::new();
        for (id, process) in self.processes.iter() {
            let says = |what: &str| format!("{id:?} ({:?}) {what}", process.pid);
            let is_running = process.life == Life::Running;
            equal(
                &says("has threads"),
                !process.threads.is_empty(),
                is_running,
            )?;
            for thread in &process.threads {
                let task = self
                    .tasks
                    .get(*thread)
                    .ok_or_else(|| says("has lost a thread"))?;
                equal(&says("owns its threads"), task.process, id)?;
                equal(&says("shares its handlers"), task.sighand, process.sighand)?;
            }
            if process.life != Life::Reaped {
                *sighand_users.entry(process.sighand).or_default() += 1;
            } else {
                hold(process.pidfds > 0, || says("is reaped, and nobody's"))?;
                hold(process.parent.is_none(), || says("is reaped, and a child"))?;
            }
            let children = walk(process.children, &self.processes, Process::sibling)?;
            for child in children {
                equal(
                    &says("is its children's parent"),
                    self.processes[child].parent,
                    Some(id),
                )?;
            }
            if let Some(parent) = process.parent {
                let siblings = self.children(parent).filter(|child| *child == id);
                equal(&says("is its parent's child"), siblings.count(), 1)?;
            }
        }
        for (tid, task) in self.tasks.iter() {
            let threads = &self.processes[task.process].threads;
            equal(
                &format!("places of {tid:?}"),
                threads.iter().filter(|t| **t == tid).count(),
                1,
            )?;
            let waiting = task.waiting.as_ref();
            let waits_for_child = waiting.is_some_and(|w| matches!(w.call, Call::Wait4 { .. }));
            let waiters = &self.processes[task.process].waiters;
            hold(waits_for_child == waiters.contains(&tid), || {
                format!("{tid:?} is in wait4(2), or among the waiters, and not in both")
            })?;
            if let Some(parent) = task.vfork_parent {
                let waiting = self
                    .tasks
                    .get(parent)
                    .and_then(|task| task.waiting.as_ref());
                let waits = waiting.is_some_and(|w| matches!(w.call, Call::Vfork { .. }));
                hold(waits, || format!("{tid:?} is nobody's vfork child"))?;
            }
        }
        for (id, sighand) in self.sighands.iter() {
            let users = sighand_users.remove(&id).unwrap_or(0);
            equal(&format!("users of {id:?}"), sighand.users, users)?;
            hold(users > 0, || format!("{id:?} is used by nobody"))?;
        }
        hold(sighand_users.is_empty(), || {
            "a process has lost its handlers".into()
        })
    }

    fn check_numbers(&self) -> Check {
        for (tid, task) in self.tasks.iter() {
            let numbered = self.pids.get(&task.pid).and_then(|numbered| numbered.task);
            equal(&format!("who answers to {}", task.pid), numbered, Some(tid))?;
        }
        for (pid, numbered) in self.pids.iter() {
            let process = self.processes.get(numbered.process);
            let process = process.ok_or_else(|| format!("{pid} names a process that is gone"))?;
            hold(process.life != Life::Reaped, || {
                format!("{pid} names a reaped process")
            })?;
            match numbered.task {
                Some(task) => {
                    let task = self.tasks.get(task);
                    let is_right =
                        task.is_some_and(|t| t.pid == *pid && t.process == numbered.process);
                    hold(is_right, || format!("{pid} names another task"))?;
                }
                None => equal("the number of a leader that ended", process.pid, *pid)?,
            }
        }
        for (_, process) in self
            .processes
            .iter()
            .filter(|(_, p)| p.life != Life::Reaped)
        {
            let is_numbered = self.pids.contains_key(&process.pid);
            hold(is_numbered, || format!("{} is not numbered", process.pid))?;
        }
        Ok(())
    }

    fn check_pidfds(&self) -> Check {
        let mut pidfds = BTreeMap::<_, u32>::new();
        for (id, file) in self.files.iter() {
            if let FileKind::Pidfd { process, of, .. } = file.kind {
                *pidfds.entry(process).or_default() += 1;
                if let PidfdOf::Thread(tid) = of {
                    let task = self.tasks.get(tid);
                    let is_right = task.is_some_and(|t| t.has_pidfd && t.process == process);
                    hold(is_right, || {
                        format!("{id:?} stands for a thread that is gone")
                    })?;
                }
            }
        }
        for (id, process) in self.processes.iter() {
            let count = pidfds.remove(&id).unwrap_or(0);
            equal(&format!("pidfds of {id:?}"), process.pidfds, count)?;
        }
        hold(pidfds.is_empty(), || {
            format!("pidfds of what is gone: {pidfds:?}")
        })
    }

    fn check_instances(&self) -> Check {
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

    fn check_registrations(&self) -> Check {
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

    fn check_keys(&self) -> Check {
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
    fn check_wait_queues(&self) -> Check {
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

    fn check_sleepers(&self) -> Check {
        for (tid, task) in self.tasks.iter() {
            let Some(waiting) = &task.waiting else {
                continue;
            };
            hold(waiting.is_holding, || {
                format!("{tid:?} sleeps and holds nothing")
            })?;
            for place in &waiting.entries {
                let waiter = self.waits.waiter(*place);
                let is_own = match waiter {
                    Some(
                        Waiter::Task(other) | Waiter::Receiver(other) | Waiter::Poller(other, _),
                    ) => other == tid,
                    _ => false,
                };
                hold(is_own, || {
                    format!("{tid:?} sleeps at another's place: {waiter:?}")
                })?;
            }
            if matches!(
                waiting.call,
                Call::EpollWait(_) | Call::Read(_) | Call::Write(_)
            ) {
                equal(&format!("places of {tid:?}"), waiting.entries.len(), 1)?;
            }
        }
        Ok(())
    }

    fn check_pipes(&self) -> Check {
        let mut ends = 0;
        for (id, file) in self.files.iter() {
            if let FileKind::Pipe { pipe, .. } = file.kind {
                hold(self.pipes.get(pipe).is_some(), || {
                    format!("{id:?} has lost its pipe")
                })?;
                ends += 1;
            }
        }
        let counted: u32 = self.pipes.iter().map(|(_, pipe)| pipe.ends()).sum();
        equal("ends of pipes", counted, ends)
    }

    fn check_sockets(&self) -> Check {
        let mut sockets = BTreeSet::new();
        for (id, file) in self.files.iter() {
            if let FileKind::Socket(socket) = file.kind {
                hold(sockets.insert(socket), || {
                    format!("{id:?} shares its socket")
                })?;
            }
        }
        equal("sockets, to their files", self.sockets.len(), sockets.len())?;
        let mut in_flight = 0;
        for (id, socket) in self.sockets.iter() {
            let is_socket = |f: &FileId| matches!(self.files[*f].kind, FileKind::Socket(_));
            in_flight += socket.rights_in_flight().filter(is_socket).count();
            if let Some(peer) = socket.peer() {
                let peer = self.sockets.get(peer);
                let peer = peer.ok_or_else(|| format!("{id:?} has a peer that is gone"))?;
                equal(&format!("the peer of {id:?}'s peer"), peer.peer(), Some(id))?;
                equal(
                    &format!("unread of {id:?}"),
                    socket.unread_by_peer(),
                    peer.queued_weight(),
                )?;
            }
        }
        equal(
            "sockets in flight",
            *self.sockets_in_flight as usize,
            in_flight,
        )
    }

    fn check_devices(&self) -> Check {
        let (mut devices, mut buffers) = (0, 0);
        for (_, file) in self.files.iter() {
            match file.kind {
                FileKind::Device(device) => {
                    devices += 1;
                    hold(self.devices.get(device).is_some(), || {
                        "a device is gone".into()
                    })?;
                }
                FileKind::Buffer(_) => buffers += 1,
                _ => {}
            }
        }
        equal("buffers, to their files", self.buffers.len(), buffers)?;
        let open = self.devices.iter().filter(|(_, d)| d.is_open()).count();
        equal("open devices, to their files", open, devices)?;
        let listed: usize = self.devices.iter().map(|(_, d)| d.buffers().len()).sum();
        equal("buffers of devices", listed, self.buffers.len())
    }

    fn check_alarms(&self) -> Check {
        for (date_ns, alarm) in self.clock.alarms() {
            let is_right = match alarm {
                Alarm::Timer(file) => match self.files.get(file).map(|file| &file.kind) {
                    Some(FileKind::Timerfd(timer)) => timer.next_alarm_ns() == Some(date_ns),
                    _ => false,
                },
                Alarm::Timeout(tid) => {
                    let waiting = self.tasks.get(tid).and_then(|task| task.waiting.as_ref());
                    waiting.is_some_and(|w| w.deadline_ns == Some(date_ns))
                }
            };
            hold(is_right, || {
                format!("an alarm for nobody at {date_ns}: {alarm:?}")
            })?;
        }
        let due: BTreeSet<_> = self.clock.alarms().collect();
        for (id, file) in self.files.iter() {
            if let FileKind::Timerfd(timer) = &file.kind
                && let Some(date_ns) = timer.next_alarm_ns()
            {
                let is_set = due.contains(&(date_ns, Alarm::Timer(id)));
                hold(is_set, || format!("{id:?} will not expire"))?;
            }
        }
        for (tid, task) in self.tasks.iter() {
            if let Some(date_ns) = task.waiting.as_ref().and_then(|w| w.deadline_ns) {
                let is_set = due.contains(&(date_ns, Alarm::Timeout(tid)));
                hold(is_set, || format!("{tid:?} will sleep for ever"))?;
            }
        }
        Ok(())
    }

    /// When every task has gone, and the embedder holds nothing, nothing is.
    fn check_nothing_is_left(&self) -> Check {
        if self.tasks.len() > 0 || !self.holds.is_empty() {
            return Ok(());
        }
        let left = [
            ("processes", self.processes.len()),
            ("handlers", self.sighands.len()),
            ("tables", self.tables.len()),
            ("files", self.files.len()),
            ("pipes", self.pipes.len()),
            ("sockets", self.sockets.len()),
            ("devices", self.devices.len()),
            ("buffers", self.buffers.len()),
            ("instances", self.epolls.len()),
            ("epitems", self.epitems.len()),
            ("keys", self.keys.len()),
            ("numbers", self.pids.len()),
            ("alarms", self.clock.alarms().count()),
        ];
        for (what, count) in left {
            equal(&format!("{what} left behind"), count, 0)?;
        }
        Ok(())
    }
}

/// The things on a list, whose links must agree in both directions.
fn walk<I: Id + Debug + PartialEq, T: Clone>(
    list: Head<I>,
    things: &Arena<I, T>,
    links: LinksOf<I, T>,
) -> Result<Vec<I>, String> {
    list.check(things, links)
}

fn hold(condition: bool, say_fn: impl FnOnce() -> String) -> Check {
    if condition { Ok(()) } else { Err(say_fn()) }
}

fn equal<T: Copy + PartialEq + Debug>(what: &str, found: T, expected: T) -> Check {
    hold(found == expected, || {
        format!("{what}: {found:?}, not {expected:?}")
    })
}
