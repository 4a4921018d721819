//! What is sent: bytes into a stream as room appears, packets whole, files with either.

use super::{Message, SEND_BUFFER, SocketKind};
use crate::abi::{Outcome, Return, flags};
use crate::fs::FileKind;
use crate::store::{Fd, FileId, SocketId, Tid, WaitId};
use crate::task::{SIGPIPE, Scope};
use crate::wait::{Call, Limit, Waiter};
use crate::{Errno, Events, Kernel};

/// Linux: `sizeof(struct sk_buff)`, rounded up.
const SK_BUFF: u64 = 256;
/// Linux: `sizeof(struct skb_shared_info)`.
const SHARED_INFO: u64 = 320;
const PAGE: u64 = 4096;
/// The most that goes into one message of a stream. Linux: `SKB_MAX_HEAD(0) + UNIX_SKB_FRAGS_SZ`.
const STREAM_CHUNK: u64 = PAGE - SHARED_INFO + 8 * PAGE;
/// The most descriptors in one message. Linux: `SCM_MAX_FD`.
const MAX_RIGHTS: usize = 253;

/// A send under way.
#[derive(Debug, Clone, Hash)]
pub(crate) struct SendCall {
    pub(crate) file: FileId,
    socket: SocketId,
    len: u64,
    /// So much of it has gone.
    sent: u64,
    rights: Vec<FileId>,
    flags: u32,
    has_slept: bool,
}

/// Why a stream takes nothing.
#[derive(Debug, Clone, Copy)]
struct Refusal {
    errno: Errno,
    /// The caller also gets `SIGPIPE`, unless it asked for `MSG_NOSIGNAL`.
    is_loud: bool,
}

impl Refusal {
    const LOUD: Refusal = Refusal {
        errno: Errno::EPIPE,
        is_loud: true,
    };
}

impl SendCall {
    /// What `write(2)` does: a send with nothing beside the bytes.
    pub(crate) fn write(file: FileId, socket: SocketId, len: u64) -> SendCall {
        SendCall {
            file,
            socket,
            len,
            sent: 0,
            rights: Vec::new(),
            flags: 0,
            has_slept: false,
        }
    }

    pub(crate) fn rights(&self) -> &[FileId] {
        &self.rights
    }

    /// Part of it has gone, so its end is no error.
    pub(crate) fn sent(&self) -> u64 {
        self.sent
    }
}

impl Kernel {
    /// `sendmsg(2)`; the files behind `rights` travel with the message.
    pub fn sendmsg(&mut self, caller: Tid, fd: Fd, len: u64, rights: &[Fd], flags: u32) -> Outcome {
        match self.check_send(caller, fd, len, rights, flags) {
            Ok(call) => {
                let timeout = match flags & flags::MSG_DONTWAIT {
                    0 => self.timeout_of(call.file),
                    _ => crate::wait::Timeout::None,
                };
                self.begin(caller, Call::Send(call), timeout, None)
            }
            Err(errno) => Outcome::Done(Err(errno)),
        }
    }

    fn check_send(
        &mut self,
        caller: Tid,
        fd: Fd,
        len: u64,
        rights: &[Fd],
        flags: u32,
    ) -> Result<SendCall, Errno> {
        let file = self.file_at(caller, fd)?;
        let FileKind::Socket(socket) = self.files[file].kind else {
            return Err(Errno::ENOTSOCK);
        };
        let state = &mut self.sockets[socket];
        if state.kind == SocketKind::Seqpacket
            && let Some(error) = state.error.take()
        {
            return Err(error);
        }
        if rights.len() > MAX_RIGHTS {
            return Err(Errno::EINVAL);
        }
        let rights = rights
            .iter()
            .map(|fd| {
                let file = self.raw_file_at(caller, *fd)?;
                // A ring may not be sent: it could be in its own messages' hold.
                match self.files[file].kind {
                    FileKind::Ring { .. } => Err(Errno::EINVAL),
                    _ => Ok(file),
                }
            })
            .collect::<Result<_, _>>()?;
        Ok(SendCall {
            file,
            socket,
            len,
            sent: 0,
            rights,
            flags,
            has_slept: false,
        })
    }

    /// One try of a send; `None` while the peer has too much to read. A
    /// stream takes what it can, piece by piece; the files go with the first.
    /// Linux: `unix_stream_sendmsg`, `unix_dgram_sendmsg`.
    pub(crate) fn try_send(
        &mut self,
        caller: Tid,
        call: &mut SendCall,
    ) -> Option<Result<Return, Errno>> {
        if self.sockets[call.socket].kind != SocketKind::Stream {
            return self.try_send_packet(call);
        }
        let has_slept = std::mem::replace(&mut call.has_slept, true);
        match self.try_send_stream(call, has_slept)? {
            Ok(()) => Some(Ok(Return::value(call.sent as i64))),
            Err(_) if call.sent > 0 => Some(Ok(Return::value(call.sent as i64))),
            Err(refusal) => {
                let is_heard = refusal.is_loud && call.flags & flags::MSG_NOSIGNAL == 0;
                if is_heard {
                    self.send_signal(caller, SIGPIPE, Scope::Thread);
                }
                Some(Err(refusal.errno))
            }
        }
    }

    /// Linux: `unix_stream_sendmsg`.
    fn try_send_stream(
        &mut self,
        call: &mut SendCall,
        has_slept: bool,
    ) -> Option<Result<(), Refusal>> {
        let SendCall { socket, len, .. } = *call;
        let state = &mut self.sockets[socket];
        // Linux looks once, before its loop. After a sleep the allocation of the next piece sees it, and sends no
        // signal.
        if !has_slept && !state.can_send {
            return Some(Err(Refusal::LOUD));
        }
        while call.sent < len {
            // Linux: sock_alloc_send_pskb.
            let state = &mut self.sockets[socket];
            let error = state.error.take();
            if let Some(errno) = error.or((!state.can_send).then_some(Errno::EPIPE)) {
                let is_loud = false;
                return Some(Err(Refusal { errno, is_loud }));
            }
            if state.is_full() {
                return None;
            }
            let peer = state.peer.filter(|peer| self.sockets[*peer].can_receive);
            // The piece was allocated and is freed again, which is news for whoever waits to write.
            if peer.is_none() {
                self.write_space(socket);
                return Some(Err(Refusal::LOUD));
            }
            let piece = STREAM_CHUNK.min(len - call.sent);
            let rights = if call.sent == 0 {
                &call.rights[..]
            } else {
                &[]
            };
            self.deliver_message(socket, piece, rights)?;
            call.sent += piece;
            if self.version.moves_rights_into_message() {
                self.let_go_of_rights(call, has_slept);
            }
        }
        Some(Ok(()))
    }

    /// The files are the message's now: a send that waits to send the rest
    /// holds none. It held them if it has slept. Linux: `unix_attach_fds`.
    fn let_go_of_rights(&mut self, call: &mut SendCall, has_slept: bool) {
        let rights = std::mem::take(&mut call.rights);
        if has_slept {
            for file in rights {
                self.put(file);
            }
        }
    }

    /// One try of a send that goes whole or not at all: the checks, in
    /// Linux's order. Linux: `unix_seqpacket_sendmsg`, `unix_dgram_sendmsg`,
    /// `sock_alloc_send_pskb`.
    fn try_send_packet(&mut self, call: &SendCall) -> Option<Result<Return, Errno>> {
        let SendCall { socket, len, .. } = *call;
        let looks_for_peer_first = self.version.looks_for_peer_first();
        let state = &mut self.sockets[socket];
        if state.kind == SocketKind::Seqpacket
            && let Some(error) = state.error.take()
        {
            return Some(Err(error));
        }
        let is_alone = state.peer.is_none() && !state.has_lost_peer;
        let has_no_address = state.kind == SocketKind::Datagram && is_alone;
        if has_no_address && looks_for_peer_first {
            return Some(Err(Errno::ENOTCONN));
        }
        if len > SEND_BUFFER - 32 {
            return Some(Err(Errno::EMSGSIZE));
        }
        if let Some(error) = state.error.take() {
            return Some(Err(error));
        }
        if !state.can_send {
            return Some(Err(Errno::EPIPE));
        }
        if state.is_full() {
            return None;
        }
        let refusal = match self.sockets[socket].peer {
            None if has_no_address => Some(Errno::ENOTCONN),
            None => {
                // What the lost peer had sent goes unread. Linux: unix_dgram_disconnected.
                self.sockets[socket].has_lost_peer = false;
                self.drop_messages(socket);
                Some(Errno::ECONNREFUSED)
            }
            Some(peer) if !self.sockets[peer].can_receive => Some(Errno::EPIPE),
            Some(_) => None,
        };
        if let Some(errno) = refusal {
            self.write_space(socket);
            return Some(Err(errno));
        }
        self.deliver_message(socket, len, &call.rights)?;
        Some(Ok(Return::value(len as i64)))
    }

    fn deliver_message(&mut self, sender: SocketId, len: u64, rights: &[FileId]) -> Option<()> {
        let state = &mut self.sockets[sender];
        let peer = state.peer?;
        let weight = weight(state.kind, len);
        state.unread_by_peer += weight;
        for right in rights {
            self.get(*right);
            self.count_in_flight(*right, 1);
        }
        self.sockets[peer].received.push_back(Message {
            len,
            weight,
            rights: rights.to_vec(),
        });
        let queue = self.sockets[peer].queue;
        let key = Events::READABLE | Events::PRI | Events::RDBAND;
        self.wake(queue, Limit::One, key);
        Some(())
    }

    pub(crate) fn enqueue_send(&mut self, tid: Tid, call: &SendCall) -> Vec<WaitId> {
        let queue = self.sockets[call.socket].queue;
        vec![self.waits.add(queue, Waiter::Task(tid))]
    }
}

/// What a message of so many bytes weighs in its sender's account: buffers
/// come in powers of two, beside them pages and the head. Linux: `skb->truesize`.
fn weight(kind: SocketKind, len: u64) -> u64 {
    let unpaged = match kind {
        SocketKind::Stream => PAGE - SHARED_INFO,
        _ => 4 * PAGE - SHARED_INFO,
    };
    let paged = len.saturating_sub(unpaged).next_multiple_of(PAGE).min(len);
    let linear = (len - paged + SHARED_INFO).next_power_of_two();
    SK_BUFF + linear + paged
}
