//! What makes a process spin, by the kernel's count of calls and reports.

use polter_scan::Sureness;

use super::case::{Case, Registered, can_name};
use super::heed::Heed;
use super::unheeded::{What, unheeded};
use super::{Cause, CauseClass, accept};
use crate::calls::{Effect, effect_of, name_of};
use crate::facts::{CallCounts, Counted, Reported, ThreadFacts};

/// Reports a second of CPU time from which on a registration counts as hot.
const HOT: u64 = 100;

/// A registration is unheeded if the program acts on fewer than one report in so many.
const UNHEEDED: u64 = 50;

/// Calls a second of CPU time that make a loop.
const LOOP: u64 = 1000;

/// Causes that are told of one process.
const MAX_CAUSES: usize = 8;

/// Finds what makes a process spin, the most reported first.
pub(super) fn spinning(case: &Case<'_>, calls: &CallCounts) -> Vec<Cause> {
    let pid = case.facts.pid;
    let own: Vec<&Counted> = calls.calls.iter().filter(|row| row.pid == pid).collect();
    let mut causes: Vec<Cause> = Vec::new();
    for cause in own
        .iter()
        .filter_map(|row| accept::counted(case, calls, row))
    {
        // Of one listener, the threads' rows say the same.
        let is_known = |it: &Cause| (it.class, it.fd) == (cause.class, cause.fd);
        if !causes.iter().any(is_known) {
            causes.push(cause);
        }
    }
    let is_busy = case.facts.busy().next().is_some();
    let waits = |epfd: i32| -> u64 {
        let of_it = own.iter().filter(|row| row.fd == epfd && is_wait(row));
        of_it.map(|row| row.count).sum()
    };
    let mut hot: Vec<(u64, Cause)> = Vec::new();
    for reported in calls.reports.iter().filter(|it| it.pid == pid) {
        let is_often = reported.count * 50 >= waits(reported.epfd);
        if case.a_cpu_second(reported.count, case.facts.busy().next()) >= HOT && is_often {
            hot.extend(hot_cause(case, calls, reported, waits(reported.epfd)));
        }
    }
    hot.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let known: Vec<Option<i32>> = causes.iter().map(|it| it.fd).collect();
    // An unread event may be reported a hundred times a second, beside much work: that is no spin.
    let all_waits: u64 = own
        .iter()
        .filter(|row| is_wait(row))
        .map(|row| row.count)
        .sum();
    let in_vain: u64 = hot.iter().map(|(count, _)| count).sum();
    if is_busy && in_vain * 2 >= all_waits {
        let hot = hot.into_iter().map(|(_, cause)| cause);
        causes.extend(hot.filter(|it| !known.contains(&it.fd)).take(MAX_CAUSES));
    }
    if causes.is_empty() {
        let of_thread = |thread| idle_loop(case, &own, thread);
        causes.extend(case.facts.busy().filter_map(of_thread).take(1));
    }
    causes
}

fn is_wait(row: &Counted) -> bool {
    effect_of(row.number) == Effect::Waits
}

/// A registration that is reported over and over, if nobody acts on it.
fn hot_cause(
    case: &Case<'_>,
    calls: &CallCounts,
    reported: &Reported,
    waits: u64,
) -> Option<(u64, Cause)> {
    let pid = reported.pid;
    let of_epfd = |it: &&polter_scan::Instance| it.fds_of(pid).contains(&reported.epfd);
    let instance = case.snapshot.instances.iter().find(of_epfd)?;
    let of_data = instance
        .registrations
        .iter()
        .filter(|it| it.data == reported.data);
    let candidates: Vec<Registered<'_>> = of_data
        .map(|registration| Registered {
            instance,
            registration,
            epfd: reported.epfd,
        })
        .collect();
    let said = format!(
        "epoll_wait on {} returned {} times a second, and reported it {} times a second",
        reported.epfd,
        case.a_second(waits),
        case.a_second(reported.count)
    );
    let ghost = candidates
        .iter()
        .find_map(|it| Some((case.ghost(*it)?, it)));
    if let Some((ghost, it)) = ghost {
        return Some((reported.count, case.ghost_cause(ghost, it.epfd, vec![said])));
    }
    let is_asked = |it: &&Registered<'_>| it.registration.is_reported_always();
    let unheeded_one = candidates.iter().filter(is_asked).find_map(|it| {
        let registration = it.registration;
        let tables = registration.tables.iter().map(|table| table.pid);
        let namers: Vec<u32> = tables.filter(|pid| can_name(registration, *pid)).collect();
        let heed = Heed::of(calls, &namers, registration.fd);
        let what = What::of(reported.events, heed.ends * 2 >= reported.count);
        let acted = match what {
            // What is read off a connection that is gone is no answer to its end, unless it empties it.
            What::Down => heed.changed + heed.taken,
            _ => heed.total(),
        };
        (acted * UNHEEDED < reported.count).then_some((it, what, heed))
    });
    let (it, what, heed) = unheeded_one?;
    let sureness = if candidates.len() == 1 {
        Sureness::Certain
    } else {
        Sureness::Likely
    };
    let reasons = vec![said, did(case, it.registration.fd, heed)];
    Some((reported.count, unheeded(case, *it, what, sureness, reasons)))
}

/// What the program did with an fd meanwhile.
fn did(case: &Case<'_>, fd: i32, heed: Heed) -> String {
    let counts = [
        (heed.taken, "reads that took something"),
        (heed.ends, "reads that returned 0"),
        (heed.in_vain, "calls that returned EAGAIN"),
        (heed.put, "writes"),
        (heed.accepted, "connections accepted"),
        (heed.changed, "calls that close, set or register it"),
        (heed.waited, "waits on it that reported something"),
    ];
    let made = counts.iter().filter(|(count, _)| *count > 0);
    let made: Vec<String> = made
        .map(|(count, what)| format!("{} {what}", case.a_second(*count)))
        .collect();
    match made.is_empty() {
        true => format!("meanwhile no call read, wrote, closed or changed {fd}"),
        false => format!("meanwhile on {fd}, a second: {}", made.join(", ")),
    }
}

/// A busy thread whose loop is about no event.
fn idle_loop(case: &Case<'_>, own: &[&Counted], thread: &ThreadFacts) -> Option<Cause> {
    let rows: Vec<&&Counted> = own.iter().filter(|row| row.tid == thread.tid).collect();
    let all: u64 = rows.iter().map(|row| row.count).sum();
    let waits: Vec<&&&Counted> = rows.iter().filter(|row| is_wait(row)).collect();
    let count = |of: fn(&Counted) -> u64| waits.iter().map(|row| of(row)).sum::<u64>();
    let (waited, at_once, empty) = (
        count(|it| it.count),
        count(|it| it.at_once),
        count(|it| it.zero),
    );
    let is_loop = |count| case.a_cpu_second(count, Some(thread)) >= LOOP;
    if is_loop(waited)
        && at_once * 10 >= waited * 9
        && empty * 10 >= waited * 9
        && waited * 2 >= all
    {
        let epfd = waits.iter().max_by_key(|row| row.count).map(|row| row.fd);
        return Some(Cause {
            class: CauseClass::ZeroTimeout,
            sureness: Sureness::Certain,
            fd: None,
            instance: epfd,
            summary: format!("The loop asks instance {} without waiting: its timeout is 0, and there is nothing to report.", epfd.unwrap_or(-1)),
            reasons: vec![format!(
                "thread {} called epoll_wait {} times a second; {} % with a timeout of 0, {} % without an event",
                thread.tid,
                case.a_second(waited),
                100 * at_once / waited.max(1),
                100 * empty / waited.max(1)
            )],
            fix: "find what keeps the loop from waiting: a task or timer that is always due (setImmediate, call_soon, a timer of 0 ms), or a timeout that is rounded down to 0".to_owned(),
            now: None,
        });
    }
    let fruitless: u64 = rows.iter().map(|row| in_vain(row)).sum();
    // The call on an fd says more than the yield between two of them.
    let top = rows
        .iter()
        .max_by_key(|row| (in_vain(row) > 0, row.fd >= 0, row.count));
    if let Some(top) = top.filter(|_| is_loop(fruitless) && fruitless * 10 >= all * 8) {
        let name = name_of(top.number.into());
        let on = if top.fd >= 0 {
            format!(" on {}", top.fd)
        } else {
            String::new()
        };
        return Some(Cause {
            class: CauseClass::BusyCall,
            sureness: Sureness::Certain,
            fd: (top.fd >= 0).then_some(top.fd),
            instance: None,
            summary: format!(
                "Thread {} calls {name}(2){on} over and over and gets nothing: epoll has no part in it.",
                thread.tid
            ),
            reasons: vec![format!(
                "it called it {} times a second; of all its calls, {} % returned EAGAIN, an error or nothing",
                case.a_second(top.count),
                100 * fruitless / all.max(1)
            )],
            fix: "wait for the event (epoll_wait, poll, a futex) instead of asking in a loop"
                .to_owned(),
            now: None,
        });
    }
    let serves = |row: &&&Counted| {
        let effect = effect_of(row.number);
        matches!(
            effect,
            Effect::Takes | Effect::Puts | Effect::Accepts | Effect::Waits
        ) && row.succeeded() > 0
    };
    let is_told = thread.in_kernel.is_some();
    (is_told && !is_loop(all) && !rows.iter().any(serves))
        .then(|| computes(case, thread, Some(all)))
}

/// Calls of a row that brought nothing: `EAGAIN`, an error, an end of file, a yield.
fn in_vain(row: &Counted) -> u64 {
    match row.fd {
        _ if is_wait(row) => 0,
        fd if fd >= 0 => row.again + row.failed + row.zero,
        _ if libc::c_long::from(row.number) == libc::SYS_sched_yield => row.count,
        _ => row.again,
    }
}

/// A thread that computes.
pub(super) fn computes(case: &Case<'_>, thread: &ThreadFacts, calls: Option<u64>) -> Cause {
    let mut reasons = vec![format!(
        "thread {} had a CPU or wanted one for {:.0} % of the time, {:.0} % of that outside the kernel",
        thread.tid,
        thread.busy * 100.0,
        (1.0 - thread.in_kernel.unwrap_or(0.0)) * 100.0
    )];
    if let Some(calls) = calls {
        reasons.push(format!(
            "it made {} system calls a second",
            case.a_second(calls)
        ));
    }
    Cause {
        class: CauseClass::NotEpoll,
        sureness: Sureness::Likely,
        fd: None,
        instance: None,
        summary: format!(
            "Thread {} computes, and asks the kernel for nothing: that is none of epoll's business.",
            thread.tid
        ),
        reasons,
        fix: "a profiler shows where it computes".to_owned(),
        now: Some(format!(
            "perf top --pid {} --tid {}",
            case.facts.pid, thread.tid
        )),
    }
}
