//! How long a registration lives, and who keeps it alive.

use crate::world::{ET, IN, OUT, World};
use eventpoll::syscall::{Fcntl, Ioctl, Kcmp, PathKind};
use eventpoll::{Errno, Events, Fd, Opaque, Pid, Policy, Syscall};

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
fn a_file_in_flight_keeps_its_registration() {
    let mut w = World::new();
    let (ep, e) = (w.epoll(), w.eventfd(1));
    let [a, b] = w.socketpair();
    w.add(ep, e, IN).unwrap();
    w.send_fd(a, e);
    w.close(e);
    assert_eq!(w.reported(ep), [e]);
    // No room for the descriptor: it is dropped.
    assert_eq!(w.receive_fd(w.first, b, 0), None);
    assert_eq!(w.reported(ep), []);
}

#[test]
fn a_socket_in_its_own_queue_goes_when_next_a_socket_is_released() {
    let mut w = World::new();
    let (ep, e) = (w.epoll(), w.eventfd(1));
    let [a, b] = w.socketpair();
    w.add(ep, e, IN).unwrap();
    w.send_fd(a, b);
    w.send_fd(a, e);
    w.close(e);
    w.close(a);
    assert_eq!(w.registrations(), 1);
    w.close(b);
    assert_eq!(w.registrations(), 1, "nobody looks yet");
    let [c, _] = w.socketpair();
    w.close(c);
    assert_eq!(w.registrations(), 0);
}

#[test]
fn a_ring_keeps_its_files_and_their_registrations() {
    let mut w = World::new();
    let (ep, e) = (w.epoll(), w.eventfd(1));
    let ring = Fd(w.call(Syscall::IoUringSetup { entries: 8 }).unwrap() as i32);
    let files = vec![Fd(e), Fd(-1)];
    w.call(Syscall::IoUringRegisterFiles { ring, files })
        .unwrap();
    w.add(ep, e, IN).unwrap();
    w.close(e);
    assert_eq!(w.reported(ep), [e]);
    w.call(Syscall::IoUringUnregisterFiles { ring }).unwrap();
    assert_eq!(w.reported(ep), []);
    let files = vec![ring];
    assert_eq!(
        w.call(Syscall::IoUringRegisterFiles { ring, files }),
        Err(Errno::EBADF)
    );
}

#[test]
fn a_ring_that_goes_lets_go_of_its_files() {
    let mut w = World::new();
    let (ep, e) = (w.epoll(), w.eventfd(1));
    let ring = Fd(w.call(Syscall::IoUringSetup { entries: 8 }).unwrap() as i32);
    let files = vec![Fd(e)];
    w.call(Syscall::IoUringRegisterFiles { ring, files })
        .unwrap();
    w.add(ep, e, IN).unwrap();
    w.close(e);
    assert_eq!(w.registrations(), 1);
    // In Linux a worker does it, soon after (io_ring_exit_work).
    w.close(ring.0);
    assert_eq!(w.registrations(), 0);
    assert_eq!(w.reported(ep), []);
}

#[test]
fn a_call_under_way_keeps_its_instance() {
    let mut w = World::new();
    let (ep, e) = (w.epoll(), w.eventfd(0));
    w.add(ep, e, IN).unwrap();
    let thread = w.thread();
    w.blocks(thread, crate::world::wait(ep, 1, -1));
    w.close(ep);
    w.write(e, 8).unwrap();
    assert_eq!(w.ended(), [(thread, Ok(1))]);
    assert_eq!(w.registrations(), 0);
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

#[test]
fn a_thread_pidfd_is_told_of_its_threads_end_alone() {
    let mut w = World::new();
    let ep = w.epoll();
    let thread = w.thread();
    let pid = w.kernel.pid_of(thread);
    let pidfd = w.call(Syscall::PidfdOpen { pid, flags: 0o200 }).unwrap() as i32;
    assert_eq!(w.fcntl(pidfd, Fcntl::GetFl), Ok(0o202));
    w.add(ep, pidfd, IN).unwrap();
    assert_eq!(w.reported(ep), []);
    w.call_by(thread, Syscall::Exit { status: 0 }).unwrap();
    assert_eq!(w.wait(ep), [(pidfd, IN | Events::HUP)]);
    let getfd = Syscall::PidfdGetfd {
        pidfd: Fd(pidfd),
        target: Fd(ep),
        flags: 0,
    };
    assert_eq!(w.call(getfd), Err(Errno::ESRCH));
    w.thread();
    assert_eq!(w.reported(ep), [pidfd], "a new thread is not the old one");
}

#[test]
fn a_zombie_can_be_named_and_nothing_be_taken_from_it() {
    let mut w = World::new();
    let child = w.fork();
    w.exit(child);
    let pid = Pid(101);
    assert_eq!(w.call(Syscall::Kill { pid, signal: 15 }), Ok(0));
    let pidfd = Fd(w.call(Syscall::PidfdOpen { pid, flags: 0 }).unwrap() as i32);
    let getfd = Syscall::PidfdGetfd {
        pidfd,
        target: Fd(0),
        flags: 0,
    };
    assert_eq!(w.call(getfd), Err(Errno::ESRCH));
    let what = Kcmp::File {
        fd1: Fd(0),
        fd2: Fd(0),
    };
    assert_eq!(
        w.call(Syscall::Kcmp {
            pid1: Pid(100),
            pid2: pid,
            what
        }),
        Err(Errno::EBADF)
    );
    assert_eq!(w.call(Syscall::Wait4 { pid, options: 0 }), Ok(101));
    assert_eq!(w.call(Syscall::Kill { pid, signal: 15 }), Err(Errno::ESRCH));
}

#[test]
fn a_parent_killed_in_vfork_leaves_its_child_alone() {
    let mut w = World::new();
    let parent = w.fork();
    w.blocks(parent, Syscall::Vfork);
    w.call(Syscall::Kill {
        pid: Pid(101),
        signal: 15,
    })
    .unwrap();
    assert!(w.kernel.task(parent).is_none());
    let child = w.kernel.tid(Pid(102)).unwrap();
    let successor = w.fork();
    w.call_by(child, Syscall::Execve).unwrap();
    assert!(!w.kernel.is_blocked(successor));
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

#[test]
fn a_held_file_is_a_file_in_flight_for_all_the_model_knows() {
    let mut w = World::new();
    let (ep, e) = (w.epoll(), w.eventfd(1));
    w.add(ep, e, IN).unwrap();
    let file = w.kernel.fd(w.first, Fd(e)).unwrap();
    w.kernel.hold(file);
    w.close(e);
    w.kernel.check_invariants().unwrap();
    assert_eq!(w.reported(ep), [e]);
    w.kernel.unhold(file);
    assert_eq!(w.registrations(), 0);
    w.kernel.assume_fd(w.first, Fd(7), Opaque::Socket);
    w.kernel.check_invariants().unwrap();
}

#[test]
fn a_buffer_polled_with_a_fence_pending_lives_until_the_fence_is_signalled() {
    let mut w = World::new();
    let ep = w.epoll();
    let device = Fd(w
        .call(Syscall::Open {
            path: PathKind::Device,
            flags: 2,
        })
        .unwrap() as i32);
    let buffer = w
        .call(Syscall::Ioctl {
            fd: device,
            request: Ioctl::ExportBuffer,
        })
        .unwrap() as i32;
    w.call(Syscall::Ioctl {
        fd: device,
        request: Ioctl::AddFence,
    })
    .unwrap();
    w.add(ep, buffer, OUT | ET).unwrap();
    w.close(buffer);
    assert_eq!(w.registrations(), 1, "the callback holds it");
    w.call(Syscall::Ioctl {
        fd: device,
        request: Ioctl::SignalFence,
    })
    .unwrap();
    assert_eq!(w.registrations(), 0);
}
