//! Sockets are made, as pairs or as files nobody looks into, and shut down.

use super::{Socket, SocketKind};
use crate::abi::flags;
use crate::fs::{FileKind, Opaque};
use crate::store::{Fd, SocketId, Tid};
use crate::{Errno, Kernel};
use std::collections::VecDeque;

/// Families and kinds of sockets end before these. Linux: `NPROTO`, `SOCK_MAX`.
const AF_MAX: i32 = 46;
/// A family within the range that nobody has.
const AF_UNSPEC: i32 = 0;
const SOCK_MAX: u32 = 11;

impl Kernel {
    /// `socket(2)`: an opaque file, whatever it is for.
    pub fn socket(
        &mut self,
        caller: Tid,
        domain: i32,
        kind: u32,
        protocol: i32,
    ) -> Result<Fd, Errno> {
        let flags = socket_flags(kind)?;
        check_socket(domain, kind, protocol)?;
        self.open_opaque(caller, Opaque::Socket, flags | flags::O_RDWR)
    }

    /// `socketpair(2)`. Pairs of `AF_UNIX` are modelled. The fds are
    /// reserved before the kind is looked at. Linux: `__sys_socketpair`.
    pub fn socketpair(
        &mut self,
        caller: Tid,
        domain: i32,
        kind: u32,
        protocol: i32,
    ) -> Result<[Fd; 2], Errno> {
        let flags = socket_flags(kind)?;
        self.room_for_fds(caller, 2)?;
        check_socket(domain, kind, protocol)?;
        if domain != flags::AF_UNIX {
            return Err(Errno::EOPNOTSUPP);
        }
        let kind = match kind & flags::SOCK_TYPE_MASK {
            flags::SOCK_STREAM => SocketKind::Stream,
            flags::SOCK_SEQPACKET => SocketKind::Seqpacket,
            _ => SocketKind::Datagram,
        };
        let [a, b] = [(); 2].map(|()| self.new_socket(kind));
        self.sockets[a].peer = Some(b);
        self.sockets[b].peer = Some(a);
        let a = self.install_new(caller, FileKind::Socket(a), flags | flags::O_RDWR)?;
        let b = self.install_new(caller, FileKind::Socket(b), flags | flags::O_RDWR)?;
        Ok([a, b])
    }

    /// `accept4(2)` on a socket that is not modelled: another such.
    /// Linux: `__sys_accept4_file`, which reserves the fd first.
    pub fn accept(&mut self, caller: Tid, fd: Fd, flags: u32) -> Result<Fd, Errno> {
        let file = self.file_at(caller, fd)?;
        if flags & !(flags::O_CLOEXEC | flags::O_NONBLOCK) != 0 {
            return Err(Errno::EINVAL);
        }
        self.room_for_fds(caller, 1)?;
        match self.files[file].kind {
            FileKind::Opaque(Opaque::Socket) => {
                self.open_opaque(caller, Opaque::Socket, flags | flags::O_RDWR)
            }
            FileKind::Socket(socket) if self.sockets[socket].is_connection() => Err(Errno::EINVAL),
            FileKind::Socket(_) => Err(Errno::EOPNOTSUPP),
            _ => Err(Errno::ENOTSOCK),
        }
    }

    fn new_socket(&mut self, kind: SocketKind) -> SocketId {
        self.sockets.insert(Socket {
            kind,
            peer: None,
            received: VecDeque::new(),
            unread_by_peer: 0,
            can_receive: true,
            can_send: true,
            error: None,
            has_lost_peer: false,
            queue: self.waits.create(),
        })
    }

    /// `shutdown(2)`. A connected peer loses the other half.
    pub fn shutdown(&mut self, caller: Tid, fd: Fd, how: i32) -> Result<(), Errno> {
        let file = self.file_at(caller, fd)?;
        let socket = match self.files[file].kind {
            FileKind::Socket(socket) => socket,
            FileKind::Opaque(Opaque::Socket) => return Ok(()),
            _ => return Err(Errno::ENOTSOCK),
        };
        let (receiving, sending) = match how {
            0 => (true, false),
            1 => (false, true),
            2 => (true, true),
            _ => return Err(Errno::EINVAL),
        };
        self.lose_halves(socket, receiving, sending);
        if let Some(peer) = self.sockets[socket].peer
            && self.sockets[socket].is_connection()
        {
            self.lose_halves(peer, sending, receiving);
        }
        Ok(())
    }
}

/// The flags beside a socket's kind.
fn socket_flags(kind: u32) -> Result<u32, Errno> {
    let flags = kind & !flags::SOCK_TYPE_MASK;
    if flags & !(flags::O_CLOEXEC | flags::O_NONBLOCK) != 0 {
        return Err(Errno::EINVAL);
    }
    Ok(flags)
}

/// What no kernel has: a family out of range, a kind it does not know.
/// Linux: `__sock_create`, `unix_create`, `inet_create`.
fn check_socket(domain: i32, kind: u32, protocol: i32) -> Result<(), Errno> {
    let kind = kind & flags::SOCK_TYPE_MASK;
    if !(0..AF_MAX).contains(&domain) {
        return Err(Errno::EAFNOSUPPORT);
    }
    if kind >= SOCK_MAX {
        return Err(Errno::EINVAL);
    }
    if domain == AF_UNSPEC {
        return Err(Errno::EAFNOSUPPORT);
    }
    if domain != flags::AF_UNIX {
        return Ok(());
    }
    if protocol != 0 && protocol != flags::AF_UNIX {
        return Err(Errno::EPROTONOSUPPORT);
    }
    match kind {
        flags::SOCK_STREAM | flags::SOCK_SEQPACKET | flags::SOCK_DGRAM | flags::SOCK_RAW => Ok(()),
        _ => Err(Errno::ESOCKTNOSUPPORT),
    }
}
