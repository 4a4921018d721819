//! Ends of processes and threads: what a pidfd, a zombie and a vfork show of them.

use crate::world::{IN, World};
use eventpoll::syscall::{Fcntl, Kcmp};
use eventpoll::{Errno, Events, Fd, Pid, Syscall};

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
