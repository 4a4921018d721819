//! Every call of the model is written and read back as it was.

use eventpoll::syscall::{
    Buffer, EpollParams, Fcntl, Ioctl, Kcmp, Out, PathKind, Return, SigAction, SigMask, TimerSpec,
    UserTimespec, flags,
};
use eventpoll::{EpollEvent, Errno, Events, Fd, Outcome, Pid, PollFd, Syscall};
use polter_trace::{
    Assembler, Body, EventKind, Line, decode, decode_entry, encode, encode_entry, encode_exit,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

/// A call and what it returns when it succeeds: the value and what is written.
type Case = (Syscall, i64, Out);

fn fd() -> impl Strategy<Value = Fd> {
    prop_oneof![0..64, any::<i32>()].prop_map(Fd)
}

fn pid() -> impl Strategy<Value = Pid> {
    prop_oneof![1..5000, any::<i32>()].prop_map(Pid)
}

/// Flags: usual ones, unusual ones, none.
fn bits() -> impl Strategy<Value = u32> {
    prop_oneof![
        Just(0),
        any::<u32>(),
        (0..32_u32).prop_map(|bit| 1 << bit),
        (0..32_u32, 0..32_u32).prop_map(|(a, b)| 1 << a | 1 << b),
    ]
}

fn signal_set() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        Just(!0),
        any::<u64>(),
        (0..64_u32).prop_map(|bit| 1 << bit)
    ]
}

fn event() -> impl Strategy<Value = EpollEvent> {
    (bits(), any::<u64>()).prop_map(|(events, data)| EpollEvent {
        events: Events::from_bits_retain(events),
        data,
    })
}

fn buffer() -> impl Strategy<Value = Buffer> {
    prop_oneof![
        4 => Just(Buffer::Mapped),
        1 => any::<u32>().prop_map(Buffer::Faults),
        1 => Just(Buffer::Faults(0)),
        1 => Just(Buffer::KernelSpace),
    ]
}

fn mask() -> impl Strategy<Value = SigMask> {
    prop_oneof![
        Just(SigMask::Null),
        signal_set().prop_map(SigMask::Set),
        Just(SigMask::WrongSize),
        Just(SigMask::Faults),
    ]
}

fn timespec() -> impl Strategy<Value = UserTimespec> {
    prop_oneof![
        Just(UserTimespec::Null),
        (any::<i64>(), any::<i64>()).prop_map(|(sec, nsec)| UserTimespec::Time { sec, nsec }),
        Just(UserTimespec::Faults),
    ]
}

fn timer() -> impl Strategy<Value = TimerSpec> {
    (any::<u64>(), any::<u64>()).prop_map(|(interval_ns, value_ns)| TimerSpec {
        interval_ns,
        value_ns,
    })
}

fn events() -> impl Strategy<Value = (i64, Out)> {
    vec(event(), 0..5).prop_map(|events| match events.len() {
        0 => (0, Out::None),
        count => (count as i64, Out::Events(events.into())),
    })
}

/// Entries of a poll, each of another fd, and what was found.
fn polled() -> impl Strategy<Value = (Vec<PollFd>, i64, Out)> {
    vec((any::<u16>(), any::<u16>()), 0..5).prop_map(|entries| {
        let entry = |(index, (events, revents)): (usize, (u16, u16))| PollFd {
            fd: Fd(index as i32 - 1),
            events: Events::from_bits_retain(events.into()),
            revents: Events::from_bits_retain(revents.into()),
        };
        let after: Vec<_> = entries.into_iter().enumerate().map(entry).collect();
        let before = after.iter().map(|entry| PollFd {
            revents: Events::empty(),
            ..*entry
        });
        let found = after
            .iter()
            .filter(|entry| !entry.revents.is_empty())
            .count();
        (before.collect(), found as i64, Out::Polled(after))
    })
}

fn waits() -> impl Strategy<Value = Case> {
    let wait = (fd(), buffer(), any::<i32>()).boxed();
    prop_oneof![
        (wait.clone(), any::<i32>(), events()).prop_map(
            |((epfd, buffer, maxevents), timeout_ms, (value, out))| {
                (
                    Syscall::EpollWait {
                        epfd,
                        buffer,
                        maxevents,
                        timeout_ms,
                    },
                    value,
                    out,
                )
            }
        ),
        (wait.clone(), any::<i32>(), mask(), events()).prop_map(
            |((epfd, buffer, maxevents), timeout_ms, mask, (value, out))| {
                (
                    Syscall::EpollPwait {
                        epfd,
                        buffer,
                        maxevents,
                        timeout_ms,
                        mask,
                    },
                    value,
                    out,
                )
            }
        ),
        (wait, timespec(), mask(), events()).prop_map(
            |((epfd, buffer, maxevents), timeout, mask, (value, out))| {
                (
                    Syscall::EpollPwait2 {
                        epfd,
                        buffer,
                        maxevents,
                        timeout,
                        mask,
                    },
                    value,
                    out,
                )
            }
        ),
        (polled(), any::<i32>()).prop_map(|((fds, value, out), timeout_ms)| {
            (Syscall::Poll { fds, timeout_ms }, value, out)
        }),
        (polled(), timespec(), mask()).prop_map(|((fds, value, out), timeout, mask)| {
            (Syscall::Ppoll { fds, timeout, mask }, value, out)
        }),
    ]
}

fn fcntl() -> impl Strategy<Value = Fcntl> {
    prop_oneof![
        any::<i32>().prop_map(Fcntl::DupFd),
        any::<i32>().prop_map(Fcntl::DupFdCloexec),
        Just(Fcntl::GetFd),
        bits().prop_map(Fcntl::SetFd),
        Just(Fcntl::GetFl),
        bits().prop_map(Fcntl::SetFl),
        fd().prop_map(Fcntl::DupFdQuery),
        any::<u32>().prop_map(Fcntl::SetPipeSize),
        Just(Fcntl::GetPipeSize),
        (5..1026).prop_map(Fcntl::Other),
        (1033..).prop_map(Fcntl::Other),
        (i32::MIN..0).prop_map(Fcntl::Other),
    ]
}

fn params() -> impl Strategy<Value = EpollParams> {
    any::<(u32, u16, u8, u8)>().prop_map(
        |(busy_poll_usecs, busy_poll_budget, prefer_busy_poll, pad)| EpollParams {
            busy_poll_usecs,
            busy_poll_budget,
            prefer_busy_poll,
            pad,
        },
    )
}

fn ioctl() -> impl Strategy<Value = (Ioctl, Out)> {
    let named: Vec<u32> = vec![
        0x541b,
        0x5421,
        0x5450,
        0x5451,
        0x8008_8a02,
        0x8a03,
        0x7001,
        0x7002,
        0x7003,
    ];
    let other = prop_oneof![any::<u32>(), 0x5400..0x5460_u32];
    prop_oneof![
        any::<bool>().prop_map(|is_on| (Ioctl::Fionbio(is_on), Out::None)),
        Just((Ioctl::Fioclex, Out::None)),
        Just((Ioctl::Fionclex, Out::None)),
        any::<u32>().prop_map(|bytes| (Ioctl::Fionread, Out::Available(bytes))),
        params().prop_map(|params| (Ioctl::SetEpollParams(params), Out::None)),
        params().prop_map(|params| (Ioctl::GetEpollParams, Out::Params(params))),
        Just((Ioctl::EpollAdopt, Out::None)),
        Just((Ioctl::ExportBuffer, Out::None)),
        Just((Ioctl::AddFence, Out::None)),
        Just((Ioctl::SignalFence, Out::None)),
        other
            .prop_filter("has a name of its own", move |number| !named
                .contains(number))
            .prop_map(|number| (Ioctl::Other(number), Out::None)),
    ]
}

fn plain(syscall: impl Strategy<Value = Syscall>) -> impl Strategy<Value = Case> {
    (syscall, any::<i32>()).prop_map(|(syscall, value)| {
        // -1 is an error, and errors have a test of their own.
        let value = if value == -1 { 0 } else { i64::from(value) };
        (syscall, value, Out::None)
    })
}

fn files() -> impl Strategy<Value = Case> {
    let path = prop_oneof![
        Just(PathKind::Regular),
        Just(PathKind::Directory),
        Just(PathKind::Pollable),
        Just(PathKind::Device)
    ];
    // O_DIRECTORY and O_TMPFILE say what is opened: they go with their own kinds only.
    let open = (path, bits()).prop_map(|(path, flags)| Syscall::Open {
        path,
        flags: flags & !0o20_200_000,
    });
    let write =
        (fd(), any::<u64>(), prop_oneof![0..20_u64, any::<u64>()]).prop_map(|(fd, first, len)| {
            let known = if len < 8 {
                (1 << (8 * len)) - 1
            } else {
                u64::MAX
            };
            Syscall::Write {
                fd,
                len,
                first: first & u64::from_le(known),
            }
        });
    prop_oneof![
        plain(any::<i32>().prop_map(|size| Syscall::EpollCreate { size })),
        plain(bits().prop_map(|flags| Syscall::EpollCreate1 { flags })),
        plain(
            (
                fd(),
                prop_oneof![1..4_u32, any::<u32>()],
                fd(),
                option::of(event())
            )
                .prop_map(|(epfd, op, fd, event)| Syscall::EpollCtl {
                    epfd,
                    op,
                    fd,
                    event
                })
        ),
        plain(fd().prop_map(|fd| Syscall::Dup { fd })),
        plain((fd(), fd()).prop_map(|(fd, new_fd)| Syscall::Dup2 { fd, new_fd })),
        plain(
            (fd(), fd(), bits()).prop_map(|(fd, new_fd, flags)| Syscall::Dup3 {
                fd,
                new_fd,
                flags
            })
        ),
        plain((fd(), fcntl()).prop_map(|(fd, cmd)| Syscall::Fcntl { fd, cmd })),
        plain(fd().prop_map(|fd| Syscall::Close { fd })),
        plain(
            (any::<u32>(), any::<u32>(), bits())
                .prop_map(|(first, last, flags)| Syscall::CloseRange { first, last, flags })
        ),
        (fd(), ioctl()).prop_map(|(fd, (request, out))| (Syscall::Ioctl { fd, request }, 0, out)),
        (bits(), fd(), fd()).prop_map(|(flags, a, b)| (
            Syscall::Pipe2 { flags },
            0,
            Out::Pair([a, b])
        )),
        plain((any::<u32>(), bits()).prop_map(|(count, flags)| Syscall::Eventfd2 { count, flags })),
        plain(
            (any::<i32>(), bits())
                .prop_map(|(clock, flags)| Syscall::TimerfdCreate { clock, flags })
        ),
        (fd(), bits(), timer(), option::of(timer())).prop_map(|(fd, flags, new, old)| {
            (
                Syscall::TimerfdSettime { fd, flags, new },
                0,
                old.map_or(Out::None, Out::Timer),
            )
        }),
        (fd(), timer()).prop_map(|(fd, now)| (Syscall::TimerfdGettime { fd }, 0, Out::Timer(now))),
        plain(
            (fd(), signal_set(), bits()).prop_map(|(fd, mask, flags)| Syscall::Signalfd4 {
                fd,
                mask,
                flags
            })
        ),
        plain(open),
        (fd(), any::<u64>(), 0..i64::MAX).prop_map(|(fd, len, value)| (
            Syscall::Read { fd, len },
            value,
            Out::None
        )),
        (fd(), any::<u64>(), any::<u64>()).prop_map(|(fd, len, n)| (
            Syscall::Read { fd, len },
            8,
            Out::Counter(n)
        )),
        (fd(), any::<u64>(), vec(1..65_u32, 1..5)).prop_map(|(fd, len, signals)| {
            (
                Syscall::Read { fd, len },
                128 * signals.len() as i64,
                Out::Signals(signals),
            )
        }),
        plain(write),
        plain(
            (fd(), any::<i64>(), any::<i32>()).prop_map(|(fd, offset, whence)| Syscall::Lseek {
                fd,
                offset,
                whence
            })
        ),
        plain(any::<u32>().prop_map(|entries| Syscall::IoUringSetup { entries })),
        plain(
            (fd(), vec(fd(), 0..4))
                .prop_map(|(ring, files)| Syscall::IoUringRegisterFiles { ring, files })
        ),
        plain(fd().prop_map(|ring| Syscall::IoUringUnregisterFiles { ring })),
    ]
}

fn messages() -> impl Strategy<Value = Case> {
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

fn status() -> impl Strategy<Value = i32> {
    prop_oneof![
        (0..256).prop_map(|code| code << 8),
        (1..127, any::<bool>())
            .prop_map(|(signal, is_dumped)| signal | if is_dumped { 0x80 } else { 0 }),
        (0..128).prop_map(|signal| signal << 8 | 0x7f),
        Just(0xffff),
        any::<i32>(),
    ]
}

fn clone_flags() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        any::<u64>(),
        any::<u32>().prop_map(u64::from),
        Just(flags::CLONE_FILES),
        Just(flags::CLONE_VM | flags::CLONE_THREAD)
    ]
}

fn processes() -> impl Strategy<Value = Case> {
    let action = prop_oneof![
        Just(SigAction::Default),
        Just(SigAction::Ignore),
        any::<bool>().prop_map(|restart| SigAction::Handler { restart })
    ];
    let kcmp = prop_oneof![
        (fd(), fd()).prop_map(|(fd1, fd2)| Kcmp::File { fd1, fd2 }),
        Just(Kcmp::Files),
        prop_oneof![8.., i32::MIN..0].prop_map(Kcmp::Other),
        (fd(), fd(), fd(), any::<u32>()).prop_map(|(fd1, efd, tfd, toff)| Kcmp::EpollTfd {
            fd1,
            efd,
            tfd,
            toff
        }),
    ];
    prop_oneof![
        plain(Just(Syscall::Fork)),
        plain(Just(Syscall::Vfork)),
        plain(clone_flags().prop_map(|flags| Syscall::Clone { flags })),
        (clone_flags(), fd()).prop_map(|(flags, pidfd)| {
            (
                Syscall::Clone {
                    flags: flags | flags::CLONE_PIDFD,
                },
                7,
                Out::Pidfd(pidfd),
            )
        }),
        plain(clone_flags().prop_map(|flags| Syscall::Unshare { flags })),
        plain(Just(Syscall::Execve)),
        plain(any::<i32>().prop_map(|status| Syscall::Exit { status })),
        plain(any::<i32>().prop_map(|status| Syscall::ExitGroup { status })),
        plain((pid(), bits()).prop_map(|(pid, signal)| Syscall::Kill { pid, signal })),
        plain(
            (pid(), pid(), 0..70_u32).prop_map(|(pid, tid, signal)| Syscall::Tgkill {
                pid,
                tid,
                signal
            })
        ),
        (any::<i32>(), signal_set(), option::of(signal_set())).prop_map(|(how, set, old)| {
            (
                Syscall::Sigprocmask { how, set },
                0,
                old.map_or(Out::None, Out::Mask),
            )
        }),
        plain(
            (0..70_u32, action).prop_map(|(signal, action)| Syscall::Sigaction { signal, action })
        ),
        (pid(), bits(), status()).prop_map(|(pid, options, status)| {
            (Syscall::Wait4 { pid, options }, 7, Out::Status(status))
        }),
        plain(Just(Syscall::Getpid)),
        plain(
            prop_oneof![
                any::<u64>(),
                Just(u64::MAX),
                (1..99_u64).prop_map(|k| k * 1024)
            ]
            .prop_map(|soft| Syscall::SetNofile { soft, hard: soft })
        ),
        plain((pid(), bits()).prop_map(|(pid, flags)| Syscall::PidfdOpen { pid, flags })),
        plain(
            (fd(), fd(), bits()).prop_map(|(pidfd, target, flags)| Syscall::PidfdGetfd {
                pidfd,
                target,
                flags
            })
        ),
        plain(
            (pid(), pid(), kcmp).prop_map(|(pid1, pid2, what)| Syscall::Kcmp { pid1, pid2, what })
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2048, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn waits_come_back(case in waits()) {
        check(case);
    }

    #[test]
    fn files_come_back(case in files()) {
        check(case);
    }

    #[test]
    fn messages_come_back(case in messages()) {
        check(case);
    }

    #[test]
    fn processes_come_back(case in processes()) {
        check(case);
    }
}

/// Writes and reads a call that succeeds, fails, waits, ends later, and never ends.
#[track_caller]
fn check((syscall, value, out): Case) {
    let success = Ok(Return::with(value, out));
    for result in [success, Err(Errno::EBADF), Err(Errno::EFAULT)] {
        let outcome = Outcome::Done(result.clone());
        // A failed call leaves nothing behind; what is lost is said in its family's file.
        check_whole(&syscall, &outcome);
        check_cut(&syscall, &result);
    }
    check_whole(&syscall, &Outcome::Gone);
    let text = encode(&syscall, &Outcome::Blocked);
    let Body::Unfinished(call) = Line::parse(text.as_bytes()).body else {
        panic!("{text}");
    };
    assert_eq!(decode_entry(&call), Ok(Some(syscall)), "{text}");
}

#[track_caller]
fn check_whole(syscall: &Syscall, outcome: &Outcome) {
    let text = encode(syscall, outcome);
    let Body::Call(call) = Line::parse(text.as_bytes()).body else {
        panic!("{text}");
    };
    let decoded = decode(&call)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .unwrap();
    assert_eq!(&decoded.syscall, syscall, "{text}");
    assert_eq!(decoded.outcome.as_ref(), Some(outcome), "{text}");
}

/// Joins the two halves of a call into what it is on one line.
#[track_caller]
fn check_cut(syscall: &Syscall, result: &Result<Return, Errno>) {
    let entry = format!("7 {}", encode_entry(syscall));
    let exit = format!("7 {}", encode_exit(syscall, result));
    let mut assembler = Assembler::default();
    assembler.push(1, &Line::parse(entry.as_bytes()));
    let line = Line::parse(exit.as_bytes());
    let event = assembler.push(2, &line).event;
    let Some(EventKind::Exit { call, .. }) = event.map(|event| event.kind) else {
        panic!("{entry}\n{exit}");
    };
    let joined = format!("{}({})", call.name, String::from_utf8_lossy(call.args.raw));
    let whole = encode(syscall, &Outcome::Done(result.clone()));
    assert!(whole.starts_with(&joined), "{joined}\n{whole}");
    let decoded = decode(&call)
        .unwrap_or_else(|error| panic!("{whole}: {error}"))
        .unwrap();
    assert_eq!(&decoded.syscall, syscall, "{whole}");
}
