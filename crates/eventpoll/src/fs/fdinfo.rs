//! What `/proc/PID/fdinfo/FD` shows.

use crate::abi::flags;
use crate::epoll::Epitem;
use crate::store::{EpollId, Fd, Tid};
use crate::{Errno, Kernel};
use std::fmt::Write as _;

impl Kernel {
    /// The text of fdinfo, in Linux's own columns: position and flags of
    /// every file, and the registrations of an instance, by file and fd.
    ///
    /// Mount, inode and device numbers are the model's own and mean nothing
    /// outside; the rows of other kinds of file are not modelled. `EBADF` if
    /// the fd is not open. Linux: `seq_show` of fs/proc/fd.c, `ep_show_fdinfo`.
    pub fn fdinfo(&self, tid: Tid, fd: Fd) -> Result<String, Errno> {
        let slot = self.slot_at(tid, fd)?;
        let file = &self.files[slot.file];
        let cloexec = if slot.is_cloexec { flags::O_CLOEXEC } else { 0 };
        let mut text = String::new();
        let ino = slot.file.slot();
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "pos:\t0\nflags:\t0{:o}\nmnt_id:\t0\nino:\t{ino}\n",
            file.flags | cloexec
        );
        if let Some(epoll) = file.epoll() {
            self.write_registrations(epoll, &mut text);
        }
        Ok(text)
    }

    fn write_registrations(&self, epoll: EpollId, text: &mut String) {
        let mut rows: Vec<&Epitem> = self
            .epitems_of(epoll)
            .into_iter()
            .map(|id| &self.epitems[id])
            .collect();
        rows.sort_by_key(|epitem| (epitem.file, epitem.fd));
        for Epitem {
            fd,
            events,
            data,
            file,
            ..
        } in rows
        {
            let (fd, events, ino) = (fd.0, events.bits(), file.slot());
            let _ = writeln!(
                text,
                "tfd: {fd:8} events: {events:8x} data: {data:16x}  pos:0 ino:{ino:x} sdev:0"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{EpollEvent, Events, Kernel, Pid, Policy};

    #[test]
    fn an_instance_lists_its_registrations_as_linux_does() {
        let mut kernel = Kernel::new(Policy::LAST_FPUT);
        let task = kernel.spawn(Pid(1));
        let epfd = kernel
            .epoll_create1(task, crate::abi::flags::O_CLOEXEC)
            .unwrap();
        let fd = kernel.eventfd(task, 0, 0).unwrap();
        let event = EpollEvent {
            events: Events::IN,
            data: 0xfe,
        };
        kernel.epoll_ctl(task, epfd, 1, fd, Some(event)).unwrap();
        let text = kernel.fdinfo(task, epfd).unwrap();
        assert!(text.starts_with("pos:\t0\nflags:\t02000002\n"), "{text}");
        assert!(
            text.contains(
                "tfd:        1 events:       19 data:               fe  pos:0 ino:1 sdev:0\n"
            ),
            "{text}"
        );
    }

    #[test]
    fn registrations_are_listed_by_file_and_number() {
        let mut kernel = Kernel::new(Policy::LAST_FPUT);
        let task = kernel.spawn(Pid(1));
        let epfd = kernel.epoll_create1(task, 0).unwrap();
        let older = kernel.eventfd(task, 0, 0).unwrap();
        let newer = kernel.eventfd(task, 0, 0).unwrap();
        let dup = kernel.dup(task, older).unwrap();
        for fd in [dup, newer, older] {
            let event = EpollEvent::default();
            kernel.epoll_ctl(task, epfd, 1, fd, Some(event)).unwrap();
        }
        let text = kernel.fdinfo(task, epfd).unwrap();
        let rows = text.lines().filter_map(|line| line.strip_prefix("tfd:"));
        let numbers = rows.map(|row| row.split_whitespace().next().unwrap());
        assert_eq!(numbers.collect::<Vec<_>>(), ["1", "3", "2"]);
    }
}
