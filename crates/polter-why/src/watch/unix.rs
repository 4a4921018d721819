//! The peer of a unix socket, by the kernel's socket diagnosis: sock_diag(7), `UNIX_DIAG_PEER`.

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink};

/// Linux: include/uapi/linux/sock_diag.h, unix_diag.h, netlink.h
const SOCK_DIAG_BY_FAMILY: u16 = 20;
const NLM_F_REQUEST: u16 = 1;
const UDIAG_SHOW_PEER: u32 = 4;
const UNIX_DIAG_PEER: u16 = 2;

/// Bytes of `struct nlmsghdr`, and of `struct unix_diag_msg` after it.
const HEAD: usize = 16;
const MESSAGE: usize = 16;

/// The inode of the socket that a unix socket is connected to; `None` if there is none, or it is in another network
/// namespace than this process.
pub(super) fn peer_of(inode: u64) -> Option<u64> {
    let socket = rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        Some(netlink::SOCK_DIAG),
    )
    .ok()?;
    rustix::net::send(
        &socket,
        &request(u32::try_from(inode).ok()?),
        SendFlags::empty(),
    )
    .ok()?;
    let mut answer = [0; 512];
    let (len, _) = rustix::net::recv(&socket, &mut answer[..], RecvFlags::DONTWAIT).ok()?;
    peer_in(answer.get(..len)?).map(u64::from)
}

/// `struct nlmsghdr` and `struct unix_diag_req`: one socket, by its inode.
fn request(inode: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD + 24);
    bytes.extend((HEAD as u32 + 24).to_ne_bytes());
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend(NLM_F_REQUEST.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend([libc::AF_UNIX as u8, 0, 0, 0]);
    // In any state, of this inode, with its peer; no cookie.
    for word in [u32::MAX, inode, UDIAG_SHOW_PEER, u32::MAX, u32::MAX] {
        bytes.extend(word.to_ne_bytes());
    }
    bytes
}

/// The peer in an answer: attributes follow the message, each with its length and kind, four bytes aligned.
fn peer_in(answer: &[u8]) -> Option<u32> {
    let half = |at: usize| Some(u16::from_ne_bytes(*answer.get(at..)?.first_chunk()?));
    let word = |at: usize| Some(u32::from_ne_bytes(*answer.get(at..)?.first_chunk()?));
    if half(4)? != SOCK_DIAG_BY_FAMILY {
        return None;
    }
    let mut at = HEAD + MESSAGE;
    loop {
        let (len, kind) = (usize::from(half(at)?), half(at + 2)?);
        if kind == UNIX_DIAG_PEER {
            return word(at + 4);
        }
        if len < 4 {
            return None;
        }
        at += len.next_multiple_of(4);
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd as _;
    use std::os::unix::net::UnixStream;

    use proptest::prelude::*;

    use super::{peer_in, peer_of};

    #[test]
    fn each_of_a_pair_is_the_others_peer() {
        let (a, b) = UnixStream::pair().expect("a pair");
        let inode = |socket: &UnixStream| {
            let link = std::fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd()));
            let link = link.expect("it is open").to_string_lossy().into_owned();
            let number = link
                .trim_start_matches("socket:[")
                .trim_end_matches(']')
                .to_owned();
            number.parse::<u64>().expect("an inode")
        };
        // A kernel without unix_diag tells nothing.
        if let Some(peer) = peer_of(inode(&a)) {
            assert_eq!(peer, inode(&b));
            assert_eq!(peer_of(inode(&b)), Some(inode(&a)));
        }
        assert_eq!(peer_of(u64::MAX), None);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(answer: Vec<u8>) {
            let _ = peer_in(&answer);
        }
    }
}
