//! Unix socket pairs, and files in flight over them (`SCM_RIGHTS`).
//!
//! Modelled: stream, seqpacket and datagram pairs, shutdown, peeking, and
//! queues that only they themselves hold on to. Bytes are counted, not kept.

use crate::abi::{Out, Outcome, Return, flags};
use crate::fs::Slot;
use crate::fs::{FileKind, Opaque};
use crate::store::push_long;
use crate::store::{Fd, FileId, QueueId, SocketId, Tid, WaitId};
use crate::task::{SIGPIPE, Scope};
use crate::wait::Call;
use crate::wait::{Limit, Waiter};
use crate::{Errno, Events, Kernel};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Room for what was sent and not yet read. Linux: `sysctl_wmem_default`.
const SEND_BUFFER: u64 = 212_992;
/// Linux: `sizeof(struct sk_buff)`, rounded up.
const SK_BUFF: u64 = 256;
/// Linux: `sizeof(struct skb_shared_info)`.
const SHARED_INFO: u64 = 320;
const PAGE: u64 = 4096;
/// The most that goes into one message of a stream. Linux: `SKB_MAX_HEAD(0) + UNIX_SKB_FRAGS_SZ`.
const STREAM_CHUNK: u64 = PAGE - SHARED_INFO + 8 * PAGE;
/// Families and kinds of sockets end before these. Linux: `NPROTO`, `SOCK_MAX`.
const AF_MAX: i32 = 46;
/// A family within the range that nobody has.
const AF_UNSPEC: i32 = 0;
const SOCK_MAX: u32 = 11;
/// The most descriptors in one message. Linux: `SCM_MAX_FD`.
const MAX_RIGHTS: usize = 253;

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
    /// With `SIGPIPE`.
    is_loud: bool,
}

impl Refusal {
    const LOUD: Refusal = Refusal {
        errno: Errno::EPIPE,
        is_loud: true,
    };
}

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

    /// `socketpair(2)`. Pairs of `AF_UNIX` are modelled. The numbers are
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
    /// Linux: `__sys_accept4_file`, which reserves the number first.
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
        ready.set(Events::WRITABLE | Events::WRBAND, socket.is_writable());
        ready
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

    /// Linux: `sk_state_change` after `sk_shutdown` has grown.
    fn lose_halves(&mut self, socket: SocketId, receiving: bool, sending: bool) {
        let state = &mut self.sockets[socket];
        state.can_receive &= !receiving;
        state.can_send &= !sending;
        let queue = state.queue;
        self.wake(queue, Limit::All, Events::empty());
    }

    /// `sendmsg(2)`; the files behind `rights` travel with the message.
    pub fn sendmsg(&mut self, caller: Tid, fd: Fd, len: u64, rights: &[Fd], flags: u32) -> Outcome {
        match self.check_send(caller, fd, len, rights, flags) {
            Ok(call) => {
                let patience = match flags & flags::MSG_DONTWAIT {
                    0 => self.patience_of(call.file),
                    _ => crate::wait::Patience::None,
                };
                self.begin(caller, Call::Send(call), patience, None)
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

    fn is_nonblocking(&self, file: FileId) -> bool {
        self.files[file].is_nonblocking()
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

    /// `recvmsg(2)` with room for so many descriptors.
    pub fn recvmsg(&mut self, caller: Tid, fd: Fd, len: u64, room: u32, flags: u32) -> Outcome {
        let file = match self.file_at(caller, fd) {
            Ok(file) => file,
            Err(errno) => return Outcome::Done(Err(errno)),
        };
        let FileKind::Socket(socket) = self.files[file].kind else {
            return Outcome::Done(Err(Errno::ENOTSOCK));
        };
        let patience = match flags & flags::MSG_DONTWAIT {
            0 => self.patience_of(file),
            _ => crate::wait::Patience::None,
        };
        self.begin(
            caller,
            Call::Recv(RecvCall {
                file,
                socket,
                len,
                room,
                flags,
                may_wait: patience != crate::wait::Patience::None,
            }),
            patience,
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
            // What finds no room or no number is dropped.
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
            let is_patient = has_slept || !self.is_nonblocking(file);
            return self.receive_nothing(socket, is_patient);
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
        is_patient: bool,
    ) -> Option<Result<Return, Errno>> {
        let state = &mut self.sockets[socket];
        let hears_end = is_patient || state.is_connection();
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

    pub(crate) fn enqueue_send(&mut self, tid: Tid, call: &SendCall) -> Vec<WaitId> {
        let queue = self.sockets[call.socket].queue;
        vec![self.waits.add(queue, Waiter::Task(tid))]
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
        *self.is_collection_due = true;
    }

    /// Drops the queues of sockets that only each other's queues hold. Linux
    /// looks when next a unix socket is released, the model when next a
    /// process ends as well. Linux: `unix_gc`.
    pub(crate) fn collect_unreachable(&mut self) {
        for file in self.garbage() {
            if let FileKind::Socket(socket) = self.files[file].kind {
                self.has_collected = true;
                self.drop_messages(socket);
            }
        }
    }

    /// Some socket is held by queues alone, its own among them.
    pub(crate) fn has_garbage(&self) -> bool {
        let is_socket = |file| matches!(self.files[file].kind, FileKind::Socket(_));
        self.garbage().into_iter().any(is_socket)
    }

    /// The files that only the queues of each other hold.
    fn garbage(&self) -> Vec<FileId> {
        if *self.sockets_in_flight == 0 {
            return Vec::new();
        }
        let mut in_flight = BTreeMap::<FileId, u32>::new();
        for file in self.sockets.iter().flat_map(|(_, s)| s.rights_in_flight()) {
            *in_flight.entry(file).or_default() += 1;
        }
        // Whoever is held from outside the queues reaches what is in its own.
        let mut next: Vec<FileId> = (self.files.iter())
            .filter(|(id, file)| {
                let queued = in_flight.get(id).copied().unwrap_or(0);
                matches!(file.kind, FileKind::Socket(_)) && file.references > queued
            })
            .map(|(id, _)| id)
            .collect();
        let mut reached: BTreeSet<FileId> = next.iter().copied().collect();
        while let Some(file) = next.pop() {
            if let FileKind::Socket(socket) = self.files[file].kind {
                let held = self.sockets[socket].rights_in_flight();
                next.extend(held.filter(|held| reached.insert(*held)));
            }
        }
        let files = in_flight.into_keys();
        files.filter(|file| !reached.contains(file)).collect()
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

    /// A file joins or leaves a queue. Only sockets can hold each other.
    /// Linux: `unix_inflight`, `unix_notinflight`.
    fn count_in_flight(&mut self, file: FileId, change: i32) {
        if let FileKind::Socket(_) = self.files[file].kind {
            *self.sockets_in_flight = self.sockets_in_flight.wrapping_add_signed(change);
        }
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
