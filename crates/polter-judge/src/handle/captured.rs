//! Fills the worlds with what was captured before the log began.

use crate::input::{
    CtlOp, Made, Past, PastInstance, PastName, PastProcess, PastRegistration, ctl_call, is_fd,
};
use crate::judge::Judge;
use crate::state::MAX_TASKS;
use eventpoll::syscall::flags;
use eventpoll::{Fd, Opaque, Pid, Syscall, Tid};
use rustc_hash::FxHashMap;

/// Most fds that are taken over, of all processes together.
const MAX_FDS: usize = 1 << 20;

impl Judge {
    /// Fills the worlds with what was captured. Call it before reading: nothing may have been read yet.
    ///
    /// A registration whose fd names its file in no process is left out. Its events count as those of a registration
    /// the log does not show.
    pub fn begin_with(&mut self, past: &Past) {
        let mut tids = FxHashMap::default();
        for process in &past.processes {
            self.was_there(process, &mut tids);
        }
        for instance in &past.instances {
            self.instance_was_there(instance, &tids);
        }
        self.coverage.registered_before = self.registrations.made;
        // The other open fds come last: an instance or a registered file may have made some of them already.
        let mut budget = MAX_FDS;
        for process in &past.processes {
            let Some(tid) = tids.get(&process.pid) else {
                continue;
            };
            for fd in &process.open {
                if is_fd(*fd) && budget > 0 && self.worlds.base().fd(*tid, Fd(*fd)).is_none() {
                    budget -= 1;
                    self.file_was_there(*tid, Fd(*fd));
                }
            }
        }
    }

    fn was_there(&mut self, process: &PastProcess, tids: &mut FxHashMap<u32, Tid>) {
        let is_new = |judge: &Judge, pid: u32| {
            pid > 0 && i32::try_from(pid).is_ok() && judge.tasks.tid(pid).is_none()
        };
        if !is_new(self, process.pid) || self.tasks.is_full() {
            return;
        }
        let leader = self.worlds.spawn(Pid(process.pid as i32));
        self.tasks.was_there(process.pid, leader);
        self.coverage.silent.insert(process.pid);
        tids.insert(process.pid, leader);
        for thread in process.threads.iter().take(MAX_TASKS) {
            if !is_new(self, *thread) || self.tasks.is_full() {
                continue;
            }
            let pid = Pid(*thread as i32);
            let flags =
                flags::CLONE_VM | flags::CLONE_FILES | flags::CLONE_SIGHAND | flags::CLONE_THREAD;
            self.worlds.each(|kernel| {
                kernel.dictate_pid(pid);
                kernel.call(leader, &Syscall::Clone { flags });
            });
            if let Some(tid) = self.worlds.base().tid(pid) {
                self.tasks.was_there(*thread, tid);
                self.coverage.silent.insert(*thread);
            }
        }
    }

    fn file_was_there(&mut self, tid: Tid, fd: Fd) {
        self.worlds.each(|kernel| {
            kernel.assume_fd(tid, fd, Opaque::Pollable);
        });
        self.label(tid, fd, Made::Other, None);
    }

    fn instance_was_there(&mut self, instance: &PastInstance, tids: &FxHashMap<u32, Tid>) {
        let names = instance.names.iter().filter(|name| is_fd(name.fd));
        let known = names.filter_map(|name| Some((*tids.get(&name.pid)?, *name)));
        let known: Vec<(Tid, PastName)> = known.collect();
        let Some((first, name)) = known.first().copied() else {
            return;
        };
        let epfd = Fd(name.fd);
        self.worlds.each(|kernel| {
            // Nothing has this fd yet, so it cannot fail.
            let _ = kernel.assume_epoll(first, epfd);
        });
        if name.is_cloexec {
            self.mark_cloexec(first, epfd);
        }
        self.label(first, epfd, Made::Epoll, None);
        for (tid, name) in &known[1..] {
            self.share(first, epfd, *tid, Fd(name.fd), name.is_cloexec);
        }
        let base = self.worlds.base();
        if let Some(epoll) = base.fd(first, epfd).and_then(|file| base.epoll_of(file)) {
            self.coverage.was_there(epoll);
        }
        for registration in &instance.registrations {
            self.registration_was_there(registration, &known, tids);
        }
    }

    fn registration_was_there(
        &mut self,
        registration: &PastRegistration,
        names: &[(Tid, PastName)],
        tids: &FxHashMap<u32, Tid>,
    ) {
        let fd = Fd(registration.fd);
        let named = |pid: &u32| names.iter().find(|(_, name)| name.pid == *pid);
        let owner = registration.named_in.iter().find_map(named);
        let Some((tid, name)) = owner.filter(|_| is_fd(fd.0)).copied() else {
            return;
        };
        if self.worlds.base().fd(tid, fd).is_none() {
            self.file_was_there(tid, fd);
        }
        let others = registration.named_in.iter().map(|pid| (*pid, fd.0));
        for (pid, other_fd) in others.chain(registration.held_by.iter().copied()) {
            if let Some(other) = tids.get(&pid).filter(|_| is_fd(other_fd)) {
                self.share(tid, fd, *other, Fd(other_fd), false);
            }
        }
        let epfd = Fd(name.fd);
        self.worlds.each(|kernel| {
            kernel.call(tid, &ctl_call(epfd, CtlOp::Add, fd, registration.data));
        });
        self.register(name.pid, tid, epfd, fd, registration.data, None);
    }

    /// Gives a file one more name, if nothing has that name yet.
    fn share(&mut self, tid: Tid, fd: Fd, other: Tid, other_fd: Fd, is_cloexec: bool) {
        if self.worlds.base().fd(other, other_fd).is_some() {
            return;
        }
        let files = self.worlds.files_at(tid, fd);
        self.worlds.each_with(&files, |kernel, file| {
            kernel.share_fd(other, other_fd, file, is_cloexec);
        });
    }

    fn mark_cloexec(&mut self, tid: Tid, fd: Fd) {
        let cmd = eventpoll::syscall::Fcntl::SetFd(flags::FD_CLOEXEC);
        self.worlds.each(|kernel| {
            kernel.call(tid, &Syscall::Fcntl { fd, cmd });
        });
    }
}
