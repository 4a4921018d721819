//! Listeners: one that cannot be accepted from, and one for which too many are woken.

use polter_scan::Sureness;

use super::case::Case;
use super::{Cause, CauseClass};
use crate::calls::{Effect, effect_of};
use crate::facts::{CallCounts, Counted};

/// Accepts a second that find nothing, from which on a herd is told of.
const IN_VAIN: u64 = 50;

/// What a row of accepts says of its listener.
pub(super) fn counted(case: &Case<'_>, calls: &CallCounts, row: &Counted) -> Option<Cause> {
    if effect_of(row.number) != Effect::Accepts {
        return None;
    }
    let epfd = case.registered(row.fd).next().map(|it| it.epfd);
    let errno = row.error.cast_signed();
    let is_limit = [libc::EMFILE, libc::ENFILE].contains(&errno);
    if is_limit && row.failed >= 10 && row.failed * 2 >= row.count {
        let failed = format!(
            "accept on {} failed {} times a second for want of an fd",
            row.fd,
            case.a_second(row.failed)
        );
        return Some(at_limit(
            case,
            row.fd,
            epfd,
            errno,
            Sureness::Certain,
            vec![failed],
        ));
    }
    herd(case, calls, row, epfd)
}

/// A listener that is ready, and accept fails: with `EMFILE` for the process's limit, with `ENFILE` for the machine's.
pub(super) fn at_limit(
    case: &Case<'_>,
    fd: i32,
    epfd: Option<i32>,
    errno: i32,
    sureness: Sureness,
    mut reasons: Vec<String>,
) -> Cause {
    let fds = case.facts.fds;
    let (whose, raise, now) = match (errno, fds.limit) {
        (libc::ENFILE, _) => (
            "the machine",
            "fs.file-max",
            Some("sysctl fs.file-nr fs.file-max".to_owned()),
        ),
        (_, limit) => {
            let doubled = limit.map(|it| it.saturating_mul(2));
            let line = |it| format!("prlimit --pid {} --nofile={it}", case.facts.pid);
            ("the process", "RLIMIT_NOFILE", doubled.map(line))
        }
    };
    let limit = fds
        .limit
        .map_or_else(String::new, |it| format!(", and {it} is the limit"));
    reasons.push(format!("{} fds are open{limit}", fds.open));
    Cause {
        class: CauseClass::AcceptLimit,
        sureness,
        fd: Some(fd),
        instance: epfd,
        summary: format!(
            "Listener {fd} has connections, and accept cannot take them: {whose} may open no further fd. Every wait reports {fd} again."
        ),
        reasons,
        fix: format!(
            "raise {raise}, find who does not close, and take {fd} out of the instance while accept returns EMFILE"
        ),
        now,
    }
}

/// Several are woken for one connection: most accepts of this row found none, and others accept from the listener too.
fn herd(case: &Case<'_>, calls: &CallCounts, row: &Counted, epfd: Option<i32>) -> Option<Cause> {
    let fd = row.fd;
    let accepted = row.succeeded() + row.zero;
    if case.a_second(row.again) < IN_VAIN || row.again < accepted * 2 {
        return None;
    }
    let is_other = |it: &Counted| {
        let is_own = (it.pid, it.tid) == (row.pid, row.tid);
        !is_own && it.fd == fd && effect_of(it.number) == Effect::Accepts
    };
    let is_shared = case
        .facts
        .file(fd)
        .is_some_and(|file| !file.shared_with.is_empty());
    let exclusive = libc::EPOLLEXCLUSIVE.cast_unsigned();
    let mut registered = case.registered(fd);
    let is_exclusive = registered.any(|it| it.registration.events & exclusive != 0);
    let is_herd = !is_exclusive && (is_shared || calls.calls.iter().any(is_other));
    is_herd.then(|| Cause {
        class: CauseClass::Herd,
        sureness: Sureness::Certain,
        fd: Some(fd),
        instance: epfd,
        summary: format!(
            "Several are woken for each connection at listener {fd}, and all but one in vain."
        ),
        reasons: vec![format!(
            "accept on {fd} returned EAGAIN {} times a second and a connection {} times a second: {} % in vain",
            case.a_second(row.again),
            case.a_second(accepted),
            100 * row.again / row.count.max(1)
        )],
        fix: format!(
            "register {fd} with EPOLLEXCLUSIVE, or give each worker a listener of its own with SO_REUSEPORT"
        ),
        now: None,
    })
}
