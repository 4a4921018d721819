//! Unix socket pairs, and files in flight over them (`SCM_RIGHTS`).
//!
//! Modelled: stream, seqpacket and datagram pairs, shutdown, peeking, and
//! queues that only they themselves hold on to. Bytes are counted, not kept.

mod garbage;
mod pair;
mod receive;
mod send;

/// A receive that may wait.
pub(crate) use receive::RecvCall;
/// A send that may wait.
pub(crate) use send::SendCall;

use crate::store::{FileId, QueueId, SocketId, push_long};
use crate::wait::Limit;
use crate::{Errno, Events, Kernel};
use std::collections::VecDeque;

/// Room for what was sent and not yet read. Linux: `sysctl_wmem_default`.
const SEND_BUFFER: u64 = 212_992;

/// One end of a pair. Linux: `struct unix_sock`.
#[derive(Debug, Clone, Hash)]
pub(crate) struct Socket {
    kind: SocketKind,
    peer: Option<SocketId>,
    received: VecDeque<Message>,
    /// What it sent and the peer has not read, overheads included. Linux: `sk_wmem_alloc`.
    unread_by_peer: u64,
    can_receive: bool,
    can_send: bool,
    error: Option<Errno>,
    /// The other end of a datagram pair went, and no send has found out.
    has_lost_peer: bool,
    pub(crate) queue: QueueId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum SocketKind {
    Stream,
    Seqpacket,
    Datagram,
}

/// What one send put into the peer's queue.
#[derive(Debug, Clone, Hash)]
struct Message {
    len: u64,
    /// What it weighs in the sender's account.
    weight: u64,
    /// Each a reference on its file.
    rights: Vec<FileId>,
}

impl Socket {
    pub(crate) fn available(&self) -> u32 {
        match self.kind {
            SocketKind::Stream | SocketKind::Seqpacket => {
                self.received.iter().map(|message| message.len).sum::<u64>() as u32
            }
            SocketKind::Datagram => self
                .received
                .front()
                .map_or(0, |message| message.len as u32),
        }
    }

    pub(crate) fn rights_in_flight(&self) -> impl Iterator<Item = FileId> + '_ {
        self.received
            .iter()
            .flat_map(|message| message.rights.iter().copied())
    }

    /// What it holds, as words; files in flight by the names they are given.
    pub(crate) fn write_state(&self, words: &mut Vec<u32>, mut name_fn: impl FnMut(FileId) -> u32) {
        let marks = [self.can_receive, self.can_send, self.has_lost_peer];
        words.push(self.kind as u32);
        words.extend(marks.map(u32::from));
        words.push(self.error.map_or(0, |errno| errno as u32));
        push_long(words, self.unread_by_peer);
        words.push(self.received.len() as u32);
        for message in &self.received {
            push_long(words, message.len);
            push_long(words, message.weight);
            words.push(message.rights.len() as u32);
            words.extend(message.rights.iter().map(|file| name_fn(*file)));
        }
    }

    pub(crate) fn peer(&self) -> Option<SocketId> {
        self.peer
    }

    pub(crate) fn unread_by_peer(&self) -> u64 {
        self.unread_by_peer
    }

    /// What its queue weighs in its peer's account.
    pub(crate) fn queued_weight(&self) -> u64 {
        self.received.iter().map(|message| message.weight).sum()
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.kind == SocketKind::Stream
    }

    fn is_connection(&self) -> bool {
        self.kind != SocketKind::Datagram
    }

    /// A send must wait. Linux: `sock_alloc_send_pskb`.
    fn is_full(&self) -> bool {
        self.unread_by_peer >= SEND_BUFFER
    }

    /// Linux: `unix_writable`.
    fn is_writable(&self) -> bool {
        self.unread_by_peer * 4 <= SEND_BUFFER
    }
}

impl Kernel {
    /// Linux: `unix_poll`, `unix_dgram_poll`.
    pub(crate) fn poll_socket(&self, socket: SocketId) -> Events {
        let socket = &self.sockets[socket];
        let mut ready = Events::empty();
        ready.set(Events::ERR, socket.error.is_some());
        ready.set(Events::HUP, !socket.can_receive && !socket.can_send);
        ready.set(Events::RDHUP | Events::READABLE, !socket.can_receive);
        if !socket.received.is_empty() {
            ready |= Events::READABLE;
        }
        // Also where nothing can be sent any more: a write fails at once then, and a program that waits to write must
        // not wait for ever.
        ready.set(Events::WRITABLE | Events::WRBAND, socket.is_writable());
        ready
    }

    /// Linux: `sk_state_change` after `sk_shutdown` has grown.
    fn lose_halves(&mut self, socket: SocketId, receiving: bool, sending: bool) {
        let state = &mut self.sockets[socket];
        state.can_receive &= !receiving;
        state.can_send &= !sending;
        let queue = state.queue;
        // All, and without a key: whatever is watched, the end of a half concerns it. Linux:
        // `wake_up_interruptible_all`.
        self.wake(queue, Limit::All, Events::empty());
    }

    /// The sender's account is lighter, and it hears of it. Of a pair, the
    /// sender is the peer. Linux: `sock_wfree`, `unix_write_space`.
    fn message_freed(&mut self, receiver: SocketId, message: &Message) {
        let Some(sender) = self.sockets[receiver].peer else {
            return;
        };
        self.sockets[sender].unread_by_peer -= message.weight;
        self.write_space(sender);
    }

    /// A message is gone from the sender's account, maybe one that was never
    /// sent: news for writers all the same. Linux: `unix_write_space`.
    fn write_space(&mut self, sender: SocketId) {
        let sender = &self.sockets[sender];
        if sender.is_writable() {
            let queue = sender.queue;
            self.wake(queue, Limit::One, Events::WRITABLE | Events::WRBAND);
        }
    }

    /// Something that its sender should hear is lost; one empty packet at the
    /// front passes for an urgent byte that was read.
    fn has_unread(&self, socket: SocketId) -> bool {
        let received = &self.sockets[socket].received;
        let is_forgiving = !self.version.resets_for_empty_packet();
        match received.front() {
            Some(first) if first.len == 0 && is_forgiving => received.len() > 1,
            first => first.is_some(),
        }
    }

    /// Linux: `unix_release_sock`.
    pub(crate) fn release_socket(&mut self, socket: SocketId) {
        let (peer, has_unread) = (self.sockets[socket].peer, self.has_unread(socket));
        if let Some(peer) = peer {
            let state = &mut self.sockets[peer];
            state.peer = None;
            if state.is_connection() {
                if has_unread {
                    // Before the peer is woken: who looks then must find it.
                    state.error = Some(Errno::ECONNRESET);
                }
                self.lose_halves(peer, true, true);
            } else {
                // The next send finds nobody there, those after it no address.
                state.has_lost_peer = true;
            }
        }
        self.drop_messages(socket);
        let gone = self.sockets.remove(socket);
        self.waits.destroy(gone.queue);
        // The files that it had in its queue may have been the last way to others in flight. That is looked for once
        // the call is over.
        *self.is_collection_due = true;
    }

    fn drop_messages(&mut self, socket: SocketId) {
        while let Some(message) = self.sockets[socket].received.pop_front() {
            self.message_freed(socket, &message);
            for file in message.rights {
                self.count_in_flight(file, -1);
                self.put(file);
            }
        }
    }
}
