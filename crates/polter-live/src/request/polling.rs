//! Epoll and poll.

use super::{Encoded, Encoder, SIGSET_LEN, int, num, plain, waiting};
use crate::error::ExecutorError;
use crate::reply::Reply;
use crate::sys::layout::{Address, EVENT_DATA, EVENT_LEN};
use eventpoll::syscall::{Buffer, SigMask, UserTimespec};
use eventpoll::{EpollEvent, PollFd, Syscall};

/// Room for so many events where there is "memory enough".
const EVENTS_ENOUGH: u64 = 100_000;
/// The most events that a wait may ask for on x86-64, and in the model.
const MODEL_MOST_EVENTS: i32 = i32::MAX / 12;

impl Encoder<'_, '_> {
    pub(super) fn polling(&mut self, call: &Syscall) -> Encoded {
        Ok(match *call {
            Syscall::EpollCreate { size } => return self.epoll_create(size),
            Syscall::EpollCreate1 { flags } => plain(libc::SYS_epoll_create1, &[flags.into()]),
            Syscall::EpollCtl {
                epfd,
                op,
                fd,
                event,
            } => {
                let event = self.event(event)?;
                plain(libc::SYS_epoll_ctl, &[num(epfd), op.into(), num(fd), event])
            }
            Syscall::EpollWait {
                epfd,
                buffer,
                maxevents,
                timeout_ms,
            } => {
                let at = self.events(buffer, maxevents)?;
                let args = [num(epfd), at.0, int(maxevents), int(timeout_ms)];
                return self.epoll_wait(args, Reply::Events(at));
            }
            Syscall::EpollPwait {
                epfd,
                buffer,
                maxevents,
                timeout_ms,
                mask,
            } => {
                let at = self.events(buffer, maxevents)?;
                let [mask, len] = self.mask(mask)?;
                let args = [num(epfd), at.0, int(maxevents), int(timeout_ms), mask, len];
                waiting(libc::SYS_epoll_pwait, &args, Reply::Events(at))
            }
            Syscall::EpollPwait2 {
                epfd,
                buffer,
                maxevents,
                timeout,
                mask,
            } => {
                let at = self.events(buffer, maxevents)?;
                let timeout = self.timespec(timeout)?;
                let [mask, len] = self.mask(mask)?;
                let args = [num(epfd), at.0, int(maxevents), timeout, mask, len];
                waiting(libc::SYS_epoll_pwait2, &args, Reply::Events(at))
            }
            Syscall::Poll {
                ref fds,
                timeout_ms,
            } => {
                let at = self.poll_fds(fds)?;
                let (count, reply) = (fds.len() as u64, Reply::Polled(at, fds.clone()));
                return self.poll(at, count, timeout_ms, reply);
            }
            Syscall::Ppoll {
                ref fds,
                timeout,
                mask,
            } => {
                let at = self.poll_fds(fds)?;
                let timeout = self.timespec(timeout)?;
                let [mask, len] = self.mask(mask)?;
                let args = [at.0, fds.len() as u64, timeout, mask, len];
                waiting(libc::SYS_ppoll, &args, Reply::Polled(at, fds.clone()))
            }
            _ => unreachable!("sorted by `call`"),
        })
    }

    fn event(&mut self, event: Option<EpollEvent>) -> Result<u64, ExecutorError> {
        let Some(event) = event else {
            return Ok(Address::NULL.0);
        };
        let mut bytes = [0; EVENT_LEN as usize];
        bytes[..4].copy_from_slice(&event.events.bits().to_ne_bytes());
        bytes[EVENT_DATA as usize..].copy_from_slice(&event.data.to_ne_bytes());
        Ok(self.memory.put(&bytes)?.0)
    }

    fn events(&mut self, buffer: Buffer, maxevents: i32) -> Result<Address, ExecutorError> {
        // Linux: EP_MAX_EVENTS, which larger events make less.
        let most_events = i32::MAX / EVENT_LEN as i32;
        if (most_events + 1..=MODEL_MOST_EVENTS).contains(&maxevents) {
            return Err(ExecutorError::NotAvailable(
                "so many events: struct epoll_event is larger on this architecture",
            ));
        }
        match buffer {
            Buffer::Mapped => {
                let room = (maxevents.max(0) as u64).min(EVENTS_ENOUGH);
                self.memory.reserve(room * EVENT_LEN)
            }
            Buffer::Faults(0) => Ok(Address::NULL),
            Buffer::Faults(room) => self.memory.before_guard(u64::from(room) * EVENT_LEN),
            Buffer::KernelSpace => Ok(Address::KERNEL),
        }
    }

    fn poll_fds(&mut self, fds: &[PollFd]) -> Result<Address, ExecutorError> {
        let bytes: Vec<u8> = fds.iter().flat_map(poll_fd).collect();
        self.memory.put(&bytes)
    }

    fn mask(&mut self, mask: SigMask) -> Result<[u64; 2], ExecutorError> {
        Ok(match mask {
            SigMask::Null => [Address::NULL.0, SIGSET_LEN],
            SigMask::Set(set) => [self.memory.put_words(&[set])?.0, SIGSET_LEN],
            SigMask::WrongSize => [self.memory.put_words(&[0])?.0, SIGSET_LEN / 2],
            SigMask::Faults => [Address::FAULTS.0, SIGSET_LEN],
        })
    }

    fn timespec(&mut self, time: UserTimespec) -> Result<u64, ExecutorError> {
        Ok(match time {
            UserTimespec::Null => Address::NULL.0,
            UserTimespec::Time { sec, nsec } => {
                self.memory.put_words(&[sec as u64, nsec as u64])?.0
            }
            UserTimespec::Faults => Address::FAULTS.0,
        })
    }
}

fn poll_fd(entry: &PollFd) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&entry.fd.0.to_ne_bytes());
    bytes[4..6].copy_from_slice(&(entry.events.bits() as u16).to_ne_bytes());
    bytes
}
