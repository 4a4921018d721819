//! What becomes a ghost, and what is told of it.

use super::*;

const INSTANCE: u64 = 0x1000;
const FILE: u64 = 0x2000;

#[test]
fn close_range_makes_ghosts_of_what_it_closes() {
    check(&[add(1, 5, FILE), fork(1, 2), sweep(1, 4, 6, 0)], &[(1, 5)]);
    check(
        &[add(1, 5, FILE), fork(1, 2), sweep(1, 6, u32::MAX, 0)],
        &[],
    );
    // It closes nothing.
    check(
        &[
            add(1, 5, FILE),
            fork(1, 2),
            sweep(1, 0, u32::MAX, CLOSE_RANGE_CLOEXEC),
        ],
        &[],
    );
    // It is the child's table that loses the fd, and the child has registered nothing.
    check(&[add(1, 5, FILE), fork(1, 2), sweep(2, 4, 6, 0)], &[]);
    // Nobody else can have the file.
    check(&[add(1, 5, FILE), sweep(1, 4, 6, 0)], &[]);
}

#[test]
fn other_makers_under_the_same_fd_are_named() {
    let records = [
        fork(1, 2),
        add(1, 5, FILE),
        add(2, 5, FILE + 1),
        add(2, 6, FILE + 2),
        sweep(1, 5, 5, 0),
    ];
    let made = ghosts(&records);
    assert_eq!((made[0].maker, &made[0].others[..]), (1, &[2][..]));
    // One that has removed its own is none.
    let mut records = records.to_vec();
    records.insert(4, del(2, 5, FILE + 1));
    assert_eq!(ghosts(&records)[0].others, []);
}

#[test]
fn where_frees_are_lost_it_begins_anew() {
    let mut makers = Makers::default();
    for at in 0..MAX_KNOWN as u64 + 10 {
        makers.follow(&add(1, 5, FILE + at));
    }
    assert_eq!(makers.known.len(), 10);
    assert_eq!((makers.of_file.len(), makers.of_place.len()), (10, 1));
}

fn check(records: &[Record<'static>], expected: &[(u32, i32)]) {
    let made = ghosts(records);
    let made: Vec<_> = made.iter().map(|it| (it.maker, it.fd)).collect();
    assert_eq!(made, expected, "{records:?}");
}

fn ghosts(records: &[Record<'static>]) -> Vec<MadeGhost> {
    let mut makers = Makers::default();
    records.iter().for_each(|record| makers.follow(record));
    makers.take().collect()
}

fn add(pid: u32, fd: i32, file: u64) -> Record<'static> {
    control(pid, fd, file, EPOLL_CTL_ADD)
}

fn del(pid: u32, fd: i32, file: u64) -> Record<'static> {
    control(pid, fd, file, EPOLL_CTL_DEL)
}

fn control(pid: u32, fd: i32, file: u64, operation: u64) -> Record<'static> {
    let fd = fd.cast_unsigned().into();
    let mut record = record(pid, What::Exit, [3, operation, fd, 0, INSTANCE, 0]);
    record.head.number = libc::SYS_epoll_ctl as u16;
    record.head.file = file;
    record
}

fn sweep(pid: u32, first: u32, last: u32, flags: u64) -> Record<'static> {
    let arguments = [first.into(), last.into(), flags, 0, 0, 0];
    let mut record = record(pid, What::Exit, arguments);
    record.head.number = libc::SYS_close_range as u16;
    record
}

fn fork(parent: u32, child: u32) -> Record<'static> {
    let child = child.into();
    record(parent, What::Fork, [child, child, 0, 0, 0, 0])
}

fn record(pid: u32, what: What, arguments: [u64; 6]) -> Record<'static> {
    Record {
        head: Head {
            time: 0,
            file: 0,
            result: 0,
            pid,
            tid: pid,
            what,
            number: 0,
            fd: -1,
            lost: 0,
            references: 0,
        },
        call: Some(Call {
            arguments,
            is_cut: false,
            body: Body::Bytes(&[]),
        }),
    }
}
