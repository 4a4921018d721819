//! The ready list, and what makes an edge.

use crate::world::{World, add, close, data, epoll, eventfd, modify, pipe, read, wait, write};
use eventpoll::syscall::{Ioctl, Out, flags};
use eventpoll::{Events, Fd, PollFd, Syscall};

fn loop_with(events: Events) -> World {
    let mut world = World::new();
    world.ok(100, &epoll());
    world.ok(100, &pipe());
    world.ok(100, &add(3, 4, events));
    world
}

#[test]
fn level_triggered_events_rotate() {
    let mut world = World::new();
    world.ok(100, &epoll());
    for fd in 4..9 {
        assert_eq!(world.ok(100, &Syscall::Eventfd2 { count: 1, flags: 0 }), fd);
        world.ok(100, &add(3, fd as i32, Events::IN));
    }
    let mut two = || data(&world.result(100, &wait(3, 2, 0)).out);
    assert_eq!(
        [two(), two(), two(), two()],
        [[4, 5], [6, 7], [8, 4], [5, 6]]
    );
}

#[test]
fn an_edge_is_reported_once() {
    let mut world = loop_with(Events::IN | Events::ET);
    world.ok(100, &write(5, 2));
    assert_eq!(world.reported(100, 3), [4]);
    assert_eq!(world.reported(100, 3), []);
    world.ok(100, &read(4, 1));
    assert_eq!(world.reported(100, 3), []);
    world.ok(100, &write(5, 1));
    assert_eq!(world.reported(100, 3), [4]);
    world.ok(100, &modify(3, 4, Events::IN | Events::ET));
    assert_eq!(world.reported(100, 3), [4]);
}

#[test]
fn a_one_shot_is_silent_until_it_is_armed_again() {
    let mut world = loop_with(Events::IN | Events::ONESHOT);
    world.ok(100, &write(5, 1));
    assert_eq!(world.reported(100, 3), [4]);
    world.ok(100, &close(5));
    assert_eq!(world.reported(100, 3), []);
    world.ok(100, &modify(3, 4, Events::empty()));
    let hung_up = world.result(100, &wait(3, 8, 0)).out;
    assert_eq!(
        hung_up,
        Out::Events([crate::world::event(Events::HUP, 4)].into())
    );
}

#[test]
fn an_eventfd_gives_its_counter() {
    let mut world = World::new();
    assert_eq!(world.ok(100, &eventfd()), 3);
    for _ in 0..3 {
        assert_eq!(world.ok(100, &write(3, 8)), 8);
    }
    assert_eq!(world.result(100, &read(3, 8)).out, Out::Counter(3));
}

#[test]
fn a_full_pipe_is_writable_again_after_a_page() {
    let mut world = loop_with(Events::OUT);
    let nonblocking = Syscall::Ioctl {
        fd: Fd(5),
        request: Ioctl::Fionbio(true),
    };
    world.ok(100, &nonblocking);
    let full = world.ok(100, &write(5, 1 << 20));
    assert_eq!(full, 65536);
    let available = Syscall::Ioctl {
        fd: Fd(4),
        request: Ioctl::Fionread,
    };
    assert_eq!(world.result(100, &available).out, Out::Available(65536));
    world.ok(100, &add(3, 5, Events::OUT | Events::ET));
    assert_eq!(world.ok(100, &read(4, 1)), 1);
    assert_eq!(world.reported(100, 3), []);
    assert_eq!(world.ok(100, &read(4, 4095)), 4095);
    assert_eq!(world.reported(100, 3), [5]);
}

#[test]
fn poll_reports_on_every_entry() {
    let mut world = World::new();
    world.ok(100, &pipe());
    world.ok(100, &write(4, 1));
    let entry = |fd, events, revents| PollFd {
        fd: Fd(fd),
        events,
        revents,
    };
    let none = Events::empty();
    let asked = [
        (3, Events::IN),
        (4, Events::OUT),
        (99, Events::IN),
        (-1, Events::IN),
    ];
    let fds = asked.map(|(fd, events)| entry(fd, events, none)).to_vec();
    let found = vec![
        entry(3, Events::IN, Events::IN),
        entry(4, Events::OUT, Events::OUT),
        entry(99, Events::IN, Events::NVAL),
        entry(-1, Events::IN, none),
    ];
    let polled = world.result(100, &Syscall::Poll { fds, timeout_ms: 0 });
    assert_eq!((polled.value, polled.out), (3, Out::Polled(found)));
}

#[test]
fn a_socket_pair_hangs_up() {
    let mut world = World::new();
    world.ok(100, &epoll());
    let pair = Syscall::Socketpair {
        domain: flags::AF_UNIX,
        kind: flags::SOCK_STREAM,
        protocol: 0,
    };
    world.ok(100, &pair);
    world.ok(100, &add(3, 4, Events::IN | Events::RDHUP | Events::ET));
    let shutdown = Syscall::Shutdown { fd: Fd(5), how: 1 };
    world.ok(100, &shutdown);
    let found = Events::IN | Events::RDHUP;
    let reported = world.result(100, &wait(3, 8, 0)).out;
    assert_eq!(
        reported,
        Out::Events([crate::world::event(found, 4)].into())
    );
}
