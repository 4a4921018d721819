//! Calls on sockets: what is sent and received, and the files that go along.

use super::values::{Case, bits, fd, plain};
use eventpoll::Syscall;
use eventpoll::syscall::Out;
use proptest::collection::vec;
use proptest::prelude::*;

pub(super) fn messages() -> impl Strategy<Value = Case> {
    let domain = prop_oneof![0..50, any::<i32>()];
    let kind = (prop_oneof![1..7_u32, any::<u32>()], bits()).prop_map(|(kind, flags)| kind | flags);
    let protocol = prop_oneof![0..300, any::<i32>()];
    let socket = (domain, kind, protocol).boxed();
    let receive = (
        fd(),
        any::<u64>(),
        vec(fd(), 0..4),
        0..4_u32,
        bits(),
        0..i64::MAX,
    );
    prop_oneof![
        plain(
            socket
                .clone()
                .prop_map(|(domain, kind, protocol)| Syscall::Socket {
                    domain,
                    kind,
                    protocol
                })
        ),
        (socket, fd(), fd()).prop_map(|((domain, kind, protocol), a, b)| {
            (
                Syscall::Socketpair {
                    domain,
                    kind,
                    protocol,
                },
                0,
                Out::Pair([a, b]),
            )
        }),
        plain((fd(), bits()).prop_map(|(fd, flags)| Syscall::Accept4 { fd, flags })),
        plain((fd(), any::<i32>()).prop_map(|(fd, how)| Syscall::Shutdown { fd, how })),
        plain((fd(), any::<u64>(), vec(fd(), 0..4), bits()).prop_map(
            |(fd, len, rights, flags)| Syscall::Sendmsg {
                fd,
                len,
                rights,
                flags
            }
        )),
        receive.prop_map(|(fd, len, rights, spare, flags, value)| {
            let room = rights.len() as u32 + spare;
            (
                Syscall::Recvmsg {
                    fd,
                    len,
                    room,
                    flags,
                },
                value,
                Out::Rights(rights),
            )
        }),
    ]
}
