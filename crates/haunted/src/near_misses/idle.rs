//! Nobody but the parent waits, and all the same it is no ghost for sure, or does no harm.

use std::thread;
use std::time::Duration;

use super::scene::Scene;
use crate::child::{Child, Turn, stay};
use crate::showing::{Fault, show};
use crate::sys;

/// Long enough for a file to be younger than its process by more than clocks are apart.
const LATER: Duration = Duration::from_millis(100);

pub(super) fn has_a_ring() -> Result<(), Fault> {
    let scene = Scene::new()?;
    let child = Child::fork(|turn| {
        // Where there are none, it is stopped: that is not known either.
        if sys::io_uring().is_err() {
            turn.give()?;
            sys::signal_self(sys::SIGSTOP)?;
            return stay(turn);
        }
        turn.give()?;
        stay(turn)
    })?;
    child.turn().take()?;
    scene.leave_ready()?;
    scene.go_on(|| scene.spin())?;
    sys::signal(child.pid(), sys::SIGCONT)?;
    child.end()
}

pub(super) fn added_by_child() -> Result<(), Fault> {
    let mut scene = Scene::new()?;
    sys::epoll_del(scene.e, scene.r)?;
    let child = Child::fork(|turn| {
        let own = sys::eventfd(sys::EFD_CLOEXEC | sys::EFD_NONBLOCK)?;
        show("its number", own, scene.w + 1)?;
        sys::epoll_add(scene.e, own, sys::IN)?;
        sys::write(own, &1_u64.to_ne_bytes())?;
        turn.give()?;
        stay(turn)
    })?;
    child.turn().take()?;
    scene.r = scene.w + 1;
    scene.go_on(|| scene.spin())?;
    child.end()
}

pub(super) fn added_in_a_gap() -> Result<(), Fault> {
    let mut scene = Scene::new()?;
    let (gap, above) = (scene.r, scene.w);
    sys::epoll_del(scene.e, gap)?;
    // Neither end is open any more, and a number above the gap is.
    sys::close(gap)?;
    let filler = sys::eventfd(sys::EFD_CLOEXEC)?;
    show("the number above", sys::dup2(filler, above), Ok(above))?;
    sys::close(filler)?;
    let child = Child::fork(|turn| {
        thread::sleep(LATER);
        let [own, own_w] = sys::pipe2(sys::O_CLOEXEC)?;
        show("its number", own, gap)?;
        sys::epoll_add(scene.e, own, sys::IN)?;
        sys::write(own_w, b"x")?;
        turn.give()?;
        stay(turn)
    })?;
    child.turn().take()?;
    scene.r = gap;
    scene.go_on(|| scene.spin())?;
    child.end()
}

/// The number of the file that is handed over, on both sides; the instance's is another.
const HANDED: i32 = 20;

pub(super) fn handed_over() -> Result<(), Fault> {
    sys::close_range(3, i32::MAX)?;
    let [near, far] = sys::socketpair()?;
    let child = Child::fork(|turn| {
        let e = sys::receive_file(far)?;
        sys::dup_from(e, HANDED + 10)?;
        sys::close(e)?;
        let file = sys::receive_file(far)?;
        sys::dup2(file, HANDED)?;
        sys::close(file)?;
        turn.give()?;
        stay(turn)
    })?;
    let e = sys::epoll_create1(sys::EPOLL_CLOEXEC)?;
    let [r, w] = sys::pipe2(sys::O_CLOEXEC)?;
    show("dup2", sys::dup2(r, HANDED), Ok(HANDED))?;
    sys::close(r)?;
    sys::epoll_add(e, HANDED, sys::IN)?;
    sys::send_file(near, e)?;
    sys::send_file(near, HANDED)?;
    child.turn().take()?;
    let scene = Scene { e, r: HANDED, w };
    scene.leave_ready()?;
    scene.go_on(|| scene.spin())?;
    child.end()
}

/// The parent has its file, and a child after the other that has not.
pub(super) fn before_exec() -> Result<(), Fault> {
    let scene = Scene::new()?;
    show("the write", sys::write(scene.w, b"x"), Ok(1))?;
    scene.go_on(|| {
        let child = Child::fork(|turn| {
            sys::close(scene.r)?;
            thread::sleep(Duration::from_millis(5));
            turn.exec_bystander(&[])
        })?;
        scene.spin()?;
        child.turn().take()?;
        child.end()
    })
}

pub(super) fn edge_triggered() -> Result<(), Fault> {
    let scene = Scene::with(sys::IN | sys::ET)?;
    beside(&scene, |scene| {
        scene.leave_ready()?;
        scene.go_on(|| scene.spin())
    })
}

pub(super) fn not_ready() -> Result<(), Fault> {
    beside(&Scene::new()?, |scene| {
        sys::close(scene.r)?;
        scene.go_on(|| scene.spin())
    })
}

/// It waits once a round, and is told; the rest of its time it has other things to do.
pub(super) fn parent_computes() -> Result<(), Fault> {
    beside(&Scene::new()?, |scene| {
        scene.leave_ready()?;
        let mut sum = 0_u64;
        scene.go_on(|| {
            for number in 0..20_000_000_u64 {
                sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(number));
            }
            show("what is told", sys::epoll_wait(scene.e, 0)?, vec![scene.r])
        })
    })
}

/// With a child that has everything and does nothing.
fn beside(scene: &Scene, part_fn: impl FnOnce(&Scene) -> Result<(), Fault>) -> Result<(), Fault> {
    let child = Child::fork(|turn: &Turn| {
        turn.give()?;
        stay(turn)
    })?;
    child.turn().take()?;
    part_fn(scene)?;
    child.end()
}
