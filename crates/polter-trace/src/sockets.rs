//! Names of socket families, kinds and protocols.

use crate::names::Names;

pub(crate) static FAMILIES: Names = Names::new(
    "AF_???",
    &[
        ("AF_UNSPEC", 0),
        ("AF_UNIX", 1),
        ("AF_INET", 2),
        ("AF_AX25", 3),
        ("AF_IPX", 4),
        ("AF_APPLETALK", 5),
        ("AF_NETROM", 6),
        ("AF_BRIDGE", 7),
        ("AF_ATMPVC", 8),
        ("AF_X25", 9),
        ("AF_INET6", 10),
        ("AF_ROSE", 11),
        ("AF_DECnet", 12),
        ("AF_NETBEUI", 13),
        ("AF_SECURITY", 14),
        ("AF_KEY", 15),
        ("AF_NETLINK", 16),
        ("AF_PACKET", 17),
        ("AF_RDS", 21),
        ("AF_PPPOX", 24),
        ("AF_CAN", 29),
        ("AF_TIPC", 30),
        ("AF_BLUETOOTH", 31),
        ("AF_ALG", 38),
        ("AF_NFC", 39),
        ("AF_VSOCK", 40),
        ("AF_KCM", 41),
        ("AF_QIPCRTR", 42),
        ("AF_SMC", 43),
        ("AF_XDP", 44),
        ("AF_MCTP", 45),
    ],
);

pub(crate) static KINDS: Names = Names::new(
    "SOCK_???",
    &[
        ("SOCK_STREAM", 1),
        ("SOCK_DGRAM", 2),
        ("SOCK_RAW", 3),
        ("SOCK_RDM", 4),
        ("SOCK_SEQPACKET", 5),
        ("SOCK_DCCP", 6),
        ("SOCK_PACKET", 10),
    ],
);

pub(crate) static KIND_FLAGS: Names = Names::new(
    "SOCK_???",
    &[("SOCK_CLOEXEC", 0o2_000_000), ("SOCK_NONBLOCK", 0o4000)],
);

static INET: Names = Names::new(
    "IPPROTO_???",
    &[
        ("IPPROTO_IP", 0),
        ("IPPROTO_ICMP", 1),
        ("IPPROTO_IGMP", 2),
        ("IPPROTO_TCP", 6),
        ("IPPROTO_UDP", 17),
        ("IPPROTO_DCCP", 33),
        ("IPPROTO_IPV6", 41),
        ("IPPROTO_ICMPV6", 58),
        ("IPPROTO_SCTP", 132),
        ("IPPROTO_UDPLITE", 136),
        ("IPPROTO_RAW", 255),
        ("IPPROTO_MPTCP", 262),
    ],
);

static NETLINK: Names = Names::new(
    "NETLINK_???",
    &[
        ("NETLINK_ROUTE", 0),
        ("NETLINK_USERSOCK", 2),
        ("NETLINK_SOCK_DIAG", 4),
        ("NETLINK_NFLOG", 5),
        ("NETLINK_XFRM", 6),
        ("NETLINK_SELINUX", 7),
        ("NETLINK_AUDIT", 9),
        ("NETLINK_CONNECTOR", 11),
        ("NETLINK_NETFILTER", 12),
        ("NETLINK_KOBJECT_UEVENT", 15),
        ("NETLINK_GENERIC", 16),
        ("NETLINK_CRYPTO", 21),
    ],
);

/// The mask of a kind without its flags. Linux: `SOCK_TYPE_MASK`.
const TYPE_MASK: u32 = 0xf;

/// Prints a kind with its flags: `SOCK_STREAM|SOCK_CLOEXEC`.
pub(crate) fn socket_kind(kind: u32) -> String {
    let flags = u64::from(kind & !TYPE_MASK);
    match kind & TYPE_MASK {
        base @ (1..=6 | 10) => KIND_FLAGS.flags_after(KINDS.one(u64::from(base)), flags),
        // strace prints what has no name last.
        _ => KIND_FLAGS.flags(u64::from(kind)),
    }
}

/// Prints a protocol by the names of its family.
pub(crate) fn protocol(domain: i32, protocol: i32) -> String {
    match (domain, u64::try_from(protocol)) {
        (2 | 10, Ok(number)) => INET.one(number),
        (16, Ok(number)) => NETLINK.one(number),
        _ => protocol.to_string(),
    }
}

/// Reads a protocol's name.
pub(crate) fn protocol_number(name: &str) -> Option<u64> {
    INET.value(name).or_else(|| NETLINK.value(name))
}
