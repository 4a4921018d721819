//! Arguments: mostly those that reach far into a call, and now and then what a call must refuse.

use eventpoll::syscall::{Buffer, PathKind, SigMask, UserTimespec};
use eventpoll::{EpollEvent, Events, Fd, Pid};
use proptest::prelude::*;

pub(super) fn fd() -> impl Strategy<Value = Fd> {
    prop_oneof![
        60 => (0..12).prop_map(Fd),
        4 => (12..70).prop_map(Fd),
        1 => prop::sample::select(vec![-1, -2, 200, 1023, 1024, 5000, i32::MAX, i32::MIN]).prop_map(Fd),
    ]
}

pub(super) fn pid() -> impl Strategy<Value = Pid> {
    prop_oneof![
        20 => (100..110).prop_map(Pid),
        1 => prop::sample::select(vec![0, -1, 1, i32::MAX, i32::MIN]).prop_map(Pid),
    ]
}

pub(super) fn signal() -> impl Strategy<Value = u32> {
    prop_oneof![
        10 => prop::sample::select(vec![0, 1, 10, 12, 13, 15, 17, 19, 34, 64]),
        1 => prop::sample::select(vec![9, 65, u32::MAX]),
    ]
}

pub(super) fn flags() -> impl Strategy<Value = u32> {
    prop_oneof![
        8 => Just(0),
        4 => Just(0o2000000),
        4 => Just(0o4000),
        1 => Just(0o40000),
        1 => any::<u32>(),
    ]
}

pub(super) fn events() -> impl Strategy<Value = Events> {
    const IN: u32 = 1;
    const ET: u32 = 1 << 31;
    let known = vec![
        0,
        IN,
        4,
        5,
        IN | ET,
        5 | ET,
        5 | 1 << 30,
        IN | 1 << 28,
        5 | 1 << 28,
        0x2001,
    ];
    prop_oneof![12 => prop::sample::select(known), 1 => any::<u32>()]
        .prop_map(Events::from_bits_retain)
}

pub(super) fn event() -> impl Strategy<Value = Option<EpollEvent>> {
    let event = (events(), 0..9_u64).prop_map(|(events, data)| EpollEvent { events, data });
    prop::option::weighted(0.97, event)
}

pub(super) fn len() -> impl Strategy<Value = u64> {
    prop_oneof![
        6 => Just(8),
        6 => Just(1),
        2 => prop::sample::select(vec![0, 7, 128, 4096, 5000, 65_536, 70_000, 300_000, u64::MAX >> 1]),
    ]
}

pub(super) fn buffer() -> impl Strategy<Value = Buffer> {
    prop_oneof![
        10 => Just(Buffer::Mapped),
        1 => (0..3_u32).prop_map(Buffer::Faults),
        1 => Just(Buffer::KernelSpace),
    ]
}

pub(super) fn mask() -> impl Strategy<Value = SigMask> {
    prop_oneof![
        Just(SigMask::Null),
        any::<u64>().prop_map(SigMask::Set),
        Just(SigMask::WrongSize),
        Just(SigMask::Faults),
    ]
}

pub(super) fn timespec() -> impl Strategy<Value = UserTimespec> {
    prop_oneof![
        Just(UserTimespec::Null),
        Just(UserTimespec::Faults),
        (0..3_i64, 0..5_i64).prop_map(|(sec, nsec)| UserTimespec::Time { sec, nsec }),
        (any::<i64>(), any::<i64>()).prop_map(|(sec, nsec)| UserTimespec::Time { sec, nsec }),
    ]
}

pub(super) fn timeout_ms() -> impl Strategy<Value = i32> {
    prop_oneof![4 => Just(0), 1 => 1..10, 1 => Just(-1), 1 => any::<i32>()]
}

pub(super) fn maxevents() -> impl Strategy<Value = i32> {
    prop_oneof![8 => 1..4, 1 => prop::sample::select(vec![0, -1, i32::MAX, i32::MAX / 12])]
}

pub(super) fn nanoseconds() -> impl Strategy<Value = u64> {
    prop_oneof![10 => 0..5_u64, 1 => any::<u64>()]
}

pub(super) fn path() -> impl Strategy<Value = PathKind> {
    prop::sample::select(vec![
        PathKind::Regular,
        PathKind::Directory,
        PathKind::Pollable,
        PathKind::Device,
        PathKind::Device,
    ])
}
