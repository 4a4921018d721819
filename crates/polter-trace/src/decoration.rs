//! What `-y` and `-yy` say about an fd: `3<pipe:[1]>`, `4</tmp/a>`, `5<TCP:[a->b]>`.

use memchr::{memchr, memmem};

/// What stands between the angle brackets after an fd.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoration<'a> {
    /// The text itself, without the outer angle brackets.
    pub text: &'a [u8],
    /// What the fd names.
    pub kind: DecorationKind<'a>,
    /// The inode of a pipe or a socket, where strace prints it.
    pub inode: Option<u64>,
    /// A connected socket's own end: an address, or a Unix socket's inode.
    pub local: Option<&'a [u8]>,
    /// The other end.
    pub remote: Option<&'a [u8]>,
    /// A device's kind and numbers (`-yy`): `char 1:3`.
    pub device: Option<&'a [u8]>,
    /// True if the path was unlinked.
    pub is_deleted: bool,
}

/// What an fd names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecorationKind<'a> {
    /// `pipe:[1]`.
    Pipe,
    /// `socket:[1]`: `-y` does not say which.
    Socket,
    /// `TCP:[…]`, `UDPv6:[…]`: the protocol's name.
    Inet(&'a [u8]),
    /// `UNIX:[…]`, `UNIX-STREAM:[…]`: the name.
    Unix(&'a [u8]),
    /// `NETLINK:[…]`.
    Netlink,
    /// `anon_inode:[eventpoll]`: the name, without brackets.
    AnonInode(&'a [u8]),
    /// `pid:12`: a pidfd under `-yy`.
    Pid(u32),
    /// `/tmp/a`, still escaped.
    Path(&'a [u8]),
    /// Anything else: a command (`-Y`), a name without a slash.
    Other,
}

impl<'a> Decoration<'a> {
    /// Reads what stands between the angle brackets; never fails.
    pub fn parse(text: &'a [u8]) -> Self {
        let mut decoration = Self {
            text,
            kind: DecorationKind::Other,
            inode: None,
            local: None,
            remote: None,
            device: None,
            is_deleted: false,
        };
        if text.first() == Some(&b'/') {
            decoration.read_path();
        } else if let Some(colon) = memchr(b':', text) {
            decoration.read_object(&text[..colon], &text[colon + 1..]);
        }
        decoration
    }

    /// Returns the name of an anonymous inode: `eventpoll`, `eventfd`, `timerfd`, `signalfd`.
    pub fn anon_inode(&self) -> Option<&'a [u8]> {
        match self.kind {
            DecorationKind::AnonInode(name) => Some(name),
            _ => None,
        }
    }

    fn read_path(&mut self) {
        let mut path = self.text;
        if let (Some(at), Some(body)) = (memchr(b'<', path), path.strip_suffix(b">")) {
            self.device = Some(&body[at + 1..]);
            path = &path[..at];
        }
        if let Some(alive) = path.strip_suffix(b" (deleted)") {
            self.is_deleted = true;
            path = alive;
        }
        self.kind = DecorationKind::Path(path);
    }

    fn read_object(&mut self, name: &'a [u8], rest: &'a [u8]) {
        let inner = rest
            .strip_prefix(b"[")
            .and_then(|rest| rest.strip_suffix(b"]"));
        self.kind = match name {
            b"anon_inode" => {
                self.kind = DecorationKind::AnonInode(inner.unwrap_or(rest));
                return;
            }
            b"pid" => match number(rest).and_then(|pid| u32::try_from(pid).ok()) {
                Some(pid) => DecorationKind::Pid(pid),
                None => return,
            },
            b"pipe" => DecorationKind::Pipe,
            b"socket" => DecorationKind::Socket,
            b"NETLINK" => DecorationKind::Netlink,
            name if name.starts_with(b"UNIX") => DecorationKind::Unix(name),
            name if is_protocol(name) => DecorationKind::Inet(name),
            _ => return,
        };
        if let Some(inner) = inner {
            self.read_ends(inner);
        }
    }

    /// Reads `1`, `a->b`, `1->2,"/path"` or `1,@"name"`.
    fn read_ends(&mut self, inner: &'a [u8]) {
        let quoted = memchr(b'"', inner).unwrap_or(inner.len());
        let ends = &inner[..memchr(b',', &inner[..quoted]).unwrap_or(quoted)];
        if let Some(arrow) = memmem::find(ends, b"->") {
            self.local = Some(&ends[..arrow]);
            self.remote = Some(&ends[arrow + 2..]);
        } else {
            self.local = Some(ends);
        }
        self.inode = self.local.and_then(number);
    }
}

fn is_protocol(name: &[u8]) -> bool {
    name.first().is_some_and(u8::is_ascii_uppercase)
        && name
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

fn number(digits: &[u8]) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| str::from_utf8(digits).ok()?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipes_and_plain_sockets_have_inodes() {
        check("pipe:[12]", "Pipe inode=12 local=12");
        check("socket:[12]", "Socket inode=12 local=12");
        check("TCP:[12]", "Inet(TCP) inode=12 local=12");
    }

    #[test]
    fn sockets_have_two_ends() {
        check(
            "TCP:[127.0.0.1:80->127.0.0.1:90]",
            "Inet(TCP) local=127.0.0.1:80 remote=127.0.0.1:90",
        );
        check(
            "TCPv6:[[::1]:80->[::1]:90]",
            "Inet(TCPv6) local=[::1]:80 remote=[::1]:90",
        );
        check("TCP:[0.0.0.0:80]", "Inet(TCP) local=0.0.0.0:80");
        check(
            "UNIX-STREAM:[1->2]",
            "Unix(UNIX-STREAM) inode=1 local=1 remote=2",
        );
        check(
            "UNIX-STREAM:[1->2,\"/a->,b\"]",
            "Unix(UNIX-STREAM) inode=1 local=1 remote=2",
        );
        check("UNIX-DGRAM:[1,@\"x\"]", "Unix(UNIX-DGRAM) inode=1 local=1");
        check("NETLINK:[ROUTE:5]", "Netlink local=ROUTE:5");
    }

    #[test]
    fn anonymous_inodes_have_names() {
        check("anon_inode:[eventpoll]", "AnonInode(eventpoll)");
        check("anon_inode:inotify", "AnonInode(inotify)");
        check("pid:12", "Pid(12)");
    }

    #[test]
    fn paths_may_be_devices_or_deleted() {
        check("/tmp/a:b", "Path(/tmp/a:b)");
        check("/dev/null<char 1:3>", "Path(/dev/null) device=char 1:3");
        check("/tmp/a (deleted)", "Path(/tmp/a) deleted");
    }

    #[test]
    fn anything_else_is_other() {
        check("loop", "Other");
        check("", "Other");
        check("a:b", "Other");
        check("/><", "Path(/><)");
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let decoration = Decoration::parse(text.as_bytes());
        let lossy = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let mut words = vec![match decoration.kind {
            DecorationKind::Inet(name) => format!("Inet({})", lossy(name)),
            DecorationKind::Unix(name) => format!("Unix({})", lossy(name)),
            DecorationKind::AnonInode(name) => format!("AnonInode({})", lossy(name)),
            DecorationKind::Path(path) => format!("Path({})", lossy(path)),
            kind => format!("{kind:?}"),
        }];
        words.extend(decoration.inode.map(|inode| format!("inode={inode}")));
        words.extend(decoration.local.map(|end| format!("local={}", lossy(end))));
        words.extend(
            decoration
                .remote
                .map(|end| format!("remote={}", lossy(end))),
        );
        words.extend(
            decoration
                .device
                .map(|device| format!("device={}", lossy(device))),
        );
        words.extend(decoration.is_deleted.then(|| "deleted".to_owned()));
        assert_eq!(words.join(" "), expected, "{text}");
    }
}
