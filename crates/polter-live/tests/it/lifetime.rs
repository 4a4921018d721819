//! When a registration goes: the cases that the policies differ in, as Linux
//! answers them. 3 is the instance, 4 and 5 a pipe that holds a byte.

use crate::world::{World, add, close, del, dup, epoll, exit, pipe, read, write};
use eventpoll::syscall::{Out, flags};
use eventpoll::{Errno, Events, Fd, Syscall};

fn loop_with_a_pipe(world: &mut World) {
    assert_eq!(world.ok(100, &epoll()), 3);
    world.ok(100, &pipe());
    world.ok(100, &add(3, 4, Events::IN));
    world.ok(100, &write(5, 1));
}

fn shared_loop() -> World {
    let mut world = World::new();
    loop_with_a_pipe(&mut world);
    world.fork(100, 101);
    world
}

#[test]
fn a_childs_del_removes_the_parents_registration() {
    let mut world = shared_loop();
    assert_eq!(world.ok(101, &del(3, 4)), 0);
    assert_eq!(world.reported(100, 3), []);
}

#[test]
fn a_childs_exit_disturbs_nobody() {
    let mut world = shared_loop();
    world.goes(101, &exit());
    assert_eq!(world.reported(100, 3), [4]);
}

#[test]
fn a_childs_close_disturbs_nobody() {
    let mut world = shared_loop();
    world.ok(101, &close(4));
    assert_eq!(world.reported(100, 3), [4]);
}

#[test]
fn a_child_takes_the_loop_over_when_its_parent_exits() {
    let mut world = shared_loop();
    world.goes(100, &exit());
    assert_eq!(world.reported(101, 3), [4]);
}

#[test]
fn a_closed_fd_haunts_while_a_child_holds_its_file() {
    let mut world = shared_loop();
    world.ok(100, &close(4));
    assert_eq!(world.reported(100, 3), [4]);
    world.fails(100, &del(3, 4), Errno::EBADF);
    world.goes(101, &exit());
    assert_eq!(world.reported(100, 3), []);
}

#[test]
fn a_closed_dup_haunts_while_the_original_is_open() {
    let mut world = World::new();
    loop_with_a_pipe(&mut world);
    world.ok(100, &del(3, 4));
    assert_eq!(world.ok(100, &dup(4)), 6);
    world.ok(100, &add(3, 6, Events::IN));
    world.ok(100, &close(6));
    assert_eq!(world.reported(100, 3), [6]);
    world.ok(100, &close(4));
    assert_eq!(world.reported(100, 3), []);
}

#[test]
fn the_same_number_and_file_cannot_be_added_through_a_copy() {
    let mut world = shared_loop();
    world.fails(101, &add(3, 4, Events::IN), Errno::EEXIST);
}

#[test]
fn a_file_in_flight_keeps_its_registration() {
    let mut world = World::new();
    loop_with_a_pipe(&mut world);
    let pair = Syscall::Socketpair {
        domain: flags::AF_UNIX,
        kind: flags::SOCK_STREAM,
        protocol: 0,
    };
    assert_eq!(world.result(100, &pair).out, Out::Pair([Fd(6), Fd(7)]));
    let send = Syscall::Sendmsg {
        fd: Fd(6),
        len: 1,
        rights: vec![Fd(4)],
        flags: 0,
    };
    assert_eq!(world.ok(100, &send), 1);
    world.ok(100, &close(4));
    assert_eq!(world.reported(100, 3), [4]);

    let receive = Syscall::Recvmsg {
        fd: Fd(7),
        len: 8,
        room: 1,
        flags: 0,
    };
    let received = world.result(100, &receive);
    assert_eq!(
        (received.value, received.out),
        (1, Out::Rights(vec![Fd(4)]))
    );
    world.ok(100, &close(4));
    assert_eq!(world.reported(100, 3), []);
}

#[test]
fn a_message_dropped_with_its_socket_drops_the_file() {
    let mut world = World::new();
    loop_with_a_pipe(&mut world);
    let pair = Syscall::Socketpair {
        domain: flags::AF_UNIX,
        kind: flags::SOCK_STREAM,
        protocol: 0,
    };
    world.ok(100, &pair);
    let send = Syscall::Sendmsg {
        fd: Fd(6),
        len: 1,
        rights: vec![Fd(4)],
        flags: 0,
    };
    world.ok(100, &send);
    world.ok(100, &close(4));
    world.ok(100, &close(7));
    assert_eq!(world.reported(100, 3), []);
}

#[test]
fn a_call_under_way_keeps_the_file() {
    let mut world = World::new();
    world.ok(100, &epoll());
    world.ok(100, &pipe());
    world.ok(100, &add(3, 5, Events::OUT));
    world.thread(100, 101);
    world.blocks(101, &read(4, 1));
    world.ok(100, &close(5));
    // The last writer is gone: the read has ended, and so has the registration.
    assert_eq!(world.ended().len(), 1);
    assert_eq!(world.reported(100, 3), []);
}

#[test]
fn a_ring_keeps_its_files() {
    let mut world = World::new();
    loop_with_a_pipe(&mut world);
    assert_eq!(world.ok(100, &Syscall::IoUringSetup { entries: 4 }), 6);
    let register = Syscall::IoUringRegisterFiles {
        ring: Fd(6),
        files: vec![Fd(4), Fd(-1)],
    };
    assert_eq!(world.ok(100, &register), 0);
    world.ok(100, &close(4));
    assert_eq!(world.reported(100, 3), [4]);
    world.ok(100, &Syscall::IoUringUnregisterFiles { ring: Fd(6) });
    assert_eq!(world.reported(100, 3), []);
}

#[test]
fn a_closed_ring_lets_its_files_go() {
    let mut world = World::new();
    loop_with_a_pipe(&mut world);
    world.ok(100, &Syscall::IoUringSetup { entries: 4 });
    let register = Syscall::IoUringRegisterFiles {
        ring: Fd(6),
        files: vec![Fd(4)],
    };
    world.ok(100, &register);
    world.ok(100, &close(4));
    world.ok(100, &close(6));
    assert_eq!(world.reported(100, 3), []);
}

#[test]
fn exec_closes_what_is_marked_and_keeps_the_rest() {
    let mut world = World::new();
    let epoll = Syscall::EpollCreate1 {
        flags: flags::O_CLOEXEC,
    };
    assert_eq!(world.ok(100, &epoll), 3);
    world.ok(100, &pipe());
    world.ok(100, &Syscall::Execve);
    world.fails(100, &close(3), Errno::EBADF);
    assert_eq!(world.ok(100, &epoll), 3);
    assert_eq!(world.ok(100, &write(5, 1)), 1);
    assert_eq!(world.ok(100, &dup(4)), 6);
}
