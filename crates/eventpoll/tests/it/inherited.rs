//! Policies that ask whose a registration is: adopted, inherited, or sent on purpose.

use crate::world::{IN, World};
use eventpoll::syscall::Ioctl;
use eventpoll::{Errno, Fd, Pid, Policy, Syscall};

#[test]
fn adopting_needs_the_policy_an_instance_and_an_open_number() {
    let adopt = |w: &mut World, tid, fd: i32| {
        w.call_by(
            tid,
            Syscall::Ioctl {
                fd: Fd(fd),
                request: Ioctl::EpollAdopt,
            },
        )
        .map(|(n, _)| n)
    };
    let mut w = World::under(Policy::OWNER_ADOPT);
    let (ep, e) = (w.epoll(), w.eventfd(1));
    w.add(ep, e, IN).unwrap();
    let child = w.fork();
    assert_eq!(adopt(&mut w, child, 99), Err(Errno::EBADF));
    assert_eq!(adopt(&mut w, child, e), Err(Errno::ENOTTY));
    assert_eq!(adopt(&mut w, child, ep), Ok(1));
    assert_eq!(adopt(&mut w, child, ep), Ok(0), "they are its own already");
    let first = w.first;
    w.exit(first);
    assert_eq!(w.wait_by(child, ep, 8), [(e, IN)]);
    let mut w = World::under(Policy::OWNER);
    let ep = w.epoll();
    let first = w.first;
    assert_eq!(adopt(&mut w, first, ep), Err(Errno::EINVAL));
}

#[test]
fn an_owner_that_has_its_own_registration_adopts_no_second() {
    let mut w = World::under(Policy::OWNER_ADOPT);
    let (ep, e) = (w.epoll(), w.eventfd(1));
    w.add(ep, e, IN).unwrap();
    let child = w.fork();
    w.ctl_by(child, ep, 1, e, IN).unwrap();
    let adopt = Syscall::Ioctl {
        fd: Fd(ep),
        request: Ioctl::EpollAdopt,
    };
    assert_eq!(w.call_by(child, adopt).map(|(n, _)| n), Ok(0));
}

#[test]
fn a_new_table_is_never_taken_for_a_dead_owner() {
    let mut w = World::new();
    let (ep, e) = (w.epoll(), w.eventfd(1));
    let maker = w.fork();
    w.ctl_by(maker, ep, 1, e, IN).unwrap();
    let table = w.kernel.task(maker).unwrap().table;
    w.exit(maker);
    assert!(!w.kernel.is_table_alive(table));
    let next = w.fork();
    assert_ne!(w.kernel.task(next).unwrap().table, table);
    assert_eq!(w.registrations(), 1);
}

#[test]
fn an_inherited_instance_is_stale_and_so_is_its_dup() {
    let mut w = World::under(Policy::STALE);
    let (ep, e) = (w.epoll(), w.eventfd(1));
    let child = w.fork();
    assert_eq!(w.ctl_by(child, ep, 1, e, IN), Err(Errno::ESTALE));
    let copy = w.call_by(child, Syscall::Dup { fd: Fd(ep) }).unwrap().0 as i32;
    assert_eq!(w.ctl_by(child, copy, 1, e, IN), Err(Errno::ESTALE));
    w.add(ep, e, IN).unwrap();
}

#[test]
fn an_instance_sent_or_taken_explicitly_is_not_stale() {
    let mut w = World::under(Policy::STALE);
    let (ep, e) = (w.epoll(), w.eventfd(1));
    let [a, b] = w.socketpair();
    let child = w.fork();
    w.send_fd(a, ep);
    let sent = w.receive_fd(child, b, 1).unwrap();
    w.ctl_by(child, sent, 1, e, IN).unwrap();
    let pidfd = Fd(w
        .call_by(
            child,
            Syscall::PidfdOpen {
                pid: Pid(100),
                flags: 0,
            },
        )
        .unwrap()
        .0 as i32);
    let getfd = Syscall::PidfdGetfd {
        pidfd,
        target: Fd(ep),
        flags: 0,
    };
    let taken = w.call_by(child, getfd).unwrap().0 as i32;
    w.ctl_by(child, taken, 2, e, IN).unwrap();
}
