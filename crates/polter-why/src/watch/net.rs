//! The TCP sockets of a process's network, by their addresses: `/proc/PID/net/tcp` and `tcp6`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use polter_scan::Proc;

/// The inode of the socket that is connected from `local` to `peer`; `None` if there is none in this network.
pub(super) fn socket_of(proc: &Proc, pid: u32, local: SocketAddr, peer: SocketAddr) -> Option<u64> {
    ["net/tcp", "net/tcp6"].iter().find_map(|name| {
        let text = proc.bytes(pid, name).ok()?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let mut rows = text.lines().skip(1).filter_map(row);
        let is_it = |(its_local, its_peer, _): &(SocketAddr, SocketAddr, u64)| {
            plain(*its_local) == plain(local) && plain(*its_peer) == plain(peer)
        };
        rows.find(is_it).map(|(.., inode)| inode)
    })
}

/// An address without the form that IPv6 gives to IPv4's.
fn plain(address: SocketAddr) -> (IpAddr, u16) {
    (address.ip().to_canonical(), address.port())
}

/// A line: `sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode …`.
fn row(line: &str) -> Option<(SocketAddr, SocketAddr, u64)> {
    let mut words = line.split_ascii_whitespace();
    let local = address(words.nth(1)?)?;
    let peer = address(words.next()?)?;
    Some((local, peer, words.nth(6)?.parse().ok()?))
}

/// `0100007F:1F90`: words of the machine's own order, then the port.
fn address(word: &str) -> Option<SocketAddr> {
    let (ip, port) = word.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let part = |at: usize| {
        let digits = ip.get(8 * at..8 * at + 8)?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    let ip = match ip.len() {
        8 => IpAddr::from(Ipv4Addr::from(part(0)?)),
        32 => {
            let mut bytes = [0; 16];
            for at in 0..4 {
                bytes[4 * at..4 * at + 4].copy_from_slice(&part(at)?);
            }
            IpAddr::from(Ipv6Addr::from(bytes))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::{row, socket_of};
    use polter_scan::Proc;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd as _;

    #[test]
    fn both_ends_of_a_connection_are_found() {
        for host in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(host) else {
                continue;
            };
            let client = TcpStream::connect(listener.local_addr().expect("it")).expect("connects");
            let (local, peer) = (
                client.local_addr().expect("it"),
                client.peer_addr().expect("it"),
            );
            let inode = socket_of(&Proc::live(), std::process::id(), local, peer);
            let link = std::fs::read_link(format!("/proc/self/fd/{}", client.as_raw_fd()));
            let expected = format!("socket:[{}]", inode.expect("it is listed"));
            assert_eq!(link.expect("it").to_string_lossy(), expected);
        }
    }

    #[test]
    fn what_is_no_row_is_passed_over() {
        for line in [
            "",
            "0:",
            "0: x y z",
            "  0: 0100007F:1F90 00:00 0A",
            "0: 0100007F:1F90 0100007F:é 01",
        ] {
            assert_eq!(row(line), None, "{line}");
        }
    }
}
