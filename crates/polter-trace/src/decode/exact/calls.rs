//! What must hold of each call's arguments, so that a value holds them whole.

use super::kept::{Kept, Lost, Whole, bits, has_only};
use crate::encode::DEVICE;
use crate::names::{CLONE, OPEN, OPEN_ACCESS, POLL_EVENTS};
use crate::signals::signal_number;
use crate::value::Value;
use eventpoll::syscall::flags;

const SET_SIZE: &str = "another size of a set of signals than 8 is not modelled";
const ADDRESS: &str = "an address of a socket is not modelled";

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

fn message(args: &Kept<'_>, is_sent: bool) -> Whole {
    args.fields(
        1,
        &[
            "msg_name",
            "msg_namelen",
            "msg_iov",
            "msg_iovlen",
            "msg_control",
            "msg_controllen",
            "msg_flags",
        ],
    )?;
    let part = |name: &'static str| args.at(1).and_then(move |value| value.field(name));
    let number = |name| part(name).and_then(|value| value_before(value).number());
    let is_unnamed = part("msg_name").is_none_or(Value::is_null);
    args.when(
        is_unnamed && matches!(number("msg_namelen"), None | Some(0)),
        1,
        ADDRESS,
    )?;
    let pieces = part("msg_iov")
        .and_then(Value::elements)
        .unwrap_or_default();
    args.when(
        pieces.len() == 1 && number("msg_iovlen") == Some(1),
        1,
        "a message in another number of pieces than one is not modelled",
    )?;
    args.when(
        pieces
            .iter()
            .all(|piece| has_only(piece, &["iov_base", "iov_len"])),
        1,
        "a field of this structure is not modelled",
    )?;
    let control = part("msg_control")
        .and_then(Value::elements)
        .unwrap_or_default();
    let is_rights = |header: &Value<'_>| {
        let is = |name, word| matches!(header.field(name).map(Value::bare), Some(Value::Name(found)) if *found == word);
        let fds = header
            .field("cmsg_data")
            .and_then(Value::elements)
            .map_or(0, <[_]>::len);
        let len = header.field("cmsg_len").and_then(Value::number);
        has_only(
            header,
            &["cmsg_len", "cmsg_level", "cmsg_type", "cmsg_data"],
        ) && is("cmsg_level", "SOL_SOCKET")
            && is("cmsg_type", "SCM_RIGHTS")
            && len == Some(16 + 4 * fds as i128)
    };
    args.when(
        control.len() <= 1 && control.iter().all(is_rights),
        1,
        "of control messages one SCM_RIGHTS is modelled",
    )?;
    let fds = control.first().and_then(|header| header.field("cmsg_data"));
    let fds = fds.and_then(Value::elements).map_or(0, <[_]>::len) as i128;
    let len = number("msg_controllen").unwrap_or(0);
    let is_fit = match (is_sent, fds) {
        (true, 0) => len == 0,
        // With its padding or without: nobody looks at that.
        (true, fds) => (16 + 4 * fds..=(16 + 4 * fds + 7) / 8 * 8)
            .step_by(4)
            .any(|it| it == len),
        (false, _) => len == 0 || len > 16 && len % 4 == 0,
    };
    args.when(is_fit, 1, "msg_controllen is not what the descriptors take")?;
    let is_address = part("msg_control").is_some_and(|control| control.number().is_some());
    args.when(!is_address, 1, "what is at an address is not known")?;
    args.end(3)
}

/// What the program gave, where the kernel put something else there.
fn value_before<'v, 'a>(value: &'v Value<'a>) -> &'v Value<'a> {
    match value {
        Value::Change(change) => change.before.as_ref().unwrap_or(&change.after),
        value => value,
    }
}

const EXIT_SIGNAL: &str =
    "a child that tells its end by another signal than SIGCHLD is not modelled";

fn clone(args: &Kept<'_>) -> Whole {
    for (index, name, value) in args.named() {
        match name {
            Some("flags") => own_end(args, index, value)?,
            None if index == 0 => own_end(args, index, value)?,
            None | Some("child_stack" | "parent_tid" | "child_tid" | "child_tidptr" | "tls") => {}
            Some(_) => args.when(false, index, "this is not modelled")?,
        }
    }
    Ok(())
}

/// A new process tells its end by `SIGCHLD`; of a thread nobody asks.
fn own_end(args: &Kept<'_>, index: usize, value: &Value<'_>) -> Whole {
    let (bits, signal) = clone_bits(value);
    let is_told = bits & (flags::CLONE_THREAD | flags::CLONE_PARENT) == 0;
    args.when(!is_told || signal == Some(17), index, EXIT_SIGNAL)
}

fn clone_bits(value: &Value<'_>) -> (u64, Option<u32>) {
    match value.bare() {
        Value::Number(number) => {
            let signal = (*number as u32) & 0xff;
            (*number as u64 & !0xff, (signal != 0).then_some(signal))
        }
        Value::Name(name) => match signal_number(name) {
            Some(signal) => (0, Some(signal)),
            None => (CLONE.value(name).unwrap_or(0), None),
        },
        Value::Flags(parts) => parts
            .iter()
            .map(clone_bits)
            .fold((0, None), |all, part| (all.0 | part.0, all.1.or(part.1))),
        _ => (0, None),
    }
}

fn clone3(args: &Kept<'_>) -> Whole {
    let given = args.at(0).map(value_before);
    let Some(given) = given else {
        return Ok(());
    };
    let known = [
        "flags",
        "exit_signal",
        "stack",
        "stack_size",
        "pidfd",
        "child_tid",
        "parent_tid",
        "tls",
    ];
    args.when(
        has_only(given, &known),
        0,
        "a field of this structure is not modelled",
    )?;
    let is_zero = |name| given.field(name).is_none_or(Value::is_null);
    args.when(
        is_zero("stack") == is_zero("stack_size"),
        0,
        "a stack without a size, or a size without a stack, is not modelled",
    )?;
    let (bits, _) = given.field("flags").map_or((0, None), clone_bits);
    let (low, signal) = given.field("exit_signal").map_or((0, None), clone_bits);
    let is_told = bits & (flags::CLONE_THREAD | flags::CLONE_PARENT) == 0;
    let wanted = is_told.then_some(17);
    args.when(low == 0 && signal == wanted, 0, EXIT_SIGNAL)?;
    args.is(
        1,
        88,
        "another size of this structure than 88 is not modelled",
    )?;
    args.end(2)
}

fn action(args: &Kept<'_>) -> Whole {
    args.fields(1, &["sa_handler", "sa_mask", "sa_flags", "sa_restorer"])?;
    let is_empty = |value: &Value<'_>| {
        value
            .field("sa_mask")
            .is_none_or(|mask| matches!(mask.bare(), Value::Array(signals) if signals.is_empty()))
    };
    args.must(
        1,
        is_empty,
        "sa_mask: what a handler blocks is not modelled",
    )?;
    let handler = args
        .at(1)
        .and_then(|value| value.field("sa_handler"))
        .map(Value::bare);
    let is_handled = !matches!(
        handler,
        Some(Value::Name("SIG_DFL" | "SIG_IGN") | Value::Number(0 | 1))
    );
    let is_known = |value: &Value<'_>| {
        let flags = value.field("sa_flags");
        flags.is_none_or(|flags| is_plain_action(flags, is_handled))
    };
    args.must(
        1,
        is_known,
        "sa_flags: of a handler's SA_RESTART is modelled, and no other",
    )?;
    args.room_or_null(2)?;
    args.is(3, 8, SET_SIZE)?;
    args.end(4)
}

/// `SA_RESTORER` is libc's, and every program's.
fn is_plain_action(flags: &Value<'_>, is_handled: bool) -> bool {
    match flags.bare() {
        Value::Name("SA_RESTORER") => true,
        Value::Name("SA_RESTART") => is_handled,
        Value::Number(bits) => {
            let restart = if is_handled { 0x1000_0000 } else { 0 };
            bits & !(0x0400_0000 | restart) == 0
        }
        Value::Flags(parts) => parts.iter().all(|part| is_plain_action(part, is_handled)),
        _ => false,
    }
}
