//! Looking into a kernel from outside, and editing its world to follow a log.
//!
//! A program cannot do what is here: see every table, hold a file without a
//! fd, put a file where no call put one.

use crate::epoll::Epitem;
use crate::fs::{FileKind, Opaque};
use crate::fs::{Holder, Slot};
use crate::store::{EpitemId, EpollId, Fd, FileId, Pid, QueueId, TableId, Tid};
use crate::task::Life;
use crate::wait::Limit;
use crate::{CustomFile, EpollEvent, Errno, Events, Kernel};

/// A registration, seen from outside: what a row of fdinfo shows, and more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Registration {
    /// Tells it from every other one, while it lives.
    pub id: EpitemId,
    /// The instance that it belongs to.
    pub epoll: EpollId,
    /// The watched file; it need not be the one that [`fd`](Self::fd) names now.
    pub file: FileId,
    /// The fd it was registered under.
    pub fd: Fd,
    /// The table it was registered through; it may be gone.
    pub owner: TableId,
    /// What is watched, and the caller's word.
    pub event: EpollEvent,
    /// True if it is on the ready list, maybe in vain.
    pub is_ready: bool,
}

/// An fd of a table, seen from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Descriptor {
    /// The open file description that it names.
    pub file: FileId,
    /// True if an exec closes it (`FD_CLOEXEC`).
    pub is_cloexec: bool,
    /// It came with a copied table, and was not made there.
    pub is_inherited: bool,
}

/// A task, seen from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TaskView {
    /// Its own number, which gettid(2) gives.
    pub pid: Pid,
    /// The pid of its process.
    pub process: Pid,
    /// The table that its calls use; other tasks may share it.
    pub table: TableId,
    /// True while it waits in a call.
    pub is_blocked: bool,
}

impl Kernel {
    /// Puts a file nobody opened at an fd of the caller's table, closing
    /// what was there: for a log that begins in mid-life.
    pub fn assume_fd(&mut self, tid: Tid, fd: Fd, kind: Opaque) -> FileId {
        let file = self.new_file(FileKind::Opaque(kind), crate::abi::flags::O_RDWR);
        self.place(tid, fd, file, false);
        file
    }

    /// An assumed descriptor turns out to be an instance.
    pub fn assume_epoll(&mut self, tid: Tid, fd: Fd) -> Result<FileId, Errno> {
        self.forget_fd(tid, fd);
        // The call that makes instances makes this one too; only the fd that it takes is dictated.
        self.dictate_fds(&[fd]);
        self.epoll_create1(tid, 0)?;
        self.raw_file_at(tid, fd)
    }

    /// Puts another reference on a file at an fd, closing what was there.
    pub fn share_fd(&mut self, tid: Tid, fd: Fd, file: FileId, is_cloexec: bool) {
        self.get(file);
        self.place(tid, fd, file, is_cloexec);
    }

    fn place(&mut self, tid: Tid, fd: Fd, file: FileId, is_cloexec: bool) {
        self.forget_fd(tid, fd);
        self.install(
            tid,
            fd,
            Slot {
                file,
                is_cloexec,
                is_inherited: false,
            },
        );
    }

    /// A close that the log does not show.
    pub fn forget_fd(&mut self, tid: Tid, fd: Fd) {
        if self.close(tid, fd).is_ok() {
            self.settle();
        }
    }

    /// Takes a reference that no table has: a file in flight somewhere the
    /// model does not follow.
    pub fn hold(&mut self, file: FileId) {
        *self.holds.entry(file).or_default() += 1;
        self.get(file);
    }

    /// Drops what [`hold`](Kernel::hold) took.
    ///
    /// # Panics
    ///
    /// If nothing was taken, or all of it was dropped.
    pub fn unhold(&mut self, file: FileId) {
        let count = self
            .holds
            .get_mut(&file)
            .expect("only what is held is dropped");
        *count -= 1;
        if *count == 0 {
            self.holds.remove(&file);
        }
        self.put(file);
        *self.is_collection_due = true;
        self.settle();
    }

    /// A process ends by a signal the log tells of.
    pub fn kill_task(&mut self, tid: Tid, signal: u32) {
        let process = self.tasks[tid].process;
        self.kill_group(process, signal as i32);
        self.settle();
    }

    /// A dead process is forgotten though no `wait4(2)` was seen, so that its pid is free.
    pub fn reap_pid(&mut self, pid: Pid) {
        if let Some(process) = self.process_numbered(pid)
            && matches!(self.processes[process].life, Life::Zombie(_))
        {
            self.reap(process);
        }
    }

    /// Puts a file of the embedder's own kind at the lowest free fd.
    pub fn open_custom(
        &mut self,
        tid: Tid,
        file: Box<dyn CustomFile>,
        flags: u32,
    ) -> Result<Fd, Errno> {
        self.room_for_fds(tid, 1)?;
        let queue = self.waits.create();
        self.install_new(tid, FileKind::Custom(file, queue), flags)
    }

    /// Changes a file of the embedder's own kind, and tells those who wait
    /// for `key`; an empty key tells everyone.
    pub fn change_custom(
        &mut self,
        tid: Tid,
        fd: Fd,
        key: Events,
        change_fn: impl FnOnce(&mut dyn CustomFile),
    ) -> Result<(), Errno> {
        let file = self.file_at(tid, fd)?;
        let FileKind::Custom(custom, queue) = &mut self.files[file].kind else {
            return Err(Errno::EINVAL);
        };
        change_fn(custom.as_mut());
        let queue: QueueId = *queue;
        self.wake(queue, Limit::One, key);
        self.settle();
        Ok(())
    }

    /// The tasks that can still make calls, blocked ones too, but no zombies.
    pub fn tasks(&self) -> impl Iterator<Item = (Tid, TaskView)> + '_ {
        self.tasks.iter().map(|(tid, task)| (tid, self.view(task)))
    }

    /// One task, while it lives.
    pub fn task(&self, tid: Tid) -> Option<TaskView> {
        Some(self.view(self.tasks.get(tid)?))
    }

    /// The live threads of a task's process, itself among them.
    pub fn threads(&self, tid: Tid) -> &[Tid] {
        let task = self.tasks.get(tid);
        task.map_or(&[], |task| &self.processes[task.process].threads)
    }

    fn view(&self, task: &crate::task::Task) -> TaskView {
        TaskView {
            pid: task.pid,
            process: self.processes[task.process].pid,
            table: task.table,
            is_blocked: task.waiting.is_some(),
        }
    }

    /// The open fds of a task's table, ascending, each with its file and
    /// whether it is marked close-on-exec.
    pub fn fds(&self, tid: Tid) -> impl Iterator<Item = (Fd, FileId, bool)> + '_ {
        self.tables[self.tasks[tid].table]
            .iter()
            .map(|(fd, slot)| (fd, slot.file, slot.is_cloexec))
    }

    /// The file an fd names in a task's table.
    pub fn fd(&self, tid: Tid, fd: Fd) -> Option<FileId> {
        self.tables[self.tasks[tid].table].file(fd)
    }

    /// An fd of a task's table with all that is known of it.
    pub fn descriptor(&self, tid: Tid, fd: Fd) -> Option<Descriptor> {
        let slot = self.tables[self.tasks[tid].table].slot(fd)?;
        let Slot {
            file,
            is_cloexec,
            is_inherited,
        } = *slot;
        Some(Descriptor {
            file,
            is_cloexec,
            is_inherited,
        })
    }

    /// One past the highest fd that was ever open in a task's table.
    pub fn table_capacity(&self, tid: Tid) -> usize {
        self.tables[self.tasks[tid].table].capacity()
    }

    /// The sum of the capacities of all tables: what they cost in memory.
    pub fn total_capacity(&self) -> usize {
        self.tables.iter().map(|(_, table)| table.capacity()).sum()
    }

    /// The file an fd names in a table, if the table lives.
    pub fn fd_in(&self, table: TableId, fd: Fd) -> Option<FileId> {
        self.tables.get(table)?.file(fd)
    }

    /// True while some task uses the table.
    pub fn is_table_alive(&self, table: TableId) -> bool {
        self.tables.get(table).is_some_and(|table| table.users > 0)
    }

    /// The instance behind a file, if it is one.
    pub fn epoll_of(&self, file: FileId) -> Option<EpollId> {
        self.files.get(file)?.epoll()
    }

    /// The file of an instance.
    pub fn epoll_file(&self, epoll: EpollId) -> Option<FileId> {
        Some(self.epolls.get(epoll)?.file)
    }

    /// The instances whose file has not been released.
    pub fn epolls(&self) -> impl Iterator<Item = EpollId> + '_ {
        self.epolls.iter().map(|(id, _)| id)
    }

    /// An instance's registrations, in the order they were made.
    pub fn registrations(&self, epoll: EpollId) -> impl Iterator<Item = Registration> + '_ {
        let first = self
            .epolls
            .get(epoll)
            .and_then(|instance| instance.interest.first());
        std::iter::successors(first, |id| self.epitems[*id].of_epoll.next())
            .map(|id| self.registered(id))
    }

    /// A file's registrations in every instance, the newest first.
    pub fn registrations_of_file(&self, file: FileId) -> impl Iterator<Item = Registration> + '_ {
        let first = self.files.get(file).and_then(|file| file.epitems.first());
        std::iter::successors(first, |id| self.epitems[*id].of_file.next())
            .map(|id| self.registered(id))
    }

    /// The registration `epoll_ctl(2)` by this task would find.
    pub fn find_registration(
        &self,
        tid: Tid,
        epoll: EpollId,
        file: FileId,
        fd: Fd,
    ) -> Option<Registration> {
        self.ep_find(epoll, file, fd, self.tasks[tid].table)
            .map(|id| self.registered(id))
    }

    /// True while a registration is there.
    pub fn is_registered(&self, id: EpitemId) -> bool {
        self.epitems.get(id).is_some()
    }

    /// A registration by its name.
    pub fn registration(&self, id: EpitemId) -> Option<Registration> {
        self.epitems.get(id).map(|_| self.registered(id))
    }

    fn registered(&self, id: EpitemId) -> Registration {
        let Epitem {
            epoll,
            file,
            fd,
            owner,
            events,
            data,
            is_ready,
            ..
        } = self.epitems[id];
        Registration {
            id,
            epoll,
            file,
            fd,
            owner,
            event: EpollEvent { events, data },
            is_ready,
        }
    }

    /// How many references a file has.
    pub fn references(&self, file: FileId) -> u32 {
        self.files.get(file).map_or(0, |file| file.references)
    }

    /// Who keeps a file alive, one entry for each reference; what is left
    /// over was taken with [`hold`](Kernel::hold).
    pub fn holders(&self, file: FileId) -> Vec<Holder> {
        let mut holders = Vec::new();
        for (table, numbers) in self.tables.iter() {
            let naming = numbers.iter().filter(|(_, slot)| slot.file == file);
            holders.extend(naming.map(|(fd, _)| Holder::Slot { table, fd }));
        }
        let in_flight = self
            .sockets
            .iter()
            .flat_map(|(_, socket)| socket.rights_in_flight());
        holders.extend(
            in_flight
                .filter(|held| *held == file)
                .map(|_| Holder::InFlight),
        );
        let rings = self.files.iter().filter_map(|(_, ring)| match &ring.kind {
            FileKind::Ring { files } => Some(files.iter().flatten()),
            _ => None,
        });
        holders.extend(
            rings
                .flatten()
                .filter(|held| **held == file)
                .map(|_| Holder::Ring),
        );
        let calls = self.files_in_calls().chain(self.files_in_callbacks());
        holders.extend(calls.filter(|held| *held == file).map(|_| Holder::Call));
        holders
    }

    /// How many files, registrations, tables and tasks there are.
    pub fn census(&self) -> [usize; 4] {
        [
            self.files.len(),
            self.epitems.len(),
            self.tables.iter().filter(|(_, t)| t.users > 0).count(),
            self.tasks.len(),
        ]
    }
}
