//! What a text is that strace did not write: other tracers' output, and other things people have at hand.

use memchr::memmem::find;
use polter_trace::{Body, Line};

use crate::refusal::Refusal;

const RECORD: &str = "record with strace -f -yy -o LOG COMMAND, then polter judge LOG";
const WITHOUT_C: &str = "it holds no calls; record without -c: strace -f -yy -o LOG COMMAND";
const ON_LINUX: &str = "epoll is Linux's: record there with strace -f -yy -o LOG COMMAND";

/// Says what a text is, given its beginning, if it is certainly not strace's.
///
/// ltrace's and truss's lines read like strace's own, and are told apart before they are judged.
pub(crate) fn refuse(head: &[u8]) -> Option<Refusal> {
    // A recording of polter's own may begin with much that was there before.
    if head.starts_with(b"# polter ") {
        return None;
    }
    let lines = Lines::of(head);
    if lines.have(is_truss) {
        return Some(Refusal::new("truss's output", ON_LINUX));
    }
    if lines.have(is_ltrace) && !lines.have_any_of(&[b"epoll_", b"execve("]) {
        return Some(Refusal::new(
            "ltrace's output",
            "library calls do not tell what epoll did; record with strace -f -yy -o LOG COMMAND",
        ));
    }
    if lines.calls == 0 {
        return Some(guess(head));
    }
    None
}

/// Says what a text looks like that has no line of strace's.
pub(crate) fn guess(head: &[u8]) -> Refusal {
    let lines = Lines::of(head);
    for (is_kind, what, advice) in KINDS {
        if is_kind(&lines) {
            return Refusal::new(what, advice);
        }
    }
    Refusal::new("text of another kind", RECORD)
}

type Kind = (fn(&Lines<'_>) -> bool, &'static str, &'static str);

const KINDS: &[Kind] = &[
    (|l| l.first().is_empty(), "nothing but blank lines", RECORD),
    (
        |l| {
            l.begin_with(b"% time")
                && l.have_any_of(&[b"usecs/call"])
                && l.have_any_of(&[b" function"])
        },
        "the table of ltrace -c",
        RECORD,
    ),
    (
        |l| l.begin_with(b"% time") && l.have_any_of(&[b"usecs/call", b"syscall"]),
        "the table of strace -c",
        WITHOUT_C,
    ),
    (|l| l.have(is_perf_trace), "perf trace's output", RECORD),
    (
        |l| l.have_any_of(&[b"Performance counter stats for"]),
        "perf stat's output",
        RECORD,
    ),
    (
        |l| l.have_any_of(&[b"# tracer: ", b"# Samples: "]) || l.have(is_ftrace),
        "the kernel's or perf's trace",
        RECORD,
    ),
    (
        |l| {
            l.begin_with(b"Attaching ")
                || l.have_any_of(&[b"probes...", b"probe..."])
                || l.have(|line| line.starts_with(b"@") && find(line, b": ").is_some())
        },
        "bpftrace's output",
        RECORD,
    ),
    (
        |l| l.have_any_of(&[b"SYSCALL(args)"]) || l.have(is_dtruss),
        "dtruss's output",
        ON_LINUX,
    ),
    (|l| l.have(is_truss), "truss's output", ON_LINUX),
    (|l| l.have(is_ltrace), "ltrace's output", RECORD),
    (|l| l.have(is_sysdig), "sysdig's output", RECORD),
    (
        |l| l.have_any_of(&[b": Flags [", b" IP ", b" IP6 "]) && l.have_any_of(&[b" > "]),
        "tcpdump's output",
        RECORD,
    ),
    (
        |l| l.begin_with(b"==") && l.have_any_of(&[b"== "]),
        "valgrind's output",
        RECORD,
    ),
    (
        |l| l.have_any_of(&[b"What each policy would change"]),
        "polter's own report",
        "give it the log itself",
    ),
    (
        |l| l.begin_with(b"tfd:") || l.have(|line| line.starts_with(b"tfd:")),
        "a file of /proc/PID/fdinfo",
        "polter scan PID looks at running processes",
    ),
    (
        |l| {
            l.have(|line| {
                line.starts_with(b"COMMAND ")
                    || line.starts_with(b"    PID ")
                    || line.starts_with(b"  PID ")
            })
        },
        "a listing of processes or files",
        RECORD,
    ),
    (|l| l.have(is_dmesg), "the kernel's messages", RECORD),
    (|l| l.begin_with(b"<?xml"), "XML", RECORD),
    (
        |l| l.begin_with(b"<!DOCTYPE") || l.begin_with(b"<!doctype") || l.begin_with(b"<html"),
        "a page in HTML",
        "save the log itself, not the page that shows it",
    ),
    (
        |l| l.begin_with(b"{") || l.begin_with(b"["),
        "JSON",
        "polter judge reads strace's own text",
    ),
    (|l| l.begin_with(b"#!"), "a script", RECORD),
    (
        |l| l.begin_with(b"diff ") || l.begin_with(b"--- a/") || l.begin_with(b"Index: "),
        "a patch",
        RECORD,
    ),
    (
        |l| l.begin_with(b"-----BEGIN "),
        "a key, a certificate or a signed text",
        RECORD,
    ),
    (
        |l| {
            l.have(|line| {
                line.starts_with(b"#include")
                    || line.starts_with(b"import ")
                    || line.starts_with(b"package ")
            })
        },
        "a program's source",
        RECORD,
    ),
    (|l| l.have(is_syslog), "a journal or a syslog", RECORD),
    (
        |l| l.begin_with(b"From ") || l.have_any_of(&[b"\nSubject: ", b"\nReceived: "]),
        "mail",
        "save the log itself, as a file of its own",
    ),
    (
        |l| l.have_any_of(&[b"GNU gdb", b"(gdb)"]),
        "gdb's output",
        RECORD,
    ),
];

/// The lines of a text's beginning.
struct Lines<'a> {
    text: &'a [u8],
    lines: Vec<&'a [u8]>,
    /// How many are calls, signals or ends, as strace writes them.
    calls: usize,
}

impl<'a> Lines<'a> {
    fn of(text: &'a [u8]) -> Lines<'a> {
        let lines: Vec<&[u8]> = text
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.trim_ascii().is_empty())
            .collect();
        let calls = lines.iter().filter(|line| is_straces(line)).count();
        Lines { text, lines, calls }
    }

    fn first(&self) -> &'a [u8] {
        self.lines.first().copied().unwrap_or_default()
    }

    fn begin_with(&self, word: &[u8]) -> bool {
        self.first().trim_ascii_start().starts_with(word)
    }

    /// True if a fifth of the lines are so, and one at least.
    fn have(&self, is_so: fn(&[u8]) -> bool) -> bool {
        let count = self.lines.iter().filter(|line| is_so(line)).count();
        count > 0 && count * 5 >= self.lines.len()
    }

    fn have_any_of(&self, words: &[&[u8]]) -> bool {
        words.iter().any(|word| find(self.text, word).is_some())
    }
}

/// True for a line that can be nobody's but strace's: a call, a signal, an end, a note.
pub(crate) fn is_straces(line: &[u8]) -> bool {
    !matches!(
        Line::parse(line).body,
        Body::Unparsed(_) | Body::Comment(_) | Body::StackFrame(_) | Body::Suspended(_)
    )
}

/// `     0.000 ( 0.012 ms): cat/123 close(fd: 3) = 0`.
fn is_perf_trace(line: &[u8]) -> bool {
    find(line, b" ms): ").is_some() || find(line, b"(         ): ").is_some()
}

/// `  bash-123   [000] d... 12.345678: sys_close(fd: 3)`.
fn is_ftrace(line: &[u8]) -> bool {
    find(line, b" [0").is_some() && find(line, b": ").is_some() && find(line, b"] ").is_some()
}

/// FreeBSD's `= 3 (0x3)` and `ERR#2`, Solaris's `Err#2`.
fn is_truss(line: &[u8]) -> bool {
    let has_hex = find(line, b"\t = ").is_some() || find(line, b" = ").is_some();
    let hex = find(line, b" (0x").is_some() && line.trim_ascii_end().ends_with(b")");
    let is_result = line
        .iter()
        .rposition(|byte| *byte == b'=')
        .is_some_and(|at| is_number_twice(&line[at + 1..]));
    find(line, b" ERR#").is_some()
        || find(line, b" Err#").is_some()
        || (has_hex && hex && is_result)
}

/// ` 3 (0x3)`.
fn is_number_twice(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && text[digits..].starts_with(b" (0x")
}

/// `close(0x3, 0x0)`, two tabs, and `= 0 0`.
fn is_dtruss(line: &[u8]) -> bool {
    find(line, b")\t\t = ").is_some()
}

/// Calls of the C library, and the end as ltrace tells it.
fn is_ltrace(line: &[u8]) -> bool {
    const CALLS: [&[u8]; 14] = [
        b"__libc_start_main(",
        b"malloc(",
        b"calloc(",
        b"free(",
        b"puts(",
        b"printf(",
        b"strlen(",
        b"strcmp(",
        b"memcpy(",
        b"memset(",
        b"fopen(",
        b"strchr(",
        b"getenv(",
        b"SYS_",
    ];
    let call = after_prefix(line);
    CALLS.iter().any(|name| call.starts_with(name))
        || find(line, b"+++ exited (status").is_some()
        || find(line, b"->").is_some_and(|at| at > 0 && line[..at].ends_with(b".so.6"))
}

/// `12 10:00:00.000000000 0 cat (123) > close fd=3`.
fn is_sysdig(line: &[u8]) -> bool {
    find(line, b") > ").is_some() || find(line, b") < ").is_some()
}

/// `[    0.000000] Linux version …`.
fn is_dmesg(line: &[u8]) -> bool {
    line.starts_with(b"[ ") && find(line, b"] ").is_some_and(|at| line[1..at].contains(&b'.'))
}

/// `Nov 29 08:00:00 host program[1]: …`, or the same with a date in numbers.
fn is_syslog(line: &[u8]) -> bool {
    const MONTHS: [&[u8]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    let has_month = MONTHS.iter().any(|month| line.starts_with(month));
    let has_year = line
        .first_chunk::<5>()
        .is_some_and(|year| year[..4].iter().all(u8::is_ascii_digit) && year[4] == b'-');
    (has_month || has_year) && find(line, b": ").is_some()
}

/// What follows `[pid 12] ` or `12 `.
fn after_prefix(line: &[u8]) -> &[u8] {
    &line[polter_trace::Prefix::parse(line).raw.len()..]
}
