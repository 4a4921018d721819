//! Sockets, and messages that carry descriptors.

use eventpoll::syscall::{Out, Return};
use eventpoll::{Fd, Syscall};

use super::files::show_pair;
use super::writer::Writer;
use crate::names::{MESSAGE, SHUTDOWN};
use crate::sockets::{FAMILIES, KIND_FLAGS, protocol, socket_kind};

pub(super) fn spell(syscall: &Syscall, done: Option<&Return>) -> Option<Writer> {
    Some(match syscall {
        Syscall::Socket {
            domain,
            kind,
            protocol,
        } => socket("socket", *domain, *kind, *protocol),
        Syscall::Socketpair {
            domain,
            kind,
            protocol,
        } => socket("socketpair", *domain, *kind, *protocol)
            .cut()
            .arg(show_pair(done)),
        Syscall::Accept4 { fd, flags } => {
            let writer = Writer::new("accept4").arg(fd).cut().arg("NULL").arg("NULL");
            writer.arg(KIND_FLAGS.flags((*flags).into()))
        }
        Syscall::Shutdown { fd, how } => Writer::new("shutdown")
            .arg(fd)
            .arg(SHUTDOWN.one(how.cast_unsigned().into())),
        Syscall::Sendmsg {
            fd,
            len,
            rights,
            flags,
        } => Writer::new("sendmsg")
            .arg(fd)
            .arg(message(*len, "\"\"...", rights, rights.len()))
            .arg(MESSAGE.flags((*flags).into())),
        Syscall::Recvmsg {
            fd,
            len,
            room,
            flags,
        } => {
            let (bytes, rights) = match done.map(|done| &done.out) {
                Some(Out::Rights(rights)) => ("\"\"...", &rights[..]),
                Some(_) => ("\"\"...", &[][..]),
                None => ("NULL", &[][..]),
            };
            let message = message(*len, bytes, rights, *room as usize);
            Writer::new("recvmsg")
                .arg(fd)
                .cut()
                .arg(message)
                .arg(MESSAGE.flags((*flags).into()))
        }
        _ => return None,
    })
}

fn socket(name: &'static str, domain: i32, kind: u32, number: i32) -> Writer {
    Writer::new(name)
        .arg(FAMILIES.one(domain.cast_unsigned().into()))
        .arg(socket_kind(kind))
        .arg(protocol(domain, number))
}

/// Prints `struct msghdr`, with the length of the room for descriptors where less was used.
fn message(len: u64, bytes: &str, rights: &[Fd], room: usize) -> String {
    let bytes = if len == 0 { "\"\"" } else { bytes };
    let iov = format!("msg_iov=[{{iov_base={bytes}, iov_len={len}}}], msg_iovlen=1");
    let used = control_len(rights.len());
    let room = control_len(room);
    let control = match rights {
        [] => String::new(),
        rights => {
            let fds: Vec<_> = rights.iter().map(Fd::to_string).collect();
            let header = format!("cmsg_len={used}, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS");
            format!(
                "msg_control=[{{{header}, cmsg_data=[{}]}}], ",
                fds.join(", ")
            )
        }
    };
    let len = if room == used {
        format!("{used}")
    } else {
        format!("{room} => {used}")
    };
    format!("{{msg_name=NULL, msg_namelen=0, {iov}, {control}msg_controllen={len}, msg_flags=0}}")
}

/// The length of a control message with so many descriptors. Linux: `CMSG_LEN`.
fn control_len(fds: usize) -> usize {
    if fds == 0 { 0 } else { 16 + 4 * fds }
}
