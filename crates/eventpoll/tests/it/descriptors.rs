//! Fds themselves: which file is behind one, its flags, and a table that is full.

use crate::world::{IN, World};
use eventpoll::syscall::{Fcntl, Kcmp};
use eventpoll::{Errno, Fd, Syscall};

#[test]
fn kcmp_finds_the_file_behind_a_registration() {
    let mut w = World::new();
    let (ep, e) = (w.epoll(), w.eventfd(0));
    let copy = w.dup(e);
    w.add(ep, e, IN).unwrap();
    w.close(e);
    let target = |fd1: i32, tfd: i32, toff| Kcmp::EpollTfd {
        fd1: Fd(fd1),
        efd: Fd(ep),
        tfd: Fd(tfd),
        toff,
    };
    assert_eq!(w.kcmp(target(copy, e, 0)), Ok(0));
    assert_ne!(w.kcmp(target(ep, e, 0)), Ok(0));
    assert_eq!(w.kcmp(target(copy, e, 1)), Err(Errno::ENOENT));
    assert_eq!(w.kcmp(target(99, e, 0)), Err(Errno::EBADF));
    let not_epoll = Kcmp::EpollTfd {
        fd1: Fd(copy),
        efd: Fd(copy),
        tfd: Fd(e),
        toff: 0,
    };
    assert_eq!(w.kcmp(not_epoll), Err(Errno::EINVAL));
    assert_eq!(w.kcmp(Kcmp::Other(99)), Err(Errno::EINVAL));
}

#[test]
fn dupfd_query_tells_one_file_from_two() {
    let mut w = World::new();
    let (a, b) = (w.eventfd(0), w.eventfd(0));
    let copy = w.dup(a);
    assert_eq!(w.fcntl(a, Fcntl::DupFdQuery(Fd(copy))), Ok(1));
    assert_eq!(w.fcntl(a, Fcntl::DupFdQuery(Fd(b))), Ok(0));
    assert_eq!(w.fcntl(a, Fcntl::DupFdQuery(Fd(99))), Err(Errno::EBADF));
}

#[test]
fn flags_are_shown_as_linux_shows_them() {
    let mut w = World::new();
    let [r, writer] = w.pair(Syscall::Pipe2 { flags: 0o2044000 });
    let fds = [
        (r, 0o4000),
        (writer, 0o44001),
        (w.epoll(), 0o2),
        (w.eventfd(0), 0o2),
        (w.socketpair()[0], 0o2),
    ];
    for (fd, flags) in fds {
        assert_eq!(w.fcntl(fd, Fcntl::GetFl), Ok(flags), "of {fd}");
    }
    let socket = w
        .call(Syscall::Socket {
            domain: 2,
            kind: 0o4001,
            protocol: 0,
        })
        .unwrap();
    assert_eq!(w.fcntl(socket as i32, Fcntl::GetFl), Ok(0o4002));
    assert_eq!(
        w.fcntl(fds[3].0, Fcntl::SetFl(0o40000)),
        Err(Errno::EINVAL),
        "O_DIRECT"
    );
    assert_eq!(
        w.fcntl(fds[3].0, Fcntl::SetFl(0o20000)),
        Ok(0),
        "O_ASYNC, without effect"
    );
    assert_eq!(w.fcntl(fds[3].0, Fcntl::GetFl), Ok(0o2));
}

#[test]
fn a_full_table_refuses_before_or_after_the_other_checks() {
    let mut w = World::new();
    let [r, _] = w.pipe();
    w.call(Syscall::SetNofile {
        soft: 3,
        hard: 1 << 20,
    })
    .unwrap();
    assert_eq!(
        w.call(Syscall::Pipe2 { flags: 0 }),
        Err(Errno::EMFILE),
        "one number is left"
    );
    let last = w.dup(r);
    assert_eq!(last, 2);
    let accept = Syscall::Accept4 {
        fd: Fd(r),
        flags: 0,
    };
    assert_eq!(w.call(accept), Err(Errno::EMFILE), "before ENOTSOCK");
    let pair = Syscall::Socketpair {
        domain: 99,
        kind: 1,
        protocol: 0,
    };
    assert_eq!(w.call(pair), Err(Errno::EMFILE), "before EAFNOSUPPORT");
    assert_eq!(w.fcntl(r, Fcntl::DupFd(3)), Err(Errno::EINVAL));
    assert_eq!(w.fcntl(r, Fcntl::DupFd(2)), Err(Errno::EMFILE));
    assert_eq!(
        w.call(Syscall::Dup2 {
            fd: Fd(r),
            new_fd: Fd(3)
        }),
        Err(Errno::EBADF)
    );
    assert_eq!(
        w.call(Syscall::Dup2 {
            fd: Fd(99),
            new_fd: Fd(99)
        }),
        Err(Errno::EBADF)
    );
    assert_eq!(
        w.call(Syscall::Dup3 {
            fd: Fd(99),
            new_fd: Fd(99),
            flags: 0
        }),
        Err(Errno::EINVAL)
    );
}
