//! The way back: a worker's raw result as a typed one.

use crate::sys::layout::{Address, CMSG_HEADER_LEN, EVENT_DATA, EVENT_LEN};
use crate::sys::{Region, abi};
use eventpoll::syscall::{EpollParams, Out, Return, TimerSpec};
use eventpoll::{EpollEvent, Events, Fd, Pid, PollFd};

/// Where a call's results are, beside its value.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Nowhere.
    Value,
    /// The value is a file's flags.
    Flags,
    /// The value is a process number.
    Pid,
    /// The value is a new task's number.
    Child { pidfd: Option<Address> },
    /// The value is a child's number, its end is here.
    Status(Address),
    /// Two descriptors.
    Pair(Address),
    /// So many events as the value says.
    Events(Address),
    /// These entries, with what was found.
    Polled(Address, Vec<PollFd>),
    /// The bytes read from a descriptor.
    Read(Fd, Address),
    /// A `struct msghdr`, and its control messages.
    Received { message: Address, control: Address },
    /// A `struct itimerspec`.
    Timer(Address),
    /// A `struct epoll_params`.
    Params(Address),
    /// A set of signals.
    Mask(Address),
    /// A number of bytes.
    Available(Address),
}

/// What the bytes of a read mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// One counter: an eventfd's, or a timerfd's.
    Counter,
    /// `struct signalfd_siginfo`s.
    Signals,
    /// Data.
    Bytes,
}

impl Content {
    /// The least that a counter's read gives.
    pub(crate) const COUNTER_LEN: i64 = 8;

    /// What a descriptor's reads mean, by its link in `/proc`.
    pub(crate) fn of_link(link: &[u8]) -> Content {
        let starts = |name: &[u8]| link.starts_with(name);
        if starts(b"anon_inode:[eventfd]") || starts(b"anon_inode:[timerfd]") {
            Content::Counter
        } else if starts(b"anon_inode:[signalfd]") {
            Content::Signals
        } else {
            Content::Bytes
        }
    }
}

impl Reply {
    /// A successful call's result; `pid_fn` gives the script's number for the kernel's.
    pub(crate) fn decode(
        &self,
        value: i64,
        content: Content,
        region: &Region,
        pid_fn: &dyn Fn(i32) -> Option<Pid>,
    ) -> Return {
        let script_pid = || pid_fn(value as i32).map_or(value, |pid| pid.0.into());
        match self {
            Reply::Value => Return::value(value),
            Reply::Flags => Return::value(abi::model_flags(value as u32).into()),
            Reply::Pid => Return::value(script_pid()),
            Reply::Child { pidfd: None } => Return::value(script_pid()),
            Reply::Child { pidfd: Some(at) } => {
                Return::with(script_pid(), Out::Pidfd(Fd(int(region, *at, 0))))
            }
            Reply::Status(_) if value == 0 => Return::value(0),
            Reply::Status(at) => Return::with(script_pid(), Out::Status(int(region, *at, 0))),
            Reply::Pair(at) => {
                let pair = [Fd(int(region, *at, 0)), Fd(int(region, *at, 4))];
                Return::with(value, Out::Pair(pair))
            }
            Reply::Events(at) => {
                let events = (0..value as u64).map(|i| event(region, *at, i * EVENT_LEN));
                Return::with(value, Out::Events(events.collect()))
            }
            Reply::Polled(at, fds) => Return::with(value, polled(region, *at, fds)),
            Reply::Read(_, at) => Return::with(value, read(region, *at, value, content)),
            Reply::Received { message, control } => {
                Return::with(value, received(region, *message, *control))
            }
            Reply::Timer(at) => Return::with(value, Out::Timer(timer(region, *at))),
            Reply::Params(at) => Return::with(value, Out::Params(params(region, *at))),
            Reply::Mask(at) => Return::with(value, Out::Mask(word(region, *at, 0))),
            Reply::Available(at) => Return::with(value, Out::Available(int(region, *at, 0) as u32)),
        }
    }
}

fn event(region: &Region, at: Address, offset: u64) -> EpollEvent {
    EpollEvent {
        events: Events::from_bits_retain(int(region, at, offset) as u32),
        data: word(region, at, offset + EVENT_DATA),
    }
}

fn polled(region: &Region, at: Address, fds: &[PollFd]) -> Out {
    let with_found = |(i, asked): (usize, &PollFd)| {
        let revents = u16::from_ne_bytes(region.read(after(at, 8 * i as u64 + 6)));
        PollFd {
            revents: Events::from_bits_retain(revents.into()),
            ..*asked
        }
    };
    Out::Polled(fds.iter().enumerate().map(with_found).collect())
}

fn read(region: &Region, at: Address, len: i64, content: Content) -> Out {
    const SIGINFO_LEN: u64 = 128;
    match content {
        Content::Counter if len >= Content::COUNTER_LEN => Out::Counter(word(region, at, 0)),
        Content::Signals => {
            let infos = 0..len as u64 / SIGINFO_LEN;
            let signals = infos.map(|i| int(region, at, i * SIGINFO_LEN) as u32);
            Out::Signals(signals.collect())
        }
        Content::Counter | Content::Bytes => Out::None,
    }
}

/// The descriptors of the one control message there can be.
fn received(region: &Region, message: Address, control: Address) -> Out {
    const MSG_CONTROLLEN: u64 = 40;
    let filled = word(region, message, MSG_CONTROLLEN);
    let is_rights = filled > CMSG_HEADER_LEN && int(region, control, 12) == libc::SCM_RIGHTS;
    let len = if is_rights {
        word(region, control, 0)
    } else {
        0
    };
    let numbers = (CMSG_HEADER_LEN..len).step_by(4);
    Out::Rights(
        numbers
            .map(|offset| Fd(int(region, control, offset)))
            .collect(),
    )
}

fn timer(region: &Region, at: Address) -> TimerSpec {
    let time_ns = |offset| {
        let [sec, nsec] = [word(region, at, offset), word(region, at, offset + 8)];
        sec * 1_000_000_000 + nsec
    };
    TimerSpec {
        interval_ns: time_ns(0),
        value_ns: time_ns(16),
    }
}

fn params(region: &Region, at: Address) -> EpollParams {
    let [prefer_busy_poll, pad] = region.read(after(at, 6));
    EpollParams {
        busy_poll_usecs: int(region, at, 0) as u32,
        busy_poll_budget: u16::from_ne_bytes(region.read(after(at, 4))),
        prefer_busy_poll,
        pad,
    }
}

fn int(region: &Region, at: Address, offset: u64) -> i32 {
    i32::from_ne_bytes(region.read(after(at, offset)))
}

fn word(region: &Region, at: Address, offset: u64) -> u64 {
    u64::from_ne_bytes(region.read(after(at, offset)))
}

fn after(at: Address, offset: u64) -> Address {
    Address(at.0 + offset)
}
