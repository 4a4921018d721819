//! Who is woken, in which order, and with what.

use crate::world::{ET, IN, World, wait};
use eventpoll::syscall::SigAction;
use eventpoll::{Errno, Events, Fd, Pid, Syscall, Tid};

/// Four threads that wait on one instance, oldest first, and what they wait for.
fn four_waiters(events: Events) -> (World, [Tid; 4], i32) {
    let mut w = World::new();
    let (ep, e) = (w.epoll(), w.eventfd(0));
    w.add(ep, e, events).unwrap();
    let threads = [(); 4].map(|()| w.thread());
    for thread in threads {
        w.blocks(thread, wait(ep, 1, -1));
    }
    (w, threads, e)
}

#[test]
fn the_newest_waiter_takes_an_edge_alone() {
    for events in [IN | ET, IN | Events::ONESHOT] {
        let (mut w, threads, e) = four_waiters(events);
        w.write(e, 8).unwrap();
        assert_eq!(w.ended(), [(threads[3], Ok(1))]);
    }
}

#[test]
fn a_level_left_standing_wakes_all_one_after_the_other() {
    let (mut w, threads, e) = four_waiters(IN);
    w.write(e, 8).unwrap();
    let [a, b, c, d] = threads.map(|tid| (tid, Ok(1)));
    assert_eq!(w.ended(), [d, c, b, a]);
}

#[test]
fn a_woken_waiter_that_finds_nothing_sleeps_on() {
    let mut w = World::new();
    let (ep, e) = (w.epoll(), w.eventfd(0));
    w.add(ep, e, IN | ET).unwrap();
    let thread = w.thread();
    w.blocks(thread, wait(ep, 1, 5));
    w.call(Syscall::Kill {
        pid: Pid(100),
        signal: 17,
    })
    .unwrap();
    assert_eq!(w.ended(), []);
    w.kernel.advance_to(5_000_000);
    assert_eq!(w.ended(), [(thread, Ok(0))]);
}

#[test]
fn a_handler_interrupts_a_wait_even_with_sa_restart() {
    let mut w = World::new();
    let ep = w.epoll();
    let action = SigAction::Handler { restart: true };
    w.call(Syscall::Sigaction { signal: 10, action }).unwrap();
    let [r, writer] = w.pair(Syscall::Pipe2 { flags: 0 });
    let (waiter, reader) = (w.fork(), w.fork());
    w.blocks(waiter, wait(ep, 1, -1));
    w.blocks(reader, Syscall::Read { fd: Fd(r), len: 1 });
    for pid in [101, 102] {
        w.call(Syscall::Kill {
            pid: Pid(pid),
            signal: 10,
        })
        .unwrap();
    }
    assert_eq!(w.ended(), [(waiter, Err(Errno::EINTR))]);
    w.write(writer, 1).unwrap();
    assert_eq!(
        w.ended(),
        [(reader, Ok(1))],
        "the read went on behind the handler"
    );
}

#[test]
fn a_signal_handled_with_an_event_does_not_interrupt_the_next_wait() {
    let mut w = World::new();
    let (ep, e) = (w.epoll(), w.eventfd(0));
    w.add(ep, e, IN | ET).unwrap();
    let action = SigAction::Handler { restart: false };
    w.call(Syscall::Sigaction { signal: 17, action }).unwrap();
    let child = w.fork();
    w.blocks(w.first, wait(ep, 1, -1));
    // The write wakes the parent, the exit's SIGCHLD comes with it.
    let write = Syscall::Write {
        fd: Fd(e),
        len: 8,
        first: 1,
    };
    w.call_by(child, write).unwrap();
    assert_eq!(w.ended(), [(w.first, Ok(1))]);
    w.exit(child);
    w.blocks(w.first, wait(ep, 1, -1));
}

#[test]
fn exclusive_instances_share_a_wake_up() {
    let mut w = World::new();
    let e = w.eventfd(0);
    let eps: Vec<i32> = (0..3).map(|_| w.epoll()).collect();
    let mut threads = Vec::new();
    for ep in &eps {
        w.add(*ep, e, IN | Events::EXCLUSIVE).unwrap();
        let thread = w.thread();
        w.blocks(thread, wait(*ep, 1, -1));
        threads.push(thread);
    }
    w.write(e, 8).unwrap();
    assert_eq!(w.ended(), [(threads[0], Ok(1))], "the oldest, and no other");
}

#[test]
fn vfork_ends_with_the_childs_exec_and_brings_its_pidfd() {
    let mut w = World::new();
    // CLONE_VM | CLONE_VFORK | CLONE_PIDFD
    w.blocks(w.first, Syscall::Clone { flags: 0x5100 });
    let child = w.kernel.tid(Pid(101)).unwrap();
    w.call_by(child, Syscall::Execve).unwrap();
    let ended = w.kernel.drain_completions();
    let expected = eventpoll::syscall::Return::with(101, eventpoll::Out::Pidfd(Fd(0)));
    assert_eq!(ended, [(w.first, eventpoll::Outcome::Done(Ok(expected)))]);
}

#[test]
fn a_write_larger_than_the_pipe_goes_on_as_the_reader_makes_room() {
    let mut w = World::new();
    let [r, writer] = w.pair(Syscall::Pipe2 { flags: 0 });
    let thread = w.thread();
    w.blocks(
        thread,
        Syscall::Write {
            fd: Fd(writer),
            len: 100_000,
            first: 0,
        },
    );
    w.read(r, 65_536).unwrap();
    assert_eq!(w.ended(), [(thread, Ok(100_000))]);
}

#[test]
fn closing_the_only_target_does_not_wake_a_waiter() {
    let mut w = World::new();
    let (ep, e) = (w.epoll(), w.eventfd(0));
    w.add(ep, e, IN).unwrap();
    let thread = w.thread();
    w.blocks(thread, wait(ep, 1, -1));
    w.close(e);
    assert_eq!(w.ended(), []);
    assert!(w.kernel.is_blocked(thread));
}
