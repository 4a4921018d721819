//! Input that waits, and why nobody is told of it.

use polter_scan::{Instance, Kind, Sureness};

use super::case::{Case, Registered};
use super::unheeded::{capital, ends};
use super::{Cause, CauseClass};
use crate::facts::{Activity, FileFacts, ThreadFacts};
use polter_class::Class;

/// Causes that are told of one process.
const MAX_CAUSES: usize = 8;

/// Finds input that waits in a process that sleeps, and why it sleeps on.
pub(crate) fn deaf(case: &Case<'_>) -> Vec<Cause> {
    let mut causes: Vec<Cause> = case
        .facts
        .threads
        .iter()
        .filter_map(|it| closed(case, it))
        .collect();
    causes.extend(signalfds(case));
    // A thread that could not be looked at may wait for any of them.
    if !case.facts.knows_all_threads() {
        return causes;
    }
    let holds_back = case
        .facts
        .files
        .iter()
        .any(|it| it.unsent.is_some_and(|unsent| unsent > 0));
    let waiting = case.facts.files.iter().filter(|it| has_input(it));
    for file in waiting {
        if causes.len() >= MAX_CAUSES {
            break;
        }
        if case.facts.threads.iter().any(|it| it.attends(file.fd)) {
            continue;
        }
        causes.extend(of_file(case, file, holds_back).map(|cause| doubt_ring(case, cause)));
    }
    causes
}

/// An io_uring may wait for what no thread waits for.
fn doubt_ring(case: &Case<'_>, mut cause: Cause) -> Cause {
    if case.facts.has_ring {
        cause.sureness = Sureness::Open;
        cause
            .reasons
            .push("the process has an io_uring, and what that waits for is not seen".to_owned());
    }
    cause
}

/// A file in which something waits that nobody took during the whole window.
///
/// An eventfd that is never read is how some runtimes wake each other by edges, and so is no sign of a fault.
fn has_input(file: &FileFacts) -> bool {
    let counts = file.unread.is_some_and(|it| it > 0) || file.is_listener;
    matches!(file.kind, Kind::Socket | Kind::Pipe)
        && file.is_untouched()
        && file.was_always(libc::POLLIN)
        && counts
}

fn of_file(case: &Case<'_>, file: &FileFacts, holds_back: bool) -> Option<Cause> {
    let registered: Vec<Registered<'_>> = case.registered(file.fd).collect();
    let mut reasons = vec![match (file.backlog, file.unread) {
        (Some(backlog), _) => format!(
            "{} connections wait at {}, of {} that it holds",
            backlog.queued, file.fd, backlog.limit
        ),
        (None, Some(unread)) => format!(
            "{unread} bytes wait in {}, and nobody took one at any of {} looks",
            file.fd, file.looks
        ),
        (None, None) => format!(
            "{} has had something to take at each of {} looks",
            file.fd, file.looks
        ),
    }];
    reasons.extend(ends(file));
    let Some(first) = registered.first().copied() else {
        // Somebody else may serve it: a worker, or the program that it was made for.
        return (file.kind == Kind::Socket && file.shared_with.is_empty())
            .then(|| unregistered(case, file, reasons, holds_back));
    };
    let input = (libc::EPOLLIN | libc::EPOLLRDNORM | libc::EPOLLPRI).cast_unsigned();
    let edge = libc::EPOLLET.cast_unsigned();
    let one_shot = libc::EPOLLONESHOT.cast_unsigned();
    let is_spent = |it: &Registered<'_>| {
        it.registration.events & one_shot != 0 && it.registration.events & 0x7fff == 0
    };
    let thief = registered.iter().find_map(|it| thief(case, it.instance));
    let spent = registered.iter().find(|it| is_spent(it)).copied();
    let edged = registered.iter().find(|it| {
        let events = it.registration.events;
        events & edge != 0 && events & input != 0 && waiter(case, it.instance).is_some()
    });
    if let Some(it) = spent.or(edged.copied()) {
        if let Some(thief) = thief {
            return Some(stolen(file, it, thief, reasons));
        }
        return Some(if spent.is_some() {
            disarmed(file, it, reasons)
        } else {
            consumed(case, file, it, reasons)
        });
    }
    if registered
        .iter()
        .all(|it| it.registration.events & input == 0)
    {
        return Some(masked(file, first, reasons, holds_back));
    }
    let unattended = registered
        .iter()
        .all(|it| waiter(case, it.instance).is_none() && !is_nested(case, it.epfd));
    unattended.then(|| unattended_instance(case, file, first, reasons))
}

fn cause(
    class: CauseClass,
    file: &FileFacts,
    it: Option<Registered<'_>>,
    summary: String,
    reasons: Vec<String>,
    fix: String,
) -> Cause {
    Cause {
        class,
        sureness: Sureness::Likely,
        fd: Some(file.fd),
        instance: it.map(|it| it.epfd),
        summary,
        reasons,
        fix,
        now: None,
    }
}

fn unregistered(
    case: &Case<'_>,
    file: &FileFacts,
    mut reasons: Vec<String>,
    holds_back: bool,
) -> Cause {
    let fd = file.fd;
    let instances: Vec<(&Instance, i32)> = case.instances().collect();
    let sharers: Vec<u32> = instances
        .iter()
        .flat_map(|(it, _)| case.sharers(it))
        .collect();
    if let Some(sharer) = sharers.first() {
        reasons.push(format!(
            "process {sharer} shares an instance with this one: its EPOLL_CTL_DEL takes registrations from both"
        ));
    }
    let of_whom = match instances.first() {
        Some((_, epfd)) if instances.len() == 1 => {
            format!("It is in no instance ({epfd} is the only one)")
        }
        Some(_) => "It is in none of the process's instances".to_owned(),
        None => "The process has no instance".to_owned(),
    };
    let summary = format!(
        "{} {fd} has input, and nobody waits for it. {of_whom}, and no thread reads or polls it.",
        capital(file.noun())
    );
    let fix = format!(
        "EPOLL_CTL_ADD {fd} as soon as it is accepted; if the program holds input back on purpose, this is how that looks"
    );
    Cause {
        sureness: doubted(holds_back),
        ..cause(CauseClass::Unregistered, file, None, summary, reasons, fix)
    }
}

/// Unsent output elsewhere may be why a program takes no input: a proxy waits for its slow side.
fn doubted(holds_back: bool) -> Sureness {
    if holds_back {
        Sureness::Open
    } else {
        Sureness::Likely
    }
}

fn masked(file: &FileFacts, it: Registered<'_>, reasons: Vec<String>, holds_back: bool) -> Cause {
    let fd = file.fd;
    let events = it.registration.events;
    let summary = format!(
        "{} {fd} has input, and its registration in instance {} does not wait for any: its events are {events:#x}, without EPOLLIN.",
        capital(file.noun()),
        it.epfd
    );
    let fix = format!(
        "EPOLL_CTL_MOD {fd} with EPOLLIN; if the program holds input back on purpose, this is how that looks"
    );
    Cause {
        sureness: doubted(holds_back),
        ..cause(CauseClass::Masked, file, Some(it), summary, reasons, fix)
    }
}

fn disarmed(file: &FileFacts, it: Registered<'_>, mut reasons: Vec<String>) -> Cause {
    let fd = file.fd;
    reasons.push(format!(
        "its events are {:#x}: what EPOLLONESHOT leaves when it has fired",
        it.registration.events
    ));
    let summary = format!(
        "{} {fd} has input, and its registration in instance {} is a one-shot that has fired and was not armed again.",
        capital(file.noun()),
        it.epfd
    );
    let fix = format!(
        "EPOLL_CTL_MOD {fd} with its events when the handler is done with it, on every path"
    );
    cause(CauseClass::Disarmed, file, Some(it), summary, reasons, fix)
}

fn consumed(
    case: &Case<'_>,
    file: &FileFacts,
    it: Registered<'_>,
    mut reasons: Vec<String>,
) -> Cause {
    let fd = file.fd;
    reasons.extend(waiter(case, it.instance).map(|(thread, call)| sleeps(thread, call)));
    let (taken, fix) = match file.is_listener {
        true => (
            "not every connection was accepted",
            format!("accept on {fd} until it returns EAGAIN"),
        ),
        false => (
            "not all of it was read",
            format!("read {fd} until it returns EAGAIN, or use level-triggered events"),
        ),
    };
    let summary = format!(
        "{} {fd} has input that was reported once: instance {} has it edge-triggered, {taken}, and nothing new has come.",
        capital(file.noun()),
        it.epfd
    );
    cause(
        CauseClass::EdgeConsumed,
        file,
        Some(it),
        summary,
        reasons,
        fix,
    )
}

fn stolen(file: &FileFacts, it: Registered<'_>, thief: u32, mut reasons: Vec<String>) -> Cause {
    let fd = file.fd;
    reasons.push(format!("process {thief} shares instance {} and waits on it: whoever is woken first takes the event", it.epfd));
    let summary = format!(
        "{} {fd} has input, and this process is not told: process {thief} shares instance {} and took the event.",
        capital(file.noun()),
        it.epfd
    );
    let fix =
        "create a new instance after fork, or close the inherited one in the child before it waits"
            .to_owned();
    cause(
        CauseClass::EventTheft,
        file,
        Some(it),
        summary,
        reasons,
        fix,
    )
}

fn unattended_instance(
    case: &Case<'_>,
    file: &FileFacts,
    it: Registered<'_>,
    mut reasons: Vec<String>,
) -> Cause {
    let fd = file.fd;
    let busiest = case
        .facts
        .threads
        .iter()
        .filter(|it| !it.activities.is_empty());
    reasons.extend(
        busiest
            .take(3)
            .filter_map(|thread| Some(sleeps(thread, thread.activities.first()?))),
    );
    let summary = format!(
        "{} {fd} has input and is registered in instance {}, on which nobody waits.",
        capital(file.noun()),
        it.epfd
    );
    let fix = format!(
        "call epoll_wait on {}, and never block in another call on the thread that does",
        it.epfd
    );
    cause(
        CauseClass::UnattendedInstance,
        file,
        Some(it),
        summary,
        reasons,
        fix,
    )
}

/// `thread 7 (worker) sleeps in futex(2)`.
fn sleeps(thread: &ThreadFacts, activity: &Activity) -> String {
    let named = format!("thread {} ({})", thread.tid, thread.comm);
    match (&activity.call, activity.fd) {
        (Some(call), Some(fd)) => format!("{named} sleeps in {call}(2) on {fd}"),
        (Some(call), None) => format!("{named} sleeps in {call}(2)"),
        (None, _) => format!("{named} runs"),
    }
}

/// A thread of the process that waits on an instance.
fn waiter<'a>(case: &Case<'a>, instance: &Instance) -> Option<(&'a ThreadFacts, &'a Activity)> {
    let fds = instance.fds_of(case.facts.pid);
    let is_on = |it: &&Activity| {
        let by_wait = it.is_wait && it.fd.is_some_and(|fd| fds.contains(&fd));
        by_wait || it.polled.iter().any(|fd| fds.contains(fd))
    };
    let mut threads = case.facts.threads.iter();
    threads.find_map(|thread| Some((thread, thread.activities.iter().find(is_on)?)))
}

/// True if another instance of the process has this one registered: it may be waited for there.
fn is_nested(case: &Case<'_>, epfd: i32) -> bool {
    case.registered(epfd)
        .any(|outer| waiter(case, outer.instance).is_some())
}

/// Another process that shares an instance and was seen to wait on it.
fn thief(case: &Case<'_>, instance: &Instance) -> Option<u32> {
    let sharers = case.sharers(instance);
    sharers
        .into_iter()
        .find(|pid| case.facts.sharers_waiting.contains(pid))
}

/// A thread that waits on an fd that is no instance any more.
fn closed(case: &Case<'_>, thread: &ThreadFacts) -> Option<Cause> {
    let known: Vec<i32> = case
        .instances()
        .flat_map(|(it, _)| it.fds_of(case.facts.pid))
        .collect();
    let (fd, wait) = thread.activities.iter().find_map(|it| {
        let fd = it.fd.filter(|fd| it.is_wait && !known.contains(fd))?;
        Some((fd, it))
    })?;
    Some(Cause {
        class: CauseClass::ClosedInstance,
        sureness: Sureness::Certain,
        fd: Some(fd),
        instance: Some(fd),
        summary: format!(
            "Thread {} waits on instance {fd}, whose fd is closed or means another file: nobody can add to it or close it any more.",
            thread.tid
        ),
        reasons: vec![sleeps(thread, wait)],
        fix: format!(
            "wake the waiting thread before {fd} is closed (an eventfd in the instance), and join it"
        ),
        now: None,
    })
}

/// Signalfds that answer to another process: whoever registered one is woken, and this process waits.
fn signalfds<'a>(case: &'a Case<'_>) -> impl Iterator<Item = Cause> + 'a {
    let pid = case.facts.pid;
    let of_it = case
        .report
        .findings
        .iter()
        .filter(|it| it.class == Class::DeafSignalfd);
    of_it.filter_map(move |finding| {
        let epfd = finding.instance.iter().find(|name| name.pid == pid)?.fd;
        let mut instances = case.instances();
        let (instance, _) = instances.find(|(it, _)| it.names == finding.instance)?;
        // The eldest holder registered it, most likely, and is told of its own signals.
        let (thread, wait) = waiter(case, instance).filter(|_| finding.pid != pid)?;
        Some(Cause {
            class: CauseClass::DeafSignalfd,
            sureness: Sureness::Likely,
            fd: Some(finding.fd),
            instance: Some(epfd),
            summary: format!(
                "Signalfd {} answers to process {}, which registered it: this process waits on instance {epfd} too, and is not woken for its own signals.",
                finding.fd, finding.pid
            ),
            reasons: vec![sleeps(thread, wait), finding.summary.clone()],
            fix: finding.fix.clone(),
            now: None,
        })
    })
}
