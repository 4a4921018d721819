//! What makes a process spin, by the state of its files at every look: nobody has counted its calls.

use polter_scan::Sureness;

use super::case::{Case, Registered};
use super::counted::computes;
use super::unheeded::{What, unheeded};
use super::{Cause, CauseClass, accept};
use crate::facts::{Facts, FileFacts, ThreadFacts};

/// The kernel's least share of the time in a loop of calls.
const IN_KERNEL: f64 = 0.04;

/// Causes that are told of one process.
const MAX_CAUSES: usize = 8;

/// Bytes moved in the window from which on a process is at work.
const AT_WORK: u64 = 4096;

/// Finds what makes a process spin.
pub(super) fn spinning(case: &Case<'_>) -> Vec<Cause> {
    let facts = case.facts;
    let Some(busiest) = facts.busy().next() else {
        return Vec::new();
    };
    let in_kernel = busiest.in_kernel.map_or_else(String::new, |share| {
        format!(", {:.0} % of that in the kernel", share * 100.0)
    });
    let seen = format!(
        "thread {} never rests: it had a CPU or wanted one for {:.0} % of the time{in_kernel}",
        busiest.tid,
        busiest.busy * 100.0,
    );
    let makes_calls = facts
        .busy()
        .any(|it| it.in_kernel.is_none_or(|share| share >= IN_KERNEL));
    let mut causes = Vec::new();
    if makes_calls {
        causes.extend(ghosts(case, &seen));
        let untouched = facts.files.iter().filter(|it| it.is_untouched());
        causes.extend(untouched.filter_map(|file| of_file(case, file, &seen)));
        causes.truncate(MAX_CAUSES);
    }
    // Of a thread that hardly got a CPU nothing more can be told.
    if let Some(share) = busiest
        .in_kernel
        .filter(|_| causes.is_empty() && !is_at_work(facts))
    {
        causes.push(if share < IN_KERNEL {
            computes(case, busiest, None)
        } else {
            returns_at_once(case, busiest, seen)
        });
    }
    causes
}

/// True if somebody serves its files, or it reads and writes.
fn is_at_work(facts: &Facts) -> bool {
    facts.files_served > 0 || facts.bytes_moved.is_some_and(|it| it >= AT_WORK)
}

/// The ghosts of the process whose file is ready.
fn ghosts(case: &Case<'_>, seen: &str) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (instance, epfd) in case.instances() {
        for registration in &instance.registrations {
            let registered = Registered {
                instance,
                registration,
                epfd,
            };
            let is_ready = case
                .facts
                .ghosts_ready
                .contains(&(registration.fd, registration.occurrence));
            if let Some(ghost) = case.ghost(registered).filter(|_| is_ready) {
                let reasons = vec![seen.to_owned(), "its file is ready".to_owned()];
                causes.push(case.ghost_cause(ghost, epfd, reasons));
            }
        }
    }
    causes
}

/// A file that is ready at every look, if every wait reports it.
fn of_file(case: &Case<'_>, file: &FileFacts, seen: &str) -> Option<Cause> {
    let is_reported =
        |it: &Registered<'_>| it.registration.is_reported_always() && case.ghost(*it).is_none();
    let registered = case.registered(file.fd).find(is_reported)?;
    // Hang-ups and errors are reported unasked; EPOLLRDHUP only if it is asked for.
    let unasked = (libc::EPOLLHUP | libc::EPOLLERR).cast_unsigned();
    let events = u32::from(file.always) & (registered.registration.events | unasked);
    if events & 0x7fff == 0 {
        return None;
    }
    if file.is_listener {
        return listener(case, registered, file, seen);
    }
    let is_at_end = file.was_always(libc::POLLRDHUP) && file.unread == Some(0);
    let what = What::of(events, is_at_end);
    let mut reasons = vec![
        format!(
            "{} was ready at each of {} looks, and nothing about it changed",
            file.fd, file.looks
        ),
        seen.to_owned(),
    ];
    if let Some(unread) = file.unread.filter(|it| *it > 0) {
        reasons.push(format!("{unread} bytes wait in it"));
    }
    Some(unheeded(case, registered, what, Sureness::Likely, reasons))
}

/// A busy server's listener is always ready, too: only one that cannot be accepted from is to blame.
fn listener(
    case: &Case<'_>,
    registered: Registered<'_>,
    file: &FileFacts,
    seen: &str,
) -> Option<Cause> {
    let facts = case.facts;
    let fd = file.fd;
    if facts.fds.is_reached() {
        let reasons = vec![
            format!("{fd} was ready at each of {} looks", file.looks),
            seen.to_owned(),
        ];
        let epfd = Some(registered.epfd);
        return Some(accept::at_limit(
            case,
            fd,
            epfd,
            libc::EMFILE,
            Sureness::Likely,
            reasons,
        ));
    }
    (!is_at_work(facts)).then(|| {
        let reasons = vec![
            format!(
                "{fd} was ready at each of {} looks, and its queue did not change",
                file.looks
            ),
            seen.to_owned(),
        ];
        unheeded(case, registered, What::Input, Sureness::Likely, reasons)
    })
}

/// A loop of calls that return at once, and nothing is ready: most likely a wait with a timeout of zero.
fn returns_at_once(case: &Case<'_>, thread: &ThreadFacts, seen: String) -> Cause {
    let instance = case.instances().map(|(_, fd)| fd).next();
    Cause {
        class: CauseClass::ZeroTimeout,
        sureness: Sureness::Open,
        fd: None,
        instance,
        summary: format!(
            "Thread {} makes calls that return at once, and none of its files has anything to report: a wait with a timeout of 0, or a call that is none of epoll's. Which one was not counted.",
            thread.tid
        ),
        reasons: vec![seen, "no file that can be waited for was ready at every look, and none was served".to_owned()],
        fix: "find what keeps the loop from waiting: a task or timer that is always due, or a timeout that is rounded down to 0".to_owned(),
        now: Some(format!("as root: polter why {}", case.facts.pid)),
    }
}
