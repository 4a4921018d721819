//! Shortens a call of a log to fit a line: the parts that say least are dropped first.
//!
//! ```text
//!   epoll_ctl(3<anon_inode:[eventpoll]>, EPOLL_CTL_DEL, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = -1 EBADF (Bad file descriptor)
//!   epoll_ctl(3, EPOLL_CTL_DEL, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = -1 EBADF (Bad file descriptor)
//!   epoll_ctl(3, EPOLL_CTL_DEL, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = -1 EBADF
//!   epoll_ctl(3, EPOLL_CTL_DEL, 4, {…}) = -1 EBADF
//!   epoll_ctl(3, EPOLL_CT…) = -1 EBADF
//! ```

use super::words::{clean, cut, head, width};

/// Makes a call safe to show, and shortens it to so many columns.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    let shorter_fns = [without_names, without_explanation, without_fields];
    let mut call = clean(text);
    for shorter_fn in shorter_fns {
        if width(&call) <= columns {
            return call;
        }
        call = shorter_fn(&call);
    }
    cut_arguments(&call, columns)
}

/// Drops strace's name of an fd: `3<anon_inode:[eventpoll]>` becomes `3`.
fn without_names(call: &str) -> String {
    without(call, |before, rest| {
        let is_descriptor = before.ends_with(|last: char| last.is_ascii_digit());
        let is_named = is_descriptor || before.ends_with("AT_FDCWD");
        if !is_named || !rest.starts_with('<') {
            return None;
        }
        Some((name_len(rest)?, ""))
    })
}

/// The bytes of `<…>`. A socket's name has an arrow, and may have a path in quotes;
/// a device's has its numbers in brackets of their own.
fn name_len(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut is_string = false;
    let mut last = ' ';
    for (index, character) in text.char_indices() {
        match character {
            '"' if last != '\\' => is_string = !is_string,
            _ if is_string => {}
            '<' => depth += 1,
            '>' if last != '-' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(index + 1);
        }
        last = character;
    }
    None
}

/// Drops the explanation of an errno, whose name is enough.
fn without_explanation(call: &str) -> String {
    let Some((before, _)) = call
        .strip_suffix(')')
        .and_then(|call| call.rsplit_once(" ("))
    else {
        return call.to_owned();
    };
    if before.contains(" = -1 E") {
        before.to_owned()
    } else {
        call.to_owned()
    }
}

/// Drops the fields in braces.
fn without_fields(call: &str) -> String {
    without(call, |_, rest| {
        let mut depth = 0_usize;
        for (index, character) in rest.char_indices() {
            match character {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return (index > 0).then_some((index + 1, "{…}"));
            }
        }
        None
    })
}

/// Replaces parts outside of strings. At each place `found_fn` gets the text before and after, and
/// returns how many bytes to replace, and by what.
fn without(call: &str, found_fn: impl Fn(&str, &str) -> Option<(usize, &'static str)>) -> String {
    let mut kept = String::new();
    let mut rest = call;
    let mut is_string = false;
    while let Some(character) = rest.chars().next() {
        if !is_string && let Some((skipped, instead)) = found_fn(&kept, rest) {
            kept.push_str(instead);
            rest = &rest[skipped..];
            continue;
        }
        let is_escaped = kept.ends_with('\\');
        is_string ^= character == '"' && !is_escaped;
        kept.push(character);
        rest = &rest[character.len_utf8()..];
    }
    kept
}

/// Cuts within the arguments, because the result says more than the last of them.
fn cut_arguments(call: &str, columns: usize) -> String {
    let Some(result) = call.rfind(") = ") else {
        return cut(call, columns);
    };
    let result = &call[result..];
    if width(call) <= columns || width(result) + 8 > columns {
        return cut(call, columns);
    }
    let kept = head(call, columns - width(result) - 1);
    format!("{kept}…{result}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEL: &str = "epoll_ctl(3<anon_inode:[eventpoll]>, EPOLL_CTL_DEL, 4, {events=EPOLLIN, data={u32=4}}) = -1 EBADF (Bad file descriptor)";

    #[test]
    fn what_says_least_goes_first() {
        check(DEL, 200, DEL);
        check(
            DEL,
            100,
            "epoll_ctl(3, EPOLL_CTL_DEL, 4, {events=EPOLLIN, data={u32=4}}) = -1 EBADF (Bad file descriptor)",
        );
        check(
            DEL,
            90,
            "epoll_ctl(3, EPOLL_CTL_DEL, 4, {events=EPOLLIN, data={u32=4}}) = -1 EBADF",
        );
        check(DEL, 60, "epoll_ctl(3, EPOLL_CTL_DEL, 4, {…}) = -1 EBADF");
        check(DEL, 34, "epoll_ctl(3, EPOLL_CT…) = -1 EBADF");
    }

    #[test]
    fn the_names_of_sockets_and_devices_go_whole() {
        let names = [
            "TCP:[127.0.0.1:7778->127.0.0.1:44756]",
            "TCPv6:[[::1]:80->[::1]:90]",
            "UNIX-STREAM:[11->12]",
            "UNIX-STREAM:[11->12,\"/run/a->b> c\"]",
            "UNIX-STREAM:[11->12,@\"a\\\">b\"]",
            "/dev/null<char 1:3>",
            "/tmp/a\\76b",
        ];
        for name in names {
            let call = format!("epoll_ctl(5<a>, EPOLL_CTL_DEL, 8<{name}>, 0x7ffd) = 0");
            check(&call, 48, "epoll_ctl(5, EPOLL_CTL_DEL, 8, 0x7ffd) = 0");
        }
        check(
            "openat(AT_FDCWD</srv/run>, \"a\", O_RDONLY) = 4</srv/run/a>",
            40,
            "openat(AT_FDCWD, \"a\", O_RDONLY) = 4",
        );
    }

    #[test]
    fn a_name_cut_short_is_left_alone() {
        check(
            "close(3<TCP:[127.0.0.1:80->127.",
            20,
            "close(3<TCP:[127.0.…",
        );
    }

    #[test]
    fn strings_are_left_alone() {
        check(
            "write(5<pipe:[9]>, \"4<a> {b} \\\" 4<c>\", 17) = 17",
            37,
            "write(5, \"4<a> {b} \\\" 4<c>\", 17) = 17",
        );
    }

    #[test]
    fn a_call_without_a_result_is_cut_at_its_end() {
        check("--- SIGCHLD {si_signo=SIGCHLD} ---", 12, "--- SIGCHLD…");
        check("writev(3, [{iov_base=\"x\", iov_len", 12, "writev(3, […");
    }

    #[test]
    fn nothing_is_wider_than_asked_for() {
        for columns in 0..130 {
            assert!(width(&fit(DEL, columns)) <= columns.max(1), "{columns}");
        }
    }

    #[track_caller]
    fn check(text: &str, columns: usize, expected: &str) {
        assert_eq!(fit(text, columns), expected);
    }
}
