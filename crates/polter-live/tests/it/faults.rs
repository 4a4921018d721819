//! What is not for scripts, or not there.

use crate::world::{World, epoll, kill};
use eventpoll::syscall::{Ioctl, PathKind};
use eventpoll::{Fd, Pid, Syscall};
use polter_live::ExecutorError;

#[track_caller]
fn check_not_available(call: &Syscall) {
    let mut world = World::new();
    let refused = world.0.call(Pid(100), call, None);
    assert!(
        matches!(refused, Err(ExecutorError::NotAvailable(_))),
        "{refused:?}"
    );
    assert_eq!(world.ok(100, &epoll()), 3);
}

#[test]
fn the_modelled_device_is_not_there() {
    check_not_available(&Syscall::Open {
        path: PathKind::Device,
        flags: 0,
    });
    check_not_available(&Syscall::Ioctl {
        fd: Fd(0),
        request: Ioctl::AddFence,
    });
}

#[test]
fn nobody_kills_more_than_one_process() {
    check_not_available(&kill(-1, 9));
    check_not_available(&kill(0, 9));
}
