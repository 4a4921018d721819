//! Known ghosts are removed together, and what is live stays.

use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::time::Instant;

use rustix::event::{EventfdFlags, epoll, eventfd};

use super::*;
use crate::proc::Proc;

/// Far from the fds that other tests get.
const FAR_FD: i32 = 400;

#[test]
fn ghosts_are_removed_together_and_live_registrations_stay() {
    let (own, instance) = (std::process::id(), new_instance());
    let (ghosts, files): (Vec<KnownGhost>, Vec<OwnedFd>) = (0..200)
        .map(|at| {
            let file = registered(&instance, FAR_FD + at % 2);
            // The first of them is another file, and the second one is not open.
            let held_by = vec![
                (own, instance.as_raw_fd()),
                (own, 9999),
                (own, file.as_raw_fd()),
            ];
            (ghost(own, FAR_FD + at % 2, &instance, held_by), file)
        })
        .unzip();
    let live = registered(&instance, FAR_FD + 2);
    let numbered = sys::dup_to(live.as_fd(), FAR_FD + 2).unwrap();
    let of_live = ghost(own, FAR_FD + 2, &instance, vec![(own, live.as_raw_fd())]);
    let done = outcomes(ghosts.into_iter().chain([of_live]).collect());
    if done.iter().any(|it| it.outcome.is_kept()) {
        // A sandbox forbids it.
        return;
    }
    let count = |outcome| done.iter().filter(|it| it.outcome == outcome).count();
    assert_eq!((count(Outcome::Removed), count(Outcome::Live)), (200, 1));
    assert_eq!(registrations(&instance), [FAR_FD + 2]);
    drop((files, numbered));
}

#[test]
fn a_registration_of_another_maker_is_no_ghost() {
    let (own, instance) = (std::process::id(), new_instance());
    let file = registered(&instance, FAR_FD + 4);
    let numbered = sys::dup_to(file.as_fd(), FAR_FD + 4).unwrap();
    let mut other = std::process::Command::new("sleep")
        .arg("60")
        .spawn()
        .unwrap();
    let held_by = vec![(own, file.as_raw_fd())];
    let known = ghost(other.id(), FAR_FD + 4, &instance, held_by);
    let with_us = KnownGhost {
        others: vec![own],
        ..known.clone()
    };
    let first = outcomes(vec![with_us]).remove(0).outcome;
    let left = registrations(&instance);
    let second = outcomes(vec![known]).remove(0).outcome;
    other.kill().unwrap();
    other.wait().unwrap();
    if !first.is_kept() {
        assert_eq!((first, left), (Outcome::Live, vec![FAR_FD + 4]));
        // It is the other maker alone that keeps it.
        assert_eq!(second, Outcome::Removed);
    }
    drop(numbered);
}

#[test]
fn a_one_shot_and_what_nobody_has_any_more() {
    let (own, instance) = (std::process::id(), new_instance());
    let file = registered(&instance, FAR_FD + 6);
    let mut one_shot = ghost(own, FAR_FD + 6, &instance, vec![(own, file.as_raw_fd())]);
    one_shot.events |= libc::EPOLLONESHOT.cast_unsigned();
    let gone = ghost(own, FAR_FD + 7, &instance, vec![(own, 9999)]);
    let done = outcomes(vec![one_shot, gone]);
    if done.iter().any(|it| it.outcome.is_kept()) {
        return;
    }
    let outcome_of = |fd| &done.iter().find(|it| it.ghost.fd == fd).unwrap().outcome;
    assert_eq!(outcome_of(FAR_FD + 6), &Outcome::Removed);
    assert_eq!(outcome_of(FAR_FD + 7), &Outcome::Gone);
    assert!(registrations(&instance).is_empty());
}

/// Has them removed, and waits for what comes of it.
fn outcomes(ghosts: Vec<KnownGhost>) -> Vec<Removal> {
    let remover = Remover::start(true).unwrap();
    let (count, queue, start) = (ghosts.len(), remover.queue(), Instant::now());
    ghosts.into_iter().for_each(|ghost| queue.remove(ghost));
    let mut done = Vec::new();
    while done.len() < count && start.elapsed() < Duration::from_secs(20) {
        done.extend(remover.done());
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!((done.len(), remover.under_way()), (count, 0));
    done
}

fn ghost(maker: u32, fd: i32, instance: &OwnedFd, held_by: Vec<(u32, i32)>) -> KnownGhost {
    KnownGhost {
        maker,
        others: Vec::new(),
        fd,
        events: 1,
        data: 0xfeed,
        instance: vec![(std::process::id(), instance.as_raw_fd())],
        held_by,
        made: monotonic(),
    }
}

fn new_instance() -> OwnedFd {
    epoll::create(epoll::CreateFlags::CLOEXEC).unwrap()
}

/// A file that is registered under an fd, which is closed again.
fn registered(instance: &OwnedFd, fd: i32) -> OwnedFd {
    let file = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
    let numbered = sys::dup_to(file.as_fd(), fd).unwrap();
    let data = epoll::EventData::new_u64(0xfeed);
    epoll::add(instance, &numbered, data, epoll::EventFlags::IN).unwrap();
    file
}

fn registrations(instance: &OwnedFd) -> Vec<i32> {
    let info = Proc::live().fdinfo(std::process::id(), instance.as_raw_fd());
    info.unwrap().rows.iter().map(|row| row.tfd).collect()
}
