//! `epoll_ctl(2)` and the waits: checks, keys, and what fdinfo shows.

use crate::world::{
    World, add, close, ctl, del, dup, epoll, event, modify, pipe, wait, wait_at, write,
};
use eventpoll::syscall::{Buffer, EpollParams, Ioctl, Kcmp, Out, PathKind, SigMask, UserTimespec};
use eventpoll::{EPIOCADOPT, Errno, Events, Fd, Outcome, Pid, Syscall};

#[test]
fn numbers_are_the_lowest_free_ones() {
    let mut world = World::new();
    assert_eq!(world.ok(100, &epoll()), 3);
    assert_eq!(world.result(100, &pipe()).out, Out::Pair([Fd(4), Fd(5)]));
    world.ok(100, &close(0));
    assert_eq!(world.ok(100, &dup(4)), 0);
}

#[test]
fn creation_checks_its_arguments() {
    let mut world = World::new();
    world.fails(100, &Syscall::EpollCreate { size: 0 }, Errno::EINVAL);
    world.fails(100, &Syscall::EpollCreate1 { flags: 0o4000 }, Errno::EINVAL);
    assert_eq!(world.ok(100, &Syscall::EpollCreate { size: 1 }), 3);
}

#[test]
fn ctl_checks_in_the_kernels_order() {
    let mut world = World::new();
    world.ok(100, &epoll());
    world.ok(100, &pipe());
    let unreadable = Syscall::EpollCtl {
        epfd: Fd(99),
        op: 1,
        fd: Fd(99),
        event: None,
    };
    world.fails(100, &unreadable, Errno::EFAULT);
    world.fails(100, &add(99, 4, Events::IN), Errno::EBADF);
    world.fails(100, &add(3, 99, Events::IN), Errno::EBADF);
    let regular = Syscall::Open {
        path: PathKind::Regular,
        flags: 2,
    };
    assert_eq!(world.ok(100, &regular), 6);
    world.fails(100, &add(4, 6, Events::IN), Errno::EPERM);
    let directory = Syscall::Open {
        path: PathKind::Directory,
        flags: 0,
    };
    assert_eq!(world.ok(100, &directory), 7);
    world.fails(100, &del(3, 7), Errno::EPERM);
    world.fails(100, &add(3, 3, Events::IN), Errno::EINVAL);
    world.fails(100, &add(4, 5, Events::IN), Errno::EINVAL);
    world.fails(
        100,
        &modify(3, 4, Events::IN | Events::EXCLUSIVE),
        Errno::EINVAL,
    );
    world.fails(100, &modify(3, 4, Events::IN), Errno::ENOENT);
    world.fails(100, &ctl(77, 3, 4, Events::IN), Errno::EINVAL);
    world.ok(100, &add(3, 4, Events::IN));
    world.fails(100, &add(3, 4, Events::IN), Errno::EEXIST);
}

#[test]
fn something_pollable_can_be_added() {
    let mut world = World::new();
    world.ok(100, &epoll());
    let open = Syscall::Open {
        path: PathKind::Pollable,
        flags: 0,
    };
    assert_eq!(world.ok(100, &open), 4);
    world.ok(100, &add(3, 4, Events::empty()));
}

#[test]
fn fdinfo_lists_the_registrations() {
    let mut world = World::new();
    world.ok(100, &epoll());
    world.ok(100, &pipe());
    world.ok(100, &add(3, 4, Events::IN | Events::ET));
    let text = world.0.fdinfo(Pid(100), Fd(3)).unwrap();
    assert!(
        text.contains("tfd:        4 events: 80000019 data:                4"),
        "{text}"
    );
}

#[test]
fn the_sixth_nested_instance_is_refused() {
    let mut world = World::new();
    for fd in 3..=8 {
        assert_eq!(world.ok(100, &epoll()), fd);
    }
    for fd in 3..7 {
        world.ok(100, &add(fd, fd + 1, Events::IN));
    }
    world.fails(100, &add(7, 8, Events::IN), Errno::ELOOP);
    world.fails(100, &add(7, 3, Events::IN), Errno::ELOOP);
}

#[test]
fn a_fault_spends_no_event() {
    let mut world = World::new();
    world.ok(100, &epoll());
    for _ in 0..2 {
        world.ok(100, &pipe());
    }
    for (reader, writer) in [(4, 5), (6, 7)] {
        world.ok(100, &add(3, reader, Events::IN | Events::ET));
        world.ok(100, &write(writer, 1));
    }
    world.fails(100, &wait_at(Buffer::Faults(0), 3, 8, 0), Errno::EFAULT);
    world.fails(100, &wait_at(Buffer::KernelSpace, 3, 8, 0), Errno::EFAULT);
    let first = world.result(100, &wait_at(Buffer::Faults(1), 3, 8, 0));
    assert_eq!(
        (first.value, first.out),
        (1, Out::Events([event(Events::IN, 4)].into()))
    );
    assert_eq!(world.reported(100, 3), [6]);
    assert_eq!(world.ok(100, &wait_at(Buffer::Faults(0), 3, 8, 0)), 0);
}

#[test]
fn a_wait_checks_its_arguments() {
    let mut world = World::new();
    world.ok(100, &epoll());
    world.fails(100, &wait(99, 0, 0), Errno::EBADF);
    world.fails(100, &wait(3, 0, 0), Errno::EINVAL);
    world.fails(100, &wait(3, i32::MAX, 0), Errno::EINVAL);
    assert_eq!(world.ok(100, &wait(3, i32::MAX / 12, 0)), 0);
    world.fails(100, &wait(0, 1, 0), Errno::EINVAL);
    let pwait2 = |timeout, mask| Syscall::EpollPwait2 {
        epfd: Fd(99),
        buffer: Buffer::Mapped,
        maxevents: 8,
        timeout,
        mask,
    };
    let invalid = UserTimespec::Time { sec: 0, nsec: -1 };
    let valid = UserTimespec::Time { sec: 0, nsec: 0 };
    world.fails(
        100,
        &pwait2(UserTimespec::Faults, SigMask::Faults),
        Errno::EFAULT,
    );
    world.fails(100, &pwait2(invalid, SigMask::Faults), Errno::EINVAL);
    world.fails(100, &pwait2(valid, SigMask::WrongSize), Errno::EINVAL);
    world.fails(100, &pwait2(valid, SigMask::Faults), Errno::EFAULT);
    world.fails(100, &pwait2(valid, SigMask::Null), Errno::EBADF);
}

#[test]
fn an_instance_answers_its_own_ioctls_only() {
    let mut world = World::new();
    world.ok(100, &epoll());
    let ioctl = |request| Syscall::Ioctl { fd: Fd(3), request };
    let set = EpollParams {
        busy_poll_usecs: 7,
        busy_poll_budget: 8,
        prefer_busy_poll: 1,
        pad: 0,
    };
    world.ok(100, &ioctl(Ioctl::SetEpollParams(set)));
    let got = world.result(100, &ioctl(Ioctl::GetEpollParams));
    assert_eq!(got.out, Out::Params(set));
    let padded = EpollParams { pad: 1, ..set };
    world.fails(100, &ioctl(Ioctl::SetEpollParams(padded)), Errno::EINVAL);
    world.fails(100, &ioctl(Ioctl::EpollAdopt), Errno::EINVAL);
    world.fails(100, &ioctl(Ioctl::Other(EPIOCADOPT + 1)), Errno::EINVAL);
    world.ok(100, &ioctl(Ioctl::Fionbio(true)));
    world.fails(100, &crate::world::read(3, 8), Errno::EINVAL);
}

#[test]
fn kcmp_tells_files_and_registrations() {
    let mut world = World::new();
    world.ok(100, &epoll());
    world.ok(100, &pipe());
    world.ok(100, &dup(4));
    world.fork(100, 101);
    world.ok(100, &add(3, 4, Events::IN));
    let mut kcmp = |pid2, what| {
        let call = Syscall::Kcmp {
            pid1: Pid(100),
            pid2: Pid(pid2),
            what,
        };
        world.outcome(100, &call)
    };
    let [fd1, fd2] = [Fd(4), Fd(6)];
    assert_eq!(kcmp(101, Kcmp::File { fd1, fd2 }), crate::world::done(0));
    assert_ne!(kcmp(101, Kcmp::Files), crate::world::done(0));
    let item = |toff| Kcmp::EpollTfd {
        fd1: Fd(6),
        efd: Fd(3),
        tfd: Fd(4),
        toff,
    };
    assert_eq!(kcmp(100, item(0)), crate::world::done(0));
    assert_eq!(kcmp(100, item(1)), Outcome::Done(Err(Errno::ENOENT)));
    assert_eq!(kcmp(999, Kcmp::Files), Outcome::Done(Err(Errno::ESRCH)));
}
