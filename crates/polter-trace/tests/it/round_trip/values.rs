//! Arguments and results: usual ones, unusual ones, none.

use eventpoll::syscall::{Buffer, Out, SigMask, TimerSpec, UserTimespec};
use eventpoll::{EpollEvent, Events, Fd, Pid, PollFd, Syscall};
use proptest::collection::vec;
use proptest::prelude::*;

/// A call and what it returns when it succeeds: the value and what is written.
pub(super) type Case = (Syscall, i64, Out);

pub(super) fn fd() -> impl Strategy<Value = Fd> {
    prop_oneof![0..64, any::<i32>()].prop_map(Fd)
}

pub(super) fn pid() -> impl Strategy<Value = Pid> {
    prop_oneof![1..5000, any::<i32>()].prop_map(Pid)
}

/// Flags: usual ones, unusual ones, none.
pub(super) fn bits() -> impl Strategy<Value = u32> {
    prop_oneof![
        Just(0),
        any::<u32>(),
        (0..32_u32).prop_map(|bit| 1 << bit),
        (0..32_u32, 0..32_u32).prop_map(|(a, b)| 1 << a | 1 << b),
    ]
}

pub(super) fn signal_set() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        Just(!0),
        any::<u64>(),
        (0..64_u32).prop_map(|bit| 1 << bit)
    ]
}

pub(super) fn event() -> impl Strategy<Value = EpollEvent> {
    (bits(), any::<u64>()).prop_map(|(events, data)| EpollEvent {
        events: Events::from_bits_retain(events),
        data,
    })
}

pub(super) fn buffer() -> impl Strategy<Value = Buffer> {
    prop_oneof![
        4 => Just(Buffer::Mapped),
        1 => any::<u32>().prop_map(Buffer::Faults),
        1 => Just(Buffer::Faults(0)),
        1 => Just(Buffer::KernelSpace),
    ]
}

pub(super) fn mask() -> impl Strategy<Value = SigMask> {
    prop_oneof![
        Just(SigMask::Null),
        signal_set().prop_map(SigMask::Set),
        Just(SigMask::WrongSize),
        Just(SigMask::Faults),
    ]
}

pub(super) fn timespec() -> impl Strategy<Value = UserTimespec> {
    prop_oneof![
        Just(UserTimespec::Null),
        (any::<i64>(), any::<i64>()).prop_map(|(sec, nsec)| UserTimespec::Time { sec, nsec }),
        Just(UserTimespec::Faults),
    ]
}

pub(super) fn timer() -> impl Strategy<Value = TimerSpec> {
    (any::<u64>(), any::<u64>()).prop_map(|(interval_ns, value_ns)| TimerSpec {
        interval_ns,
        value_ns,
    })
}

pub(super) fn events() -> impl Strategy<Value = (i64, Out)> {
    vec(event(), 0..5).prop_map(|events| match events.len() {
        0 => (0, Out::None),
        count => (count as i64, Out::Events(events.into())),
    })
}

/// Entries of a poll, each of another fd, and what was found.
pub(super) fn polled() -> impl Strategy<Value = (Vec<PollFd>, i64, Out)> {
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

pub(super) fn plain(syscall: impl Strategy<Value = Syscall>) -> impl Strategy<Value = Case> {
    (syscall, any::<i32>()).prop_map(|(syscall, value)| {
        // -1 is an error, and errors have a test of their own.
        let value = if value == -1 { 0 } else { i64::from(value) };
        (syscall, value, Out::None)
    })
}
