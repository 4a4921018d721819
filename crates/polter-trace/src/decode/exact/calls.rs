//! What must hold of each call's arguments, so that a value holds them whole.

use super::kept::{ADDRESS, Kept, Lost, SET_SIZE, Whole, bits, has_only};
use super::messages::message;
use super::tasks::{action, clone, clone3};
use crate::encode::DEVICE;
use crate::names::{OPEN, OPEN_ACCESS, POLL_EVENTS};
use crate::value::Value;

pub(super) fn check(name: &str, args: &Kept<'_>) -> Whole {
    match name {
        "fork" | "vfork" | "getpid" => args.end(0),
        "epoll_create" | "epoll_create1" | "dup" | "close" | "eventfd" | "exit" | "exit_group"
        | "unshare" => args.end(1),
        "dup2" | "eventfd2" | "timerfd_create" | "shutdown" | "kill" | "pidfd_open" => args.end(2),
        "dup3" | "close_range" | "lseek" | "tgkill" | "pidfd_getfd" | "socket" => {
            args.must(2, is_number_or_name, "this is not modelled")?;
            args.end(3)
        }
        "epoll_ctl" => control(args),
        "epoll_wait" => args.end(4),
        "epoll_pwait" | "epoll_pwait2" => {
            times(args, 3)?;
            set(args, 4)
        }
        "poll" => poll(args),
        "ppoll" => {
            poll(args)?;
            times(args, 2)?;
            set(args, 3)
        }
        "fcntl" | "fcntl64" => fcntl(args),
        "ioctl" => ioctl(args),
        "pipe" | "pipe2" => {
            args.room(0)?;
            args.end(2)
        }
        _ => files(name, args),
    }
}

/// Timers, signalfds, and what files are opened, read and written by.
fn files(name: &str, args: &Kept<'_>) -> Whole {
    match name {
        "timerfd_settime" => {
            let [whole, time] = [&["it_interval", "it_value"][..], &["tv_sec", "tv_nsec"]];
            args.fields(2, whole)?;
            for part in whole {
                let is_whole = |value: &Value<'_>| {
                    value
                        .field(part)
                        .is_none_or(|time_of| has_only(time_of, time))
                };
                args.must(2, is_whole, "a field of this structure is not modelled")?;
            }
            args.room_or_null(3)?;
            args.end(4)
        }
        "timerfd_gettime" => {
            args.room(1)?;
            args.end(2)
        }
        "signalfd" | "signalfd4" => {
            args.is(2, 8, SET_SIZE)?;
            args.end(4)
        }
        "open" => open(args, 0),
        "openat" => {
            let is_here = |value: &Value<'_>| matches!(value.bare(), Value::Name("AT_FDCWD"));
            args.must(
                0,
                is_here,
                "another directory than AT_FDCWD is not modelled",
            )?;
            open(args, 1)
        }
        "creat" | "openat2" => Err(Lost {
            index: 0,
            why: "this way to open a file is not modelled: openat(2) is",
        }),
        "read" => {
            args.room(1)?;
            args.end(3)
        }
        "write" => {
            args.text(1)?;
            args.end(3)
        }
        "readv" | "writev" => vector(args),
        "io_uring_setup" => {
            let is_plain = |value: &Value<'_>| {
                let flags = value.field("flags").and_then(Value::number);
                flags.is_none_or(|flags| flags == 0)
            };
            args.must(1, is_plain, "flags of a ring are not modelled")?;
            args.room(1)?;
            args.end(2)
        }
        "io_uring_register" => register(args),
        "socketpair" => {
            args.must(2, is_number_or_name, "this protocol is not modelled")?;
            args.room(3)?;
            args.end(4)
        }
        "accept" | "accept4" => {
            args.nothing(1, ADDRESS)?;
            args.nothing(2, ADDRESS)?;
            args.end(4)
        }
        _ => messages_and_tasks(name, args),
    }
}

fn messages_and_tasks(name: &str, args: &Kept<'_>) -> Whole {
    match name {
        "sendto" | "recvfrom" => {
            match name {
                "sendto" => args.text(1)?,
                _ => args.room(1)?,
            }
            args.nothing(4, ADDRESS)?;
            if name == "sendto" {
                args.is(5, 0, ADDRESS)?;
            } else {
                args.nothing(5, ADDRESS)?;
            }
            args.end(6)
        }
        "sendmsg" | "recvmsg" => message(args, name == "sendmsg"),
        "clone" => clone(args),
        "clone3" => clone3(args),
        "rt_sigprocmask" => {
            let is_set = |value: &Value<'_>| !value.is_null();
            args.must(
                1,
                is_set,
                "asking for the present mask alone is not modelled",
            )?;
            args.room_or_null(2)?;
            args.is(3, 8, SET_SIZE)?;
            args.end(4)
        }
        "rt_sigaction" => action(args),
        "wait4" => {
            args.room_or_null(1)?;
            args.nothing(3, "the resources that a child has used are not modelled")?;
            args.end(4)
        }
        "prlimit64" => {
            args.fields(2, &["rlim_cur", "rlim_max"])?;
            args.room_or_null(3)?;
            args.end(4)
        }
        "setrlimit" => {
            args.fields(1, &["rlim_cur", "rlim_max"])?;
            args.end(2)
        }
        "kcmp" => {
            args.fields(4, &["efd", "tfd", "toff"])?;
            args.end(5)
        }
        // The program that takes the caller's place is the same whatever is written.
        "execve" | "execveat" => Ok(()),
        _ => Err(Lost {
            index: 0,
            why: "nobody says what this call must hold",
        }),
    }
}

/// A number, or a name that stands for one.
fn is_number_or_name(value: &Value<'_>) -> bool {
    !matches!(value.bare(), Value::Function(..) | Value::Other(_))
}

fn control(args: &Kept<'_>) -> Whole {
    let is_del = args
        .at(1)
        .is_some_and(|op| matches!(op.bare(), Value::Name("EPOLL_CTL_DEL") | Value::Number(2)));
    args.must(
        3,
        |event| is_del || event.is_null() || matches!(event.bare(), Value::Struct(_)),
        "what is at an address is not known; NULL is one that cannot be read",
    )?;
    args.fields(3, &["events", "data"])?;
    let is_one_word = |event: &Value<'_>| {
        let Some(data) = event.field("data") else {
            return true;
        };
        let word = |name| data.field(name).and_then(Value::number);
        has_only(data, &["u32", "u64"])
            && match (word("u32"), word("u64")) {
                (Some(half), Some(whole)) => half == whole & 0xffff_ffff,
                _ => true,
            }
    };
    args.must(3, is_one_word, "u32 is not the low half of u64")?;
    args.end(4)
}

/// A mask of signals, and its size.
fn set(args: &Kept<'_>, index: usize) -> Whole {
    let is_null = args.at(index).is_some_and(Value::is_null);
    let is_known = |size: &Value<'_>| match size.number() {
        Some(8) => true,
        // A size that is refused, before the set is read.
        Some(4) => !is_null,
        _ => false,
    };
    args.must(index + 1, is_known, SET_SIZE)?;
    args.end(index + 2)
}

fn times(args: &Kept<'_>, index: usize) -> Whole {
    args.fields(index, &["tv_sec", "tv_nsec"])
}

fn poll(args: &Kept<'_>) -> Whole {
    let entries = args.at(0).and_then(Value::elements).map_or(0, <[_]>::len);
    args.is(1, entries as i128, "there are not so many entries")?;
    args.fields(0, &["fd", "events"])?;
    let is_short = |entries: &Value<'_>| {
        let masks = entries.elements().unwrap_or_default().iter();
        let masks = masks.filter_map(|entry| bits(entry.field("events")?, &POLL_EVENTS));
        masks.into_iter().all(|mask| mask <= 0xffff)
    };
    args.must(0, is_short, "a mask of poll(2) has 16 bits")?;
    args.end(5)
}

fn fcntl(args: &Kept<'_>) -> Whole {
    let command = args.at(1).map(Value::bare);
    let takes_none = matches!(
        command,
        Some(Value::Name(
            "F_GETFD" | "F_GETFL" | "F_GETPIPE_SZ" | "F_GETOWN" | "F_GETSIG" | "F_GETLEASE"
        ))
    );
    let takes_one = matches!(
        command,
        Some(
            Value::Name(
                "F_DUPFD" | "F_DUPFD_CLOEXEC" | "F_SETFD" | "F_SETFL" | "F_SETPIPE_SZ" | "F_SETOWN"
                | "F_SETSIG" | "F_NOTIFY" | "F_DUPFD_QUERY",
            )
            | Value::Number(0..=4 | 8..=11 | 1025..=1027 | 1030..=1032),
        )
    );
    if !takes_none && !takes_one {
        args.is(2, 0, "the argument of this command is not modelled")?;
    }
    args.end(3)
}

fn ioctl(args: &Kept<'_>) -> Whole {
    args.fields(
        2,
        &[
            "busy_poll_usecs",
            "busy_poll_budget",
            "prefer_busy_poll",
            "__pad",
        ],
    )?;
    let fits = |name: &'static str, most: i128| {
        move |value: &Value<'_>| {
            let number = value.field(name).and_then(Value::number);
            number.is_none_or(|number| (0..=most).contains(&number))
        }
    };
    const SIZE: &str = "a number too large for its field";
    args.must(2, fits("busy_poll_usecs", 0xffff_ffff), SIZE)?;
    args.must(2, fits("busy_poll_budget", 0xffff), SIZE)?;
    args.must(2, fits("prefer_busy_poll", 0xff), SIZE)?;
    args.must(2, fits("__pad", 0xff), SIZE)?;
    let is_flag = matches!(args.at(1).map(Value::bare), Some(Value::Name("FIONBIO")))
        || args.at(1).and_then(Value::number) == Some(0x5421);
    let is_one = |value: &Value<'_>| match value.elements() {
        Some([one]) => !is_flag || matches!(one.number(), Some(0 | 1)),
        Some(_) => false,
        None => {
            matches!(value.bare(), Value::Struct(_)) || value.number().is_some_and(|n| n >= 0x10000)
        }
    };
    args.must(
        2,
        is_one,
        "of a request's argument the known ones, and an address of zeros, are modelled",
    )?;
    args.end(3)
}

/// The paths that lead to the same file here as for the program.
fn open(args: &Kept<'_>, at: usize) -> Whole {
    const UNASKED: u64 = 0o300 | 0o1000 | 0o400_000 | 0o20_000_000;
    let is_own = |path: &[u8]| {
        let own = path.strip_prefix(b"/tmp/");
        let is_file =
            own.is_some_and(|name| !name.contains(&b'/') && name != b".." && name != b".");
        let fixed: [&[u8]; 6] = [
            b"/tmp",
            b"/tmp/",
            b"/dev/null",
            b"/dev/zero",
            b"/proc/self/mounts",
            DEVICE.as_bytes(),
        ];
        is_file || fixed.contains(&path)
    };
    let is_known = |path: &Value<'_>| match path {
        Value::Text(text) => !text.is_truncated() && is_own(&text.unescape()),
        _ => true,
    };
    args.must(
        at,
        is_known,
        "a script opens /tmp/NAME (a regular file of its own, which is there), /tmp, /dev/null, /dev/zero and /proc/self/mounts",
    )?;
    let flags = args.at(at + 1).and_then(|value| open_bits(value));
    let flags = flags.unwrap_or(0);
    args.when(
        flags & UNASKED == 0,
        at + 1,
        "O_CREAT, O_EXCL, O_TRUNC, O_NOFOLLOW and O_TMPFILE are not asked for",
    )?;
    let is_directory = match args.at(at) {
        Some(Value::Text(text)) => matches!(&*text.unescape(), b"/tmp" | b"/tmp/"),
        _ => false,
    };
    const O_DIRECTORY: u64 = 0o200_000;
    args.when(
        is_directory || flags & O_DIRECTORY == 0,
        at + 1,
        "O_DIRECTORY is asked for with /tmp only",
    )?;
    args.when(
        !is_directory || flags & 3 == 0,
        at + 1,
        "a directory is opened for reading only",
    )?;
    // Without O_CREAT nobody looks at a mode.
    args.end(at + 3)
}

fn open_bits(value: &Value<'_>) -> Option<u64> {
    match value.bare() {
        Value::Number(number) => Some(*number as u64),
        Value::Name(name) => OPEN_ACCESS.value(name).or_else(|| OPEN.value(name)),
        Value::Flags(parts) => parts
            .iter()
            .try_fold(0, |all, part| Some(all | open_bits(part)?)),
        _ => None,
    }
}

fn vector(args: &Kept<'_>) -> Whole {
    let pieces = args.at(1).and_then(Value::elements).unwrap_or_default();
    args.is(2, pieces.len() as i128, "there are not so many pieces")?;
    args.fields(1, &["iov_base", "iov_len"])?;
    let has_len = |piece: &Value<'_>| {
        let len = piece.field("iov_len").and_then(Value::number);
        len.is_some_and(|len| (0..=i128::from(u64::MAX)).contains(&len))
    };
    args.must(
        1,
        |_| pieces.iter().all(has_len),
        "the length of a piece is not known",
    )?;
    let has_bytes = |piece: &Value<'_>| {
        piece
            .field("iov_base")
            .is_none_or(|base| matches!(base, Value::Text(_)) || base.is_null())
    };
    args.must(
        1,
        |_| pieces.iter().all(has_bytes),
        "what is at an address is not known",
    )?;
    args.end(3)
}

fn register(args: &Kept<'_>) -> Whole {
    match args.at(2).and_then(Value::elements) {
        Some(files) => args.is(3, files.len() as i128, "there are not so many files")?,
        None => {
            args.nothing(2, "the argument of this command is not modelled")?;
            args.is(3, 0, "the argument of this command is not modelled")?;
        }
    }
    args.end(4)
}
