//! Files and descriptors apart from epoll.

use crate::world::{World, close, dup, epoll, eventfd, kill, pipe, read, wait, write};
use eventpoll::syscall::{Fcntl, Out, TimerSpec, flags};
use eventpoll::{Errno, Events, Fd, Pid, Syscall};
use std::time::Duration;

const SIGUSR1: u32 = 10;
const USR1: u64 = 1 << (SIGUSR1 - 1);

#[test]
fn fcntl_and_dup_make_the_numbers_asked_for() {
    let mut world = World::new();
    world.ok(100, &pipe());
    let fcntl = |fd, cmd| Syscall::Fcntl { fd: Fd(fd), cmd };
    assert_eq!(world.ok(100, &fcntl(3, Fcntl::DupFd(10))), 10);
    assert_eq!(world.ok(100, &fcntl(3, Fcntl::DupFdCloexec(10))), 11);
    assert_eq!(world.ok(100, &fcntl(11, Fcntl::GetFd)), 1);
    assert_eq!(world.ok(100, &fcntl(10, Fcntl::DupFdQuery(Fd(3)))), 1);
    assert_eq!(world.ok(100, &fcntl(10, Fcntl::DupFdQuery(Fd(4)))), 0);
    assert_eq!(world.ok(100, &fcntl(3, Fcntl::GetPipeSize)), 65536);
    let over = Syscall::Dup2 {
        fd: Fd(4),
        new_fd: Fd(10),
    };
    assert_eq!(world.ok(100, &over), 10);
    let range = Syscall::CloseRange {
        first: 10,
        last: u32::MAX,
        flags: 0,
    };
    world.ok(100, &range);
    world.fails(100, &close(11), Errno::EBADF);
}

#[test]
fn the_limit_of_open_files_is_kept_over_an_exec() {
    let mut world = World::new();
    world.ok(100, &pipe());
    world.ok(
        100,
        &Syscall::SetNofile {
            soft: 5,
            hard: 1024,
        },
    );
    world.fails(100, &dup(3), Errno::EMFILE);
    world.ok(100, &Syscall::Execve);
    world.fails(100, &dup(3), Errno::EMFILE);
    world.ok(100, &close(4));
    assert_eq!(world.ok(100, &dup(3)), 4);
}

#[test]
fn a_timer_expires_in_real_time() {
    let mut world = World::new();
    world.ok(100, &epoll());
    let create = Syscall::TimerfdCreate {
        clock: 1,
        flags: flags::O_NONBLOCK,
    };
    assert_eq!(world.ok(100, &create), 4);
    world.ok(100, &crate::world::add(3, 4, Events::IN));
    world.fails(100, &read(4, 8), Errno::EAGAIN);
    let set = Syscall::TimerfdSettime {
        fd: Fd(4),
        flags: 0,
        new: TimerSpec {
            interval_ns: 0,
            value_ns: 100_000_000,
        },
    };
    assert_eq!(
        world.result(100, &set).out,
        Out::Timer(TimerSpec::default())
    );
    world.blocks(100, &wait(3, 8, -1));
    world.0.advance(Duration::from_millis(150)).unwrap();
    let ended = world.ended();
    assert_eq!(ended.len(), 1, "{ended:?}");
    assert_eq!(world.result(100, &read(4, 8)).out, Out::Counter(1));
    let gettime = Syscall::TimerfdGettime { fd: Fd(4) };
    assert_eq!(
        world.result(100, &gettime).out,
        Out::Timer(TimerSpec::default())
    );
}

#[test]
fn a_signalfd_answers_to_its_reader() {
    let mut world = World::new();
    world.ok(100, &epoll());
    let block = Syscall::Sigprocmask { how: 0, set: USR1 };
    assert_eq!(world.result(100, &block).out, Out::Mask(0));
    let signalfd = Syscall::Signalfd4 {
        fd: Fd(-1),
        mask: USR1,
        flags: flags::O_NONBLOCK,
    };
    assert_eq!(world.ok(100, &signalfd), 4);
    world.ok(100, &crate::world::add(3, 4, Events::IN));
    world.fork(100, 101);
    world.ok(100, &kill(101, SIGUSR1));
    assert_eq!(world.reported(101, 3), []);
    world.ok(101, &kill(100, SIGUSR1));
    assert_eq!(world.reported(100, 3), [4]);
    assert_eq!(
        world.result(100, &read(4, 256)).out,
        Out::Signals(vec![SIGUSR1])
    );
    assert_eq!(
        world.result(101, &read(4, 256)).out,
        Out::Signals(vec![SIGUSR1])
    );
}

#[test]
fn a_pidfd_copies_a_descriptor() {
    let mut world = World::new();
    world.fork(100, 101);
    assert_eq!(world.ok(101, &eventfd()), 3);
    world.ok(101, &write(3, 8));
    let open = |pid| Syscall::PidfdOpen {
        pid: Pid(pid),
        flags: 0,
    };
    world.fails(100, &open(999), Errno::ESRCH);
    assert_eq!(world.ok(100, &open(101)), 3);
    let take = Syscall::PidfdGetfd {
        pidfd: Fd(3),
        target: Fd(3),
        flags: 0,
    };
    assert_eq!(world.ok(100, &take), 4);
    assert_eq!(world.result(100, &read(4, 8)).out, Out::Counter(1));
}

#[test]
fn a_socket_is_opaque_but_real() {
    let mut world = World::new();
    let socket = Syscall::Socket {
        domain: 2,
        kind: flags::SOCK_STREAM,
        protocol: 0,
    };
    assert_eq!(world.ok(100, &socket), 3);
    let accept = Syscall::Accept4 {
        fd: Fd(3),
        flags: 0,
    };
    world.fails(100, &accept, Errno::EINVAL);
    let seek = Syscall::Lseek {
        fd: Fd(3),
        offset: 0,
        whence: 0,
    };
    world.fails(100, &seek, Errno::ESPIPE);
}
