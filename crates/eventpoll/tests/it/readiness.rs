//! What is reported when: the rules that need no waiting.

use crate::world::{ET, HUP, IN, OUT, World};
use eventpoll::syscall::{Buffer, PathKind, TimerSpec};
use eventpoll::{EpollEvent, Errno, Events, Fd, PollFd, Syscall, Version};

const EXCLUSIVE: Events = Events::EXCLUSIVE;
const ONESHOT: Events = Events::ONESHOT;
const RDHUP: Events = Events::RDHUP;

fn ctl(epfd: i32, op: u32, fd: i32, event: Option<Events>) -> Syscall {
    let event = event.map(|events| EpollEvent { events, data: 0 });
    Syscall::EpollCtl {
        epfd: Fd(epfd),
        op,
        fd: Fd(fd),
        event,
    }
}

#[test]
fn creating_takes_a_positive_size_or_one_flag() {
    let mut w = World::new();
    assert_eq!(w.call(Syscall::EpollCreate { size: 0 }), Err(Errno::EINVAL));
    assert_eq!(
        w.call(Syscall::EpollCreate1 { flags: 0o4000 }),
        Err(Errno::EINVAL)
    );
    let ep = w.epoll();
    assert_eq!(w.read(ep, 1), Err(Errno::EINVAL));
    assert_eq!(w.write(ep, 1), Err(Errno::EINVAL));
    assert_eq!(
        w.call(Syscall::Lseek {
            fd: Fd(ep),
            offset: 0,
            whence: 0
        }),
        Ok(0)
    );
}

#[test]
fn control_checks_in_linuxs_order() {
    use Errno::*;
    let mut w = World::new();
    let (ep, e) = (w.epoll(), w.eventfd(0));
    let regular = w
        .call(Syscall::Open {
            path: PathKind::Regular,
            flags: 0,
        })
        .unwrap() as i32;
    let copy = w.dup(ep);
    let cases = [
        (ctl(99, 1, 98, None), EFAULT),
        (ctl(99, 77, 98, None), EFAULT),
        (ctl(99, 2, e, None), EBADF),
        (ctl(ep, 1, 98, Some(IN)), EBADF),
        (ctl(e, 2, regular, None), EPERM),
        (ctl(ep, 1, copy, Some(IN)), EINVAL),
        (ctl(e, 1, ep, Some(IN)), EINVAL),
        (ctl(ep, 3, e, Some(IN | EXCLUSIVE)), EINVAL),
        (ctl(ep, 1, e, Some(IN | EXCLUSIVE | ONESHOT)), EINVAL),
        (ctl(ep, 2, e, None), ENOENT),
        (ctl(ep, 3, e, Some(IN)), ENOENT),
        (ctl(ep, 77, e, Some(IN)), EINVAL),
    ];
    for (call, errno) in cases {
        assert_eq!(w.call(call.clone()), Err(errno), "{call:?}");
    }
    w.add(ep, e, IN).unwrap();
    assert_eq!(w.add(ep, e, IN), Err(EEXIST));
    assert_eq!(
        w.add(ep, e, IN | EXCLUSIVE | RDHUP),
        Err(EINVAL),
        "before EEXIST"
    );
}

#[test]
fn waiting_checks_the_descriptor_first_since_6_15() {
    let wait = |epfd, maxevents, buffer| Syscall::EpollWait {
        epfd: Fd(epfd),
        buffer,
        maxevents,
        timeout_ms: 0,
    };
    let mut w = World::new();
    let (ep, e) = (w.epoll(), w.eventfd(0));
    assert_eq!(w.call(wait(99, 0, Buffer::Mapped)), Err(Errno::EBADF));
    assert_eq!(w.call(wait(e, 1, Buffer::KernelSpace)), Err(Errno::EFAULT));
    assert_eq!(w.call(wait(e, 1, Buffer::Mapped)), Err(Errno::EINVAL));
    assert_eq!(w.call(wait(ep, i32::MAX / 12, Buffer::Faults(0))), Ok(0));
    assert_eq!(
        w.call(wait(ep, i32::MAX / 12 + 1, Buffer::Mapped)),
        Err(Errno::EINVAL)
    );
    w.kernel = w.kernel.with_version(Version::new(6, 12));
    assert_eq!(w.call(wait(99, 0, Buffer::Mapped)), Err(Errno::EINVAL));
}

#[test]
fn a_fault_loses_nothing() {
    let mut w = World::new();
    let (ep, a, b) = (w.epoll(), w.eventfd(1), w.eventfd(1));
    w.add(ep, a, IN | ET).unwrap();
    w.add(ep, b, IN | ONESHOT).unwrap();
    let wait = |room| Syscall::EpollWait {
        epfd: Fd(ep),
        buffer: Buffer::Faults(room),
        maxevents: 8,
        timeout_ms: 0,
    };
    assert_eq!(w.call(wait(0)), Err(Errno::EFAULT));
    assert_eq!(w.call(wait(1)), Ok(1));
    assert_eq!(w.reported(ep), [b]);
}

#[test]
fn level_triggered_items_rotate() {
    let mut w = World::new();
    let ep = w.epoll();
    let fds: Vec<i32> = (0..5).map(|_| w.eventfd(1)).collect();
    for fd in &fds {
        w.add(ep, *fd, IN).unwrap();
    }
    let mut turns = Vec::new();
    for _ in 0..4 {
        let found = w.wait_by(w.first, ep, 2);
        turns.push(found.iter().map(|(fd, _)| fd - fds[0]).collect::<Vec<_>>());
    }
    assert_eq!(turns, [[0, 1], [2, 3], [4, 0], [1, 2]]);
}

#[test]
fn an_edge_is_reported_once_and_again_after_mod() {
    let mut w = World::new();
    let (ep, e) = (w.epoll(), w.eventfd(1));
    w.add(ep, e, IN | ET).unwrap();
    assert_eq!(w.reported(ep), [e]);
    assert_eq!(w.reported(ep), []);
    w.modify(ep, e, IN | ET).unwrap();
    assert_eq!(w.reported(ep), [e]);
    w.write(e, 8).unwrap();
    assert_eq!(w.reported(ep), [e]);
}

#[test]
fn one_shot_is_silent_until_mod_even_about_hang_ups() {
    let mut w = World::new();
    let ep = w.epoll();
    let [r, writer] = w.pipe();
    w.add(ep, r, IN | ONESHOT).unwrap();
    w.write(writer, 1).unwrap();
    assert_eq!(w.wait(ep), [(r, IN)]);
    w.close(writer);
    assert_eq!(w.wait(ep), []);
    w.modify(ep, r, Events::empty()).unwrap();
    assert_eq!(w.wait(ep), [(r, HUP)]);
}

#[test]
fn every_write_to_a_polled_pipe_is_an_edge_even_one_that_fails() {
    let mut w = World::new();
    let ep = w.epoll();
    let [r, writer] = w.pipe();
    w.add(ep, r, IN | ET).unwrap();
    w.write(writer, 1).unwrap();
    assert_eq!(w.reported(ep), [r]);
    assert_eq!(w.write(writer, 65_536), Ok(61_440));
    assert_eq!(w.reported(ep), [r]);
    assert_eq!(w.write(writer, 8192), Err(Errno::EAGAIN));
    assert_eq!(w.reported(ep), [r]);
    w.read(r, 10).unwrap();
    assert_eq!(w.reported(ep), [], "a partial read is none");
}

#[test]
fn a_full_pipes_writer_hears_of_a_whole_free_page() {
    let mut w = World::new();
    let ep = w.epoll();
    let [r, writer] = w.pipe();
    w.write(writer, 65_536).unwrap();
    w.add(ep, writer, OUT | ET).unwrap();
    w.read(r, 100).unwrap();
    assert_eq!(w.reported(ep), []);
    w.read(r, 4000).unwrap();
    assert_eq!(w.wait(ep), [(writer, OUT)]);
    w.read(r, 4096).unwrap();
    assert_eq!(w.reported(ep), []);
}

#[test]
fn the_end_of_a_pipe_is_in_and_hup_with_data_left_and_hup_without() {
    let mut w = World::new();
    let ep = w.epoll();
    let [r, writer] = w.pipe();
    w.add(ep, r, IN).unwrap();
    w.write(writer, 1).unwrap();
    w.close(writer);
    assert_eq!(w.wait(ep), [(r, IN | HUP)]);
    w.read(r, 1).unwrap();
    assert_eq!(w.wait(ep), [(r, HUP)]);
}

#[test]
fn an_eventfd_reports_all_that_holds_when_one_thing_changes() {
    let mut w = World::new();
    let ep = w.epoll();
    let e = w
        .call(Syscall::Eventfd2 {
            count: 0,
            flags: 0o4000,
        })
        .unwrap() as i32;
    w.add(ep, e, IN | OUT | ET).unwrap();
    assert_eq!(w.wait(ep), [(e, OUT)]);
    w.write(e, 8).unwrap();
    assert_eq!(w.wait(ep), [(e, IN | OUT)]);
    w.read(e, 8).unwrap();
    assert_eq!(w.wait(ep), [(e, OUT)]);
    assert_eq!(w.read(e, 8), Err(Errno::EAGAIN));
    assert_eq!(w.wait(ep), []);
    let huge = Syscall::Write {
        fd: Fd(e),
        len: 8,
        first: u64::MAX - 1,
    };
    w.call(huge).unwrap();
    assert_eq!(w.wait(ep), [(e, IN)]);
    assert_eq!(w.write(e, 8), Err(Errno::EAGAIN));
    assert_eq!(w.write(e, 16), Err(Errno::EINVAL));
}

#[test]
fn a_stream_tells_its_peer_of_data_shutdown_and_close() {
    let mut w = World::new();
    let ep = w.epoll();
    let [a, b] = w.socketpair();
    w.add(ep, a, IN | OUT | RDHUP | ET).unwrap();
    assert_eq!(w.wait(ep), [(a, OUT)]);
    w.write(b, 2).unwrap();
    assert_eq!(w.wait(ep), [(a, IN | OUT)]);
    w.read(a, 1).unwrap();
    assert_eq!(w.wait(ep), []);
    w.call(Syscall::Shutdown { fd: Fd(b), how: 1 }).unwrap();
    assert_eq!(w.wait(ep), [(a, IN | OUT | RDHUP)]);
    w.close(b);
    assert_eq!(w.wait(ep), [(a, IN | OUT | RDHUP | HUP)]);
}

#[test]
fn a_stream_glues_data_up_to_the_message_with_files() {
    let mut w = World::new();
    let e = w.eventfd(0);
    let [a, b] = w.socketpair();
    w.write(a, 3).unwrap();
    w.call(Syscall::Sendmsg {
        fd: Fd(a),
        len: 3,
        rights: vec![Fd(e)],
        flags: 0,
    })
    .unwrap();
    w.write(a, 3).unwrap();
    let recv = |flags| Syscall::Recvmsg {
        fd: Fd(b),
        len: 100,
        room: 8,
        flags,
    };
    assert_eq!(w.call(recv(2)), Ok(6), "a peek");
    assert_eq!(w.call(recv(0)), Ok(6));
    assert_eq!(w.call(recv(0)), Ok(3));
}

#[test]
fn a_stream_holds_as_much_as_linux_lets_it() {
    let mut w = World::new();
    let [a, b] = w.pair(Syscall::Socketpair {
        domain: 1,
        kind: 0o4001,
        protocol: 0,
    });
    assert_eq!(w.write(a, 1_000_000), Ok(219_264));
    assert_eq!(w.write(a, 1), Err(Errno::EAGAIN));
    assert_eq!(w.read(b, 1_000_000), Ok(219_264));
    let sent = (0..).take_while(|_| w.write(a, 1).is_ok()).count();
    assert_eq!(sent, 278);
    let ready = |w: &mut World| {
        let fds = vec![PollFd {
            fd: Fd(a),
            events: OUT,
            revents: Events::empty(),
        }];
        w.call(Syscall::Poll { fds, timeout_ms: 0 }).unwrap()
    };
    let mut reads = 0;
    while ready(&mut w) == 0 {
        reads += w.read(b, 1).unwrap();
    }
    assert_eq!(reads, 209);
}

#[test]
fn an_unread_interval_timer_is_one_edge() {
    let mut w = World::new();
    let ep = w.epoll();
    let t = w
        .call(Syscall::TimerfdCreate { clock: 1, flags: 0 })
        .unwrap() as i32;
    w.add(ep, t, IN | ET).unwrap();
    let new = TimerSpec {
        interval_ns: 10,
        value_ns: 10,
    };
    w.call(Syscall::TimerfdSettime {
        fd: Fd(t),
        flags: 0,
        new,
    })
    .unwrap();
    w.kernel.advance_to(10);
    assert_eq!(w.reported(ep), [t]);
    w.kernel.advance_to(100);
    assert_eq!(w.reported(ep), []);
    let read = w
        .call_by(w.first, Syscall::Read { fd: Fd(t), len: 8 })
        .unwrap();
    assert_eq!(read, (8, eventpoll::Out::Counter(10)));
    w.kernel.advance_to(110);
    assert_eq!(w.reported(ep), [t]);
}

#[test]
fn the_newest_registration_of_a_file_is_told_first() {
    let mut w = World::new();
    let (ep, e) = (w.epoll(), w.eventfd(0));
    let copy = w.dup(e);
    w.add(ep, e, IN).unwrap();
    w.add(ep, copy, IN).unwrap();
    w.write(e, 8).unwrap();
    assert_eq!(w.reported(ep), [copy, e]);
}

#[test]
fn chains_end_at_five_instances_whichever_end_is_built_first() {
    for is_downward in [true, false] {
        let mut w = World::new();
        let eps: Vec<i32> = (0..6).map(|_| w.epoll()).collect();
        let mut links: Vec<(i32, i32)> = eps.windows(2).map(|pair| (pair[0], pair[1])).collect();
        if !is_downward {
            links.reverse();
        }
        let results: Vec<_> = links
            .iter()
            .map(|(outer, inner)| w.add(*outer, *inner, IN))
            .collect();
        let refused = Err(Errno::ELOOP);
        assert_eq!(results, [Ok(()), Ok(()), Ok(()), Ok(()), refused]);
    }
}

#[test]
fn circles_are_refused() {
    let mut w = World::new();
    let (a, b, c) = (w.epoll(), w.epoll(), w.epoll());
    w.add(a, b, IN).unwrap();
    w.add(b, c, IN).unwrap();
    assert_eq!(w.add(c, a, IN), Err(Errno::ELOOP));
    assert_eq!(w.add(a, b, IN), Err(Errno::EEXIST));
}

#[test]
fn five_hundred_paths_of_length_two_and_no_more() {
    let mut w = World::new();
    let (e, outer) = (w.eventfd(0), w.epoll());
    for count in 0..501 {
        let inner = w.epoll();
        w.add(outer, inner, IN).unwrap();
        let expected = if count < 500 {
            Ok(())
        } else {
            Err(Errno::EINVAL)
        };
        assert_eq!(w.add(inner, e, IN), expected, "path {count}");
    }
}

#[test]
fn an_outer_edge_fires_again_on_inner_activity() {
    let mut w = World::new();
    let (outer, inner, e) = (w.epoll(), w.epoll(), w.eventfd(0));
    w.add(inner, e, IN).unwrap();
    w.add(outer, inner, IN | ET).unwrap();
    w.write(e, 8).unwrap();
    assert_eq!(w.reported(outer), [inner]);
    assert_eq!(w.reported(outer), []);
    w.write(e, 8).unwrap();
    assert_eq!(w.reported(outer), [inner]);
}

#[test]
fn too_many_registrations_are_refused() {
    let mut w = World::new();
    w.kernel = w.kernel.with_max_user_watches(1);
    let (ep, a, b) = (w.epoll(), w.eventfd(0), w.eventfd(0));
    w.add(ep, a, IN).unwrap();
    assert_eq!(w.add(ep, b, IN), Err(Errno::ENOSPC));
    assert_eq!(w.add(ep, a, IN), Err(Errno::EEXIST), "before ENOSPC");
}

#[test]
fn who_comes_and_goes_leaves_the_others_in_their_order() {
    let mut w = World::new();
    let [first, second, third, guest] = [1; 4].map(|count| w.eventfd(count));
    let ep = w.epoll();
    for file in [first, second, third] {
        w.add(ep, file, IN).unwrap();
    }
    w.del(ep, first).unwrap();
    for _ in 0..100 {
        w.add(ep, guest, IN).unwrap();
        w.del(ep, guest).unwrap();
    }
    w.del(ep, second).unwrap();
    assert_eq!(w.wait(ep), [(third, IN)]);
}
