//! What holds a file when no table names it: a message, a ring, a call under way, a fence.

use crate::world::{ET, IN, OUT, World};
use eventpoll::syscall::{Ioctl, PathKind};
use eventpoll::{Errno, Fd, Opaque, Syscall};

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
