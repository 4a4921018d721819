//! Another process's file, copied for a moment and asked about its state.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use rustix::event::PollFlags;
use rustix::io::Errno;

use super::{copy_of, file, instance_ready, ready};

/// A copy of another process's file, by `pidfd_getfd(2)`: it shares the file's state and changes nothing of it.
///
/// A copy keeps the file open, so hold it only for the questions: the process's own close would not release the file
/// meanwhile.
#[derive(Debug)]
pub struct FileCopy(OwnedFd);

/// How far a TCP connection has come: it moves with every byte that is received, and with every one that the peer has
/// acknowledged. Linux: `struct tcp_info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TcpProgress {
    /// Bytes that came in.
    pub received: u64,
    /// Bytes that the peer has acknowledged.
    pub acknowledged: u64,
}

impl FileCopy {
    /// Copies a process's file.
    ///
    /// # Errors
    ///
    /// `EBADF` if the fd is closed, `EPERM` if this process may not attach to that one (ptrace(2), "access mode
    /// checking"), `ENOSYS` before Linux 5.6, `ESRCH` if the process has ended.
    pub fn of(pid: u32, fd: i32) -> Result<FileCopy, std::io::Error> {
        copy_of(pid, fd)
            .map(FileCopy)
            .map_err(|errno: Errno| errno.into())
    }

    /// What `poll(2)` says of it now, as `poll`'s bits: those of `events` that it has, and hang-ups and errors unasked.
    /// `None` for a signalfd and for an instance, whose answers depend on who asks.
    pub fn ready(&self, events: u16) -> Option<u16> {
        let polled = ready(&self.0, PollFlags::from_bits_retain(events));
        polled.ok().map(|flags| flags.bits())
    }

    /// The same of an instance: each file in it is asked in turn, so this must be no signalfd, nor an instance with one.
    /// See [`Snapshot::can_be_polled`](crate::Snapshot::can_be_polled).
    pub fn instance_ready(&self) -> u16 {
        let polled = instance_ready(&self.0);
        polled.map_or(0, |flags| flags.bits())
    }

    /// Bytes that nobody has read; `None` for a file that does not count them. `ioctl(2)`: `FIONREAD`.
    pub fn unread(&self) -> Option<i32> {
        file::unread(&self.0)
    }

    /// Bytes that are not sent yet; `None` for a file that does not count them. `ioctl(2)`: `TIOCOUTQ`.
    pub fn unsent(&self) -> Option<i32> {
        file::unsent(&self.0)
    }

    /// True for a socket that listens. `getsockopt(2)`: `SO_ACCEPTCONN`.
    pub fn is_listening(&self) -> bool {
        rustix::net::sockopt::socket_acceptconn(&self.0) == Ok(true)
    }

    /// A TCP listener's connections that nobody has accepted, and how many it holds at most.
    pub fn backlog(&self) -> Option<(u32, u32)> {
        let info = file::tcp_info(&self.0)?;
        let word = |at: usize| u32::from_ne_bytes(info[at..at + 4].try_into().expect("four bytes"));
        // Linux: tcp_get_info, which puts a listener's backlog where a connection has its lost segments.
        Some((word(file::TCPI_UNACKED), word(file::TCPI_SACKED)))
    }

    /// How far a TCP connection has come; `None` for any other file.
    pub fn tcp(&self) -> Option<TcpProgress> {
        let info = file::tcp_info(&self.0)?;
        let word =
            |at: usize| u64::from_ne_bytes(info[at..at + 8].try_into().expect("eight bytes"));
        Some(TcpProgress {
            received: word(file::TCPI_BYTES_RECEIVED),
            acknowledged: word(file::TCPI_BYTES_ACKED),
        })
    }

    /// Who made a pair of unix sockets, or listened for this connection. `getsockopt(2)`: `SO_PEERCRED`.
    pub fn made_by(&self) -> Option<u32> {
        file::peer_of(&self.0)
    }

    /// The addresses of an internet socket's two ends.
    pub fn addresses(&self) -> Option<(SocketAddr, Option<SocketAddr>)> {
        let local = rustix::net::getsockname(&self.0).ok()?;
        let peer = rustix::net::getpeername(&self.0).ok().flatten();
        Some((
            SocketAddr::try_from(local).ok()?,
            peer.and_then(|peer| SocketAddr::try_from(peer).ok()),
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd as _;

    use super::FileCopy;

    /// Copying from oneself needs no privilege, but a sandbox may refuse the call.
    #[test]
    fn a_connections_progress_and_a_listeners_backlog_are_told() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let own = std::process::id();
        let Ok(copy) = FileCopy::of(own, listener.as_raw_fd()) else {
            return;
        };
        let mut client = TcpStream::connect(listener.local_addr().expect("it")).expect("connects");
        assert!(copy.is_listening());
        assert_eq!(copy.backlog().map(|(queued, _)| queued), Some(1));
        let (served, _) = listener.accept().expect("accepts");
        assert_eq!(copy.backlog().map(|(queued, _)| queued), Some(0));
        client.write_all(b"hello").expect("writes");
        let copy = FileCopy::of(own, served.as_raw_fd()).expect("as before");
        assert!(!copy.is_listening());
        assert_eq!(copy.tcp().map(|tcp| tcp.received), Some(5));
        assert_eq!(copy.unread(), Some(5));
        let peer = copy.addresses().expect("two ends").1;
        assert_eq!(peer, client.local_addr().ok());
    }
}
