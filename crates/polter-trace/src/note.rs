//! What is on a line and is no call: signals, ends of tasks, stack frames, strace's notes.

use memchr::memrchr;

/// `--- SIGCHLD {si_signo=SIGCHLD, …} ---` or `--- stopped by SIGSTOP ---`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal<'a> {
    /// The text itself, with its dashes.
    pub raw: &'a [u8],
    /// The signal's name.
    pub name: &'a [u8],
    /// The `{si_signo=…}` structure; a stop has none.
    pub info: Option<&'a [u8]>,
    /// True if the task was stopped by it.
    pub is_stop: bool,
}

impl<'a> Signal<'a> {
    pub(crate) fn parse(raw: &'a [u8]) -> Option<Self> {
        let inner = raw.strip_prefix(b"--- ")?.strip_suffix(b" ---")?;
        if let Some(name) = inner.strip_prefix(b"stopped by ") {
            return Some(Self {
                raw,
                name,
                info: None,
                is_stop: true,
            });
        }
        let end = inner.iter().position(|&b| b == b' ').unwrap_or(inner.len());
        let info = inner.get(end + 1..).filter(|info| !info.is_empty());
        Some(Self {
            raw,
            name: &inner[..end],
            info,
            is_stop: false,
        })
    }
}

/// `+++ exited with 0 +++` and the other ends of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit<'a> {
    /// The text itself, with its crosses.
    pub raw: &'a [u8],
    /// How the task ended.
    pub how: ExitKind<'a>,
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitKind<'a> {
    /// `exited with 3`.
    Exited(i32),
    /// `killed by SIGKILL`.
    Killed {
        /// The signal's name.
        signal: &'a [u8],
        /// True if it left a core.
        is_dumped: bool,
    },
    /// `superseded by execve in pid 12`: another thread's exec took over this pid.
    Superseded {
        /// The thread that called `execve`.
        by: u32,
    },
}

impl<'a> Exit<'a> {
    pub(crate) fn parse(raw: &'a [u8]) -> Option<Self> {
        let inner = raw.strip_prefix(b"+++ ")?.strip_suffix(b" +++")?;
        let how = if let Some(code) = inner.strip_prefix(b"exited with ") {
            ExitKind::Exited(number(code)?)
        } else if let Some(signal) = inner.strip_prefix(b"killed by ") {
            let signal_only = signal.strip_suffix(b" (core dumped)");
            ExitKind::Killed {
                signal: signal_only.unwrap_or(signal),
                is_dumped: signal_only.is_some(),
            }
        } else {
            let pid = inner.strip_prefix(b"superseded by execve in pid ")?;
            ExitKind::Superseded { by: number(pid)? }
        };
        Some(Self { raw, how })
    }
}

/// ` > /lib/libc.so.6(write+0x14) [0x10f194]`: one line of `-k`'s stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StackFrame<'a> {
    /// The text itself.
    pub raw: &'a [u8],
    /// The object that holds the code.
    pub object: &'a [u8],
    /// The symbol with its offset, as in `write+0x14`; `+0x14` has no symbol.
    pub symbol: Option<&'a [u8]>,
    /// The address, as in `0x10f194`.
    pub address: Option<&'a [u8]>,
}

impl<'a> StackFrame<'a> {
    pub(crate) fn parse(raw: &'a [u8]) -> Option<Self> {
        let inner = raw.strip_prefix(b" > ")?;
        let (place, address) = split_last(inner, b'[', b"]");
        let place = place.trim_ascii_end();
        // A symbol may have parentheses of its own: `f(int)+0x1`.
        let open = place.iter().position(|&b| b == b'(');
        let (object, symbol) = match (open, place.strip_suffix(b")")) {
            (Some(open), Some(body)) => (&place[..open], Some(&body[open + 1..])),
            _ => (place, None),
        };
        Some(Self {
            raw,
            object,
            symbol,
            address,
        })
    }
}

/// What strace says of itself: `strace: Process 12 attached`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Note<'a> {
    /// The text itself.
    pub raw: &'a [u8],
    /// What it says.
    pub what: NoteKind,
}

/// What strace says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteKind {
    /// A task is traced from now on.
    Attached(u32),
    /// A task is no longer traced.
    Detached(u32),
    /// Anything else.
    Other,
}

impl<'a> Note<'a> {
    /// Reads `strace: …`, and `Process 12 attached` and the like of older versions.
    pub(crate) fn parse(raw: &'a [u8]) -> Option<Self> {
        let own = raw.strip_prefix(b"strace: ");
        let text = own.unwrap_or(raw);
        if let Some(what) = text.strip_prefix(b"Process ").and_then(process_note) {
            return Some(Self { raw, what });
        }
        let is_note = own.is_some() || raw.starts_with(b"[ Process PID=");
        is_note.then_some(Self {
            raw,
            what: NoteKind::Other,
        })
    }
}

fn process_note(text: &[u8]) -> Option<NoteKind> {
    let end = text.iter().position(|&b| b == b' ')?;
    let pid = number(&text[..end])?;
    let verb = &text[end + 1..];
    if verb.starts_with(b"attached") {
        Some(NoteKind::Attached(pid))
    } else if verb == b"detached" {
        Some(NoteKind::Detached(pid))
    } else {
        (verb == b"resumed" || verb.starts_with(b"suspended")).then_some(NoteKind::Other)
    }
}

/// Splits `a [b]` into `a ` and `b`, at the last opening bracket.
fn split_last<'a>(text: &'a [u8], open: u8, close: &[u8]) -> (&'a [u8], Option<&'a [u8]>) {
    match (memrchr(open, text), text.strip_suffix(close)) {
        (Some(at), Some(body)) => (&text[..at], Some(&body[at + 1..])),
        _ => (text, None),
    }
}

fn number<N: std::str::FromStr>(digits: &[u8]) -> Option<N> {
    str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals() {
        check(
            "--- SIGCHLD {si_signo=SIGCHLD} ---",
            "signal SIGCHLD {si_signo=SIGCHLD}",
        );
        check("--- stopped by SIGSTOP ---", "stop SIGSTOP");
        check("--- SIGRT_1 ---", "signal SIGRT_1");
    }

    #[test]
    fn exits() {
        check("+++ exited with 3 +++", "Exited(3)");
        check(
            "+++ killed by SIGSEGV (core dumped) +++",
            "killed SIGSEGV dumped",
        );
        check("+++ killed by SIGKILL +++", "killed SIGKILL");
        check(
            "+++ superseded by execve in pid 12 +++",
            "Superseded { by: 12 }",
        );
        check("+++ abc +++", "nothing");
    }

    #[test]
    fn frames() {
        check(
            " > /lib/libc.so(write+0x14) [0x10]",
            "frame /lib/libc.so write+0x14 0x10",
        );
        check(" > /x(f(int)+0x1) [0x2]", "frame /x f(int)+0x1 0x2");
        check(" > no_backtrace", "frame no_backtrace - -");
        check(" > )", "frame ) - -");
    }

    #[test]
    fn notes() {
        check("strace: Process 12 attached", "Attached(12)");
        check("strace: Process 12 attached with 3 threads", "Attached(12)");
        check("Process 12 detached", "Detached(12)");
        check("strace: Can't stat 'x': No such file", "Other");
        check("[ Process PID=12 runs in 32 bit mode. ]", "Other");
        check("Process x", "nothing");
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let raw = text.as_bytes();
        let lossy = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let actual = if let Some(signal) = Signal::parse(raw) {
            let kind = if signal.is_stop { "stop" } else { "signal" };
            let info = signal.info.map(|info| format!(" {}", lossy(info)));
            format!("{kind} {}{}", lossy(signal.name), info.unwrap_or_default())
        } else if let Some(exit) = Exit::parse(raw) {
            match exit.how {
                ExitKind::Killed { signal, is_dumped } => {
                    format!(
                        "killed {}{}",
                        lossy(signal),
                        if is_dumped { " dumped" } else { "" }
                    )
                }
                how => format!("{how:?}"),
            }
        } else if let Some(frame) = StackFrame::parse(raw) {
            let or_dash = |text: Option<_>| text.map_or_else(|| "-".to_owned(), lossy);
            format!(
                "frame {} {} {}",
                lossy(frame.object),
                or_dash(frame.symbol),
                or_dash(frame.address)
            )
        } else if let Some(note) = Note::parse(raw) {
            format!("{:?}", note.what)
        } else {
            "nothing".to_owned()
        };
        assert_eq!(actual, expected, "{text}");
    }
}
