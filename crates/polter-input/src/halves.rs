//! The two halves of a call that may have waited, as `strace -f` would have written them.

use std::time::Duration;

use polter_trace::{Body, Line};

/// Calls that wait for others, and take effect when they return.
const WAITING: [&str; 32] = [
    "accept",
    "accept4",
    "clock_nanosleep",
    "connect",
    "epoll_pwait",
    "epoll_pwait2",
    "epoll_wait",
    "flock",
    "futex",
    "futex_wait",
    "io_getevents",
    "io_uring_enter",
    "msgrcv",
    "nanosleep",
    "pause",
    "poll",
    "ppoll",
    "pselect6",
    "read",
    "readv",
    "recv",
    "recvfrom",
    "recvmmsg",
    "recvmsg",
    "rt_sigsuspend",
    "rt_sigtimedwait",
    "select",
    "semop",
    "wait4",
    "waitid",
    "waitpid",
    "_newselect",
];

/// Splits a call that may have waited: its beginning, its end, and how long it took if `-T` says so.
pub(crate) fn split(text: &[u8]) -> Option<(Vec<u8>, Vec<u8>, Option<Duration>)> {
    let line = Line::parse(text);
    let Body::Call(call) = line.body else {
        return None;
    };
    let args = call.args.raw;
    if !WAITING.contains(&call.name) || is_question(args) {
        return None;
    }
    let first = call.args.get(0).map_or(0, |arg| arg.raw.len());
    // All of the arguments come with the end if there is but one.
    let known = if args[first..].starts_with(b", ") {
        first + 2
    } else {
        0
    };
    let prefix = line.prefix.raw;
    let at = prefix.len() + call.name.len() + 1 + known;
    let begin = [&text[..at], b" <unfinished ...>"].concat();
    let name = call.name.as_bytes();
    let end = [prefix, b"<... ", name, b" resumed>", &text[at..]].concat();
    Some((begin, end, call.duration))
}

/// True for a call that does not wait: it was told not to.
fn is_question(args: &[u8]) -> bool {
    let flags = [&b"WNOHANG"[..], b"MSG_DONTWAIT", b"FUTEX_WAKE"];
    args.ends_with(b", 0")
        || flags
            .iter()
            .any(|flag| memchr::memmem::find(args, flag).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_split() {
        check(
            "1700000001.000001 epoll_wait(3<a, b>, [{events=1}], 8, -1) = 1 <0.000007>",
            "1700000001.000001 epoll_wait(3<a, b>,  <unfinished ...>",
            "1700000001.000001 <... epoll_wait resumed>[{events=1}], 8, -1) = 1 <0.000007>",
        );
        check(
            "pause() = ? ERESTARTNOHAND (To be restarted)",
            "pause( <unfinished ...>",
            "<... pause resumed>) = ? ERESTARTNOHAND (To be restarted)",
        );
    }

    #[test]
    fn what_acts_at_once_is_not() {
        for line in [
            "close(3) = 0",
            "clone(flags=SIGCHLD) = 7",
            "epoll_wait(3, [], 8, 0) = 0",
            "wait4(7, NULL, WNOHANG, NULL) = 0",
            "+++ exited with 0 +++",
            "no call",
        ] {
            assert_eq!(split(line.as_bytes()), None, "{line}");
        }
    }

    #[track_caller]
    fn check(line: &str, begin: &str, end: &str) {
        let (first, second, _) = split(line.as_bytes()).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        assert_eq!((text(first).as_str(), text(second).as_str()), (begin, end));
    }
}
