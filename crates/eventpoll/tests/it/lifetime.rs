//! How long a registration lives: it goes with its file, not with its fd.

use crate::world::{IN, World};
use eventpoll::syscall::{Fcntl, PathKind};
use eventpoll::{Errno, Fd, Pid, Syscall};

#[test]
fn registration_outlives_the_fd_it_was_made_through() {
    let mut w = World::new();
    let (ep, e) = (w.epoll(), w.eventfd(1));
    let copy = w.dup(e);
    w.add(ep, e, IN).unwrap();
    w.close(e);
    assert_eq!(w.reported(ep), [e]);
    assert_eq!(w.del(ep, e), Err(Errno::EBADF));
    w.close(copy);
    assert_eq!(w.reported(ep), []);
    assert_eq!(w.registrations(), 0);
}

#[test]
fn a_reused_number_is_another_key() {
    let mut w = World::new();
    let (ep, e) = (w.epoll(), w.eventfd(1));
    w.dup(e);
    w.add(ep, e, IN).unwrap();
    w.close(e);
    assert_eq!(w.eventfd(1), e);
    assert_eq!(w.modify(ep, e, IN), Err(Errno::ENOENT));
    w.add(ep, e, IN).unwrap();
    assert_eq!(w.reported(ep), [e, e], "the ghost and the new one");
}

#[test]
fn a_ghost_can_be_removed_by_putting_its_file_back_at_its_number() {
    let mut w = World::new();
    let (ep, e) = (w.epoll(), w.eventfd(1));
    let copy = w.dup(e);
    w.add(ep, e, IN).unwrap();
    w.close(e);
    w.call(Syscall::Dup2 {
        fd: Fd(copy),
        new_fd: Fd(e),
    })
    .unwrap();
    w.del(ep, e).unwrap();
    assert_eq!(w.registrations(), 0);
}

#[test]
fn dups_pile_up_registrations_of_one_file() {
    let mut w = World::new();
    let (ep, e) = (w.epoll(), w.eventfd(1));
    for _ in 0..100 {
        let copy = w.dup(e);
        w.add(ep, copy, IN).unwrap();
        w.call(Syscall::Dup2 {
            fd: Fd(copy),
            new_fd: Fd(copy + 1),
        })
        .unwrap();
        w.close(copy);
        w.call(Syscall::Open {
            path: PathKind::Pollable,
            flags: 0,
        })
        .unwrap();
    }
    assert_eq!(w.registrations(), 100);
}

#[test]
fn exec_closes_what_is_marked_and_keeps_the_rest() {
    let mut w = World::new();
    let (ep, marked, kept) = (w.epoll(), w.eventfd(1), w.eventfd(1));
    w.fcntl(marked, Fcntl::SetFd(1)).unwrap();
    w.add(ep, marked, IN).unwrap();
    w.add(ep, kept, IN).unwrap();
    w.call(Syscall::Execve).unwrap();
    assert_eq!(w.reported(ep), [kept]);
}

#[test]
fn exec_in_one_process_leaves_a_marked_file_that_another_holds() {
    let mut w = World::new();
    let (ep, e) = (w.epoll(), w.eventfd(1));
    w.fcntl(e, Fcntl::SetFd(1)).unwrap();
    w.add(ep, e, IN).unwrap();
    let child = w.fork();
    w.call(Syscall::Execve).unwrap();
    assert_eq!(w.reported(ep), [e]);
    w.exit(child);
    assert_eq!(w.reported(ep), []);
}

#[test]
fn a_thread_that_unshares_its_table_holds_what_its_process_closes() {
    let mut w = World::new();
    let (ep, e) = (w.epoll(), w.eventfd(1));
    w.add(ep, e, IN).unwrap();
    let thread = w.thread();
    w.call_by(thread, Syscall::Unshare { flags: 0x400 })
        .unwrap();
    w.close(e);
    assert_eq!(w.reported(ep), [e]);
    w.call_by(thread, Syscall::Exit { status: 0 }).unwrap();
    assert_eq!(w.reported(ep), []);
}

#[test]
fn close_range_with_unshare_closes_in_a_table_of_its_own() {
    let mut w = World::new();
    let (ep, e) = (w.epoll(), w.eventfd(1));
    w.add(ep, e, IN).unwrap();
    let thread = w.thread();
    let hostile = Syscall::CloseRange {
        first: 0,
        last: u32::MAX,
        flags: 2,
    };
    w.call_by(thread, hostile).unwrap();
    assert_eq!(w.reported(ep), [e]);
    assert_eq!(w.kernel.fds(thread).count(), 0);
}

#[test]
fn closing_an_inner_instance_removes_it_from_the_outer() {
    let mut w = World::new();
    let (outer, inner, e) = (w.epoll(), w.epoll(), w.eventfd(1));
    w.add(inner, e, IN).unwrap();
    w.add(outer, inner, IN).unwrap();
    assert_eq!(w.reported(outer), [inner]);
    w.close(inner);
    assert_eq!(w.registrations(), 0);
}

#[test]
fn a_signalfd_registration_outlives_the_adder_and_falls_silent() {
    let mut w = World::new();
    let ep = w.epoll();
    let s = w
        .call(Syscall::Signalfd4 {
            fd: Fd(-1),
            mask: 1 << 9,
            flags: 0,
        })
        .unwrap() as i32;
    let block = Syscall::Sigprocmask {
        how: 0,
        set: 1 << 9,
    };
    w.call(block).unwrap();
    w.add(ep, s, IN).unwrap();
    let child = w.fork();
    w.kernel.call(
        w.first,
        &Syscall::Kill {
            pid: Pid(101),
            signal: 10,
        },
    );
    assert_eq!(
        w.wait_by(child, ep, 8),
        [],
        "its signal woke its own queue, not the adder's"
    );
    let first = w.first;
    w.exit(first);
    // POLLFREE put it on the ready list; its poll asks the caller's signals.
    assert_eq!(w.registrations(), 1);
    assert_eq!(w.wait_by(child, ep, 8), [(s, IN)]);
}
