//! The loopback: the one network a guest has.

use rustix::io;
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, send, socket_with};

/// `lo` is the first device of every network namespace.
const LO: u32 = 1;
const IFF_UP: u32 = 1;
const RTM_NEWLINK: u16 = 16;
const NLM_F_REQUEST: u16 = 1;

/// Brings `lo` up, which gives it 127.0.0.1 and ::1. rtnetlink(7).
pub(crate) fn up() -> io::Result<()> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        None, // NETLINK_ROUTE
    )?;
    send(&socket, &message(), SendFlags::empty())?;
    Ok(())
}

/// `struct nlmsghdr` and `struct ifinfomsg`.
fn message() -> Vec<u8> {
    let mut link = Vec::new();
    link.extend([0, 0]); // ifi_family, padding
    link.extend(0_u16.to_ne_bytes()); // ifi_type
    link.extend(LO.to_ne_bytes()); // ifi_index
    link.extend(IFF_UP.to_ne_bytes()); // ifi_flags
    link.extend(IFF_UP.to_ne_bytes()); // ifi_change
    let mut message = Vec::new();
    message.extend((16 + link.len() as u32).to_ne_bytes()); // nlmsg_len
    message.extend(RTM_NEWLINK.to_ne_bytes());
    message.extend(NLM_F_REQUEST.to_ne_bytes());
    message.extend([0; 8]); // nlmsg_seq, nlmsg_pid
    message.extend(link);
    message
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_message_is_as_long_as_it_says() {
        let message = super::message();
        assert_eq!(message.len(), 32);
        assert_eq!(message[..4], 32_u32.to_ne_bytes());
    }
}
