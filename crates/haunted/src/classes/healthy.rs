//! The same calls made properly.
//!
//! DEL before every close, CLOEXEC on every fd, a child that closes its copies and execs, a
//! worker with an instance of its own, batches handled to their end. Nothing to find.

use std::os::fd::RawFd;
use std::thread;

use crate::child::Child;
use crate::showing::{Fault, Linger, show};
use crate::sys;

pub(super) fn run(linger: &Linger) -> Result<(), Fault> {
    let e = sys::epoll_create1(sys::EPOLL_CLOEXEC)?;
    numbers_come_back(e)?;
    a_dup_is_removed_before_it_is_closed(e)?;
    a_batch_is_handled_before_its_files_are_closed(e)?;
    a_file_is_removed_before_it_is_sent(e)?;
    a_signal_is_taken_by_the_process_that_registered_it(e)?;
    a_waiter_is_told_before_its_file_goes(e)?;
    a_child_closes_its_copies_and_execs(e)?;
    a_worker_has_its_own_instance(e)?;
    linger.linger();
    sys::close(e)?;
    Ok(())
}

fn numbers_come_back(e: RawFd) -> Result<(), Fault> {
    for _ in 0..2 {
        let [r, w] = sys::pipe2(sys::O_CLOEXEC)?;
        sys::epoll_add(e, r, sys::IN)?;
        sys::epoll_mod(e, r, sys::IN | sys::ET)?;
        hear(e, r, w)?;
        close_all(e, r, w)?;
    }
    Ok(())
}

fn a_dup_is_removed_before_it_is_closed(e: RawFd) -> Result<(), Fault> {
    let [r, w] = sys::pipe2(sys::O_CLOEXEC)?;
    let d = sys::dup_from(r, 0)?;
    sys::epoll_add(e, d, sys::IN)?;
    hear(e, d, w)?;
    close_all(e, d, w)?;
    sys::close(r)?;
    Ok(())
}

fn a_batch_is_handled_before_its_files_are_closed(e: RawFd) -> Result<(), Fault> {
    let pipes = [sys::pipe2(sys::O_CLOEXEC)?, sys::pipe2(sys::O_CLOEXEC)?];
    for [r, w] in pipes {
        sys::epoll_add(e, r, sys::IN)?;
        sys::write(w, b"x")?;
    }
    for r in sys::epoll_wait(e, 0)? {
        show("a read", sys::read(r), Ok(1))?;
    }
    show("the next batch", sys::epoll_wait(e, 0)?, vec![])?;
    pipes.into_iter().try_for_each(|[r, w]| close_all(e, r, w))
}

fn a_file_is_removed_before_it_is_sent(e: RawFd) -> Result<(), Fault> {
    let [near, far] = sys::socketpair()?;
    let [r, w] = sys::pipe2(sys::O_CLOEXEC)?;
    sys::epoll_add(e, r, sys::IN)?;
    sys::epoll_del(e, r)?;
    sys::send_file(near, r)?;
    sys::close(r)?;
    let received = sys::receive_file(far)?;
    sys::epoll_add(e, received, sys::IN)?;
    hear(e, received, w)?;
    close_all(e, received, w)?;
    sys::close(near)?;
    sys::close(far)?;
    Ok(())
}

fn a_signal_is_taken_by_the_process_that_registered_it(e: RawFd) -> Result<(), Fault> {
    sys::block(sys::SIGUSR1)?;
    let s = sys::signalfd(sys::SIGUSR1, sys::SFD_CLOEXEC | sys::SFD_NONBLOCK)?;
    sys::epoll_add(e, s, sys::IN)?;
    sys::signal_self(sys::SIGUSR1)?;
    show("the wait for a signal", sys::epoll_wait(e, 0)?, vec![s])?;
    sys::read(s)?;
    sys::epoll_del(e, s)?;
    sys::close(s)?;
    Ok(())
}

fn a_waiter_is_told_before_its_file_goes(e: RawFd) -> Result<(), Fault> {
    let bell = sys::eventfd(sys::EFD_CLOEXEC | sys::EFD_NONBLOCK)?;
    sys::epoll_add(e, bell, sys::IN)?;
    let waiter = thread::spawn(move || sys::epoll_wait(e, -1));
    sys::write(bell, &1_u64.to_ne_bytes())?;
    let reported = waiter
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
    show("the waiter's wait", reported, vec![bell])?;
    sys::epoll_del(e, bell)?;
    sys::close(bell)?;
    Ok(())
}

fn a_child_closes_its_copies_and_execs(e: RawFd) -> Result<(), Fault> {
    let [r, w] = sys::pipe2(sys::O_CLOEXEC)?;
    sys::epoll_add(e, r, sys::IN)?;
    let child = Child::fork(|turn| {
        sys::close(e)?;
        sys::close(r)?;
        sys::close(w)?;
        turn.exec_bystander(&[])
    })?;
    child.turn().take()?;
    hear(e, r, w)?;
    child.end()?;
    close_all(e, r, w)
}

fn a_worker_has_its_own_instance(e: RawFd) -> Result<(), Fault> {
    let listener = sys::listener()?;
    let worker = Child::fork(|turn| {
        sys::close(e)?;
        let own = sys::epoll_create1(sys::EPOLL_CLOEXEC)?;
        sys::epoll_add(own, listener, sys::IN)?;
        turn.pass()?;
        show(
            "the worker's wait",
            sys::epoll_wait(own, 0)?,
            vec![listener],
        )?;
        sys::epoll_del(own, listener)?;
        sys::close(listener)?;
        sys::close(own)?;
        Ok(())
    })?;
    worker.turn().take()?;
    let peer = sys::connect_to(listener)?;
    worker.turn().give()?;
    worker.end()?;
    sys::close(peer)?;
    sys::close(listener)?;
    Ok(())
}

/// Writes to `w`, is told of `r`, and reads it empty.
fn hear(e: RawFd, r: RawFd, w: RawFd) -> Result<(), Fault> {
    sys::write(w, b"x")?;
    show("the wait", sys::epoll_wait(e, 0)?, vec![r])?;
    show("the read", sys::read(r), Ok(1))
}

fn close_all(e: RawFd, r: RawFd, w: RawFd) -> Result<(), Fault> {
    sys::epoll_del(e, r)?;
    sys::close(r)?;
    sys::close(w)?;
    Ok(())
}
