//! What is received: bytes of a stream up to a message with files, packets whole or cut.

use super::SocketKind;
use crate::abi::{Out, Outcome, Return, flags};
use crate::fs::{FileKind, Slot};
use crate::store::{Fd, FileId, SocketId, Tid, WaitId};
use crate::wait::{Call, Waiter};
use crate::{Errno, Kernel};

/// A receive under way.
#[derive(Debug, Clone, Hash)]
pub(crate) struct RecvCall {
    pub(crate) file: FileId,
    socket: SocketId,
    len: u64,
    room: u32,
    flags: u32,
    may_wait: bool,
}

impl Kernel {
    /// `recvmsg(2)` with room for so many descriptors.
    pub fn recvmsg(&mut self, caller: Tid, fd: Fd, len: u64, room: u32, flags: u32) -> Outcome {
        let file = match self.file_at(caller, fd) {
            Ok(file) => file,
            Err(errno) => return Outcome::Done(Err(errno)),
        };
        let FileKind::Socket(socket) = self.files[file].kind else {
            return Outcome::Done(Err(Errno::ENOTSOCK));
        };
        let timeout = match flags & flags::MSG_DONTWAIT {
            0 => self.timeout_of(file),
            _ => crate::wait::Timeout::None,
        };
        self.begin(
            caller,
            Call::Recv(RecvCall {
                file,
                socket,
                len,
                room,
                flags,
                may_wait: timeout != crate::wait::Timeout::None,
            }),
            timeout,
            None,
        )
    }

    /// One try of a receive; `None` while there is nothing.
    pub(crate) fn try_recv(
        &mut self,
        caller: Tid,
        call: &RecvCall,
    ) -> Option<Result<Return, Errno>> {
        let RecvCall {
            socket,
            len,
            room,
            flags,
            ..
        } = *call;
        if self.has_nothing(socket) {
            return self.receive_nothing(socket, call.may_wait);
        }
        let is_peek = flags & flags::MSG_PEEK != 0;
        let state = &self.sockets[socket];
        let packet = (!state.is_stream())
            .then(|| state.received.front().map(|message| message.len))
            .flatten();
        let (taken, rights) = if is_peek {
            self.peek(socket, len)
        } else {
            self.take_bytes(socket, len)
        };
        let mut fds = Vec::new();
        for (index, file) in rights.into_iter().enumerate() {
            // What finds no room or no fd is dropped.
            let fd = if index < room as usize {
                self.free_fd(caller, 0).ok()
            } else {
                None
            };
            match fd {
                Some(fd) => {
                    let is_cloexec = flags & flags::MSG_CMSG_CLOEXEC != 0;
                    self.install(
                        caller,
                        fd,
                        Slot {
                            file,
                            is_cloexec,
                            is_inherited: false,
                        },
                    );
                    fds.push(fd);
                }
                None => self.put(file),
            }
        }
        self.run_task_work();
        let told = match packet {
            Some(len) if flags & flags::MSG_TRUNC != 0 => len,
            _ => taken,
        };
        Some(Ok(Return::with(told as i64, Out::Rights(fds))))
    }

    pub(crate) fn try_read_socket(
        &mut self,
        file: FileId,
        socket: SocketId,
        len: u64,
        has_slept: bool,
    ) -> Option<Result<Return, Errno>> {
        if len == 0 {
            return Some(Ok(Return::value(0)));
        }
        if self.has_nothing(socket) {
            // Whether it waits was settled when it began.
            let may_wait = has_slept || !self.files[file].is_nonblocking();
            return self.receive_nothing(socket, may_wait);
        }
        let (taken, rights) = self.take_bytes(socket, len);
        for file in rights {
            self.put(file);
        }
        Some(Ok(Return::value(taken as i64)))
    }

    /// Nothing to read; of packets, not before an error is told.
    fn has_nothing(&self, socket: SocketId) -> bool {
        let state = &self.sockets[socket];
        state.received.is_empty() || state.kind == SocketKind::Seqpacket && state.error.is_some()
    }

    /// An error, or the end, or nothing yet. One that would not wait hears
    /// nothing of the end of datagrams. Linux: `__unix_dgram_recvmsg`.
    fn receive_nothing(
        &mut self,
        socket: SocketId,
        may_wait: bool,
    ) -> Option<Result<Return, Errno>> {
        let state = &mut self.sockets[socket];
        let hears_end = may_wait || state.is_connection();
        match state.error.take() {
            Some(error) => Some(Err(error)),
            None if !state.can_receive && hears_end => Some(Ok(Return::value(0))),
            None => None,
        }
    }

    /// What a receive would take, with references of its own. A peek at a
    /// stream goes on to the next message with files, bytes wanted or not.
    fn peek(&mut self, socket: SocketId, len: u64) -> (u64, Vec<FileId>) {
        let state = &self.sockets[socket];
        let is_stream = state.kind == SocketKind::Stream;
        let (mut seen, mut rights) = (0, Vec::new());
        for message in &state.received {
            seen += message.len.min(len - seen);
            rights.clone_from(&message.rights);
            // Of a stream, the files of the first message that carries any are
            // shown, however far behind the bytes it is.
            if !is_stream || !rights.is_empty() {
                break;
            }
        }
        for file in &rights {
            self.get(*file);
        }
        (seen, rights)
    }

    /// Takes bytes off the queue: of a stream, across messages up to and with
    /// one that carries files; of the others, one message, whose rest is lost.
    fn take_bytes(&mut self, socket: SocketId, len: u64) -> (u64, Vec<FileId>) {
        let (mut taken, mut rights) = (0, Vec::new());
        loop {
            let state = &mut self.sockets[socket];
            let is_stream = state.kind == SocketKind::Stream;
            let Some(front) = state.received.front_mut() else {
                break;
            };
            let part = front.len.min(len - taken);
            taken += part;
            front.len -= part;
            let is_used_up = front.len == 0 || !is_stream;
            let came_with = std::mem::take(&mut front.rights);
            let has_rights = !came_with.is_empty();
            for file in came_with {
                self.count_in_flight(file, -1);
                rights.push(file);
            }
            if is_used_up {
                let message = self.sockets[socket]
                    .received
                    .pop_front()
                    .expect("the front is there");
                self.message_freed(socket, &message);
            }
            if !is_stream || taken == len || has_rights {
                break;
            }
        }
        (taken, rights)
    }

    /// Readers of a stream queue newest first, of packets exclusively.
    /// Linux: `unix_stream_data_wait`, `__skb_wait_for_more_packets`.
    pub(crate) fn enqueue_recv(&mut self, tid: Tid, call: &RecvCall) -> WaitId {
        let queue = self.sockets[call.socket].queue;
        match self.sockets[call.socket].kind {
            SocketKind::Stream => self.waits.add(queue, Waiter::Task(tid)),
            _ => self.waits.add_tail(queue, Waiter::Receiver(tid), true),
        }
    }
}
