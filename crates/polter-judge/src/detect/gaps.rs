//! What a log does not show, in sentences, with advice.

use crate::state::{Coverage, Noticed};
use crate::verdict::{Gap, GapKind, LogSummary};

const ALL_CALLS: &str =
    "record every call: strace -f -yy -o LOG COMMAND, without -e, or polter run -- COMMAND";

const ATTACHED: &str = "record from the start, or write down what was there before: polter capture DIR, then \
                        strace -f -p PID -o LOG, then polter judge --from DIR LOG";

const LESS: &str =
    "record fewer processes at once, or with a larger buffer, and leave the machine some time";

const LONGER: &str = "record for longer, and what they fork (polter record --follow); or look at what is there now: \
                      polter scan PID";

const NO_RING: &str = "record with UV_USE_IO_URING=0 if it is libuv's ring, or look at the running program: \
                       polter scan PID";

/// Everything that the log lacks.
///
/// `touched` are the findings, by fd and process, that reach over a place where the recorder lost something.
pub(crate) fn gaps(log: &LogSummary, seen: &Coverage, touched: &[(i32, u32)]) -> Vec<Gap> {
    let found = [
        lost(seen, touched),
        foreign_lines(log),
        no_epoll(log, seen),
        only_failures(log, seen),
        no_children(log, seen),
        no_forks(log, seen),
        no_opens(seen),
        no_closes(log, seen),
        past(seen),
        ring(seen),
        registrations(log, seen),
    ];
    found.into_iter().flatten().collect()
}

fn gap(kind: GapKind, noticed: Noticed, summary: String, advice: &str) -> Option<Gap> {
    Some(Gap {
        kind,
        count: noticed.count,
        line: noticed.line,
        summary,
        advice: advice.to_owned(),
    })
}

/// A count with its noun and its verb: `1 task appears`, `2 tasks appear`.
fn counted(count: u64, noun: &str, one: &str, more: &str) -> String {
    match count {
        1 => format!("1 {noun} {one}"),
        _ => format!("{count} {noun}s {more}"),
    }
}

/// What the recorder lost, and the findings that it may have changed.
fn lost(seen: &Coverage, touched: &[(i32, u32)]) -> Option<Gap> {
    const NAMED: usize = 5;
    if !seen.lost.is_seen() {
        return None;
    }
    let events = counted(seen.lost.count, "event", "was", "were");
    let mut summary = format!("{events} lost by the recorder: what they did is not known");
    let places = seen.lost_at.len();
    if places > 1 {
        summary += &format!(", in {places} places");
    }
    if !touched.is_empty() {
        let named = touched.iter().take(NAMED);
        let named: Vec<String> = named
            .map(|(fd, pid)| format!("fd {fd} of process {pid}"))
            .collect();
        let more = touched.len().saturating_sub(NAMED);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        summary += &format!(
            "; what is found of {}{more} reaches over such a place, and may be wrong",
            named.join(", ")
        );
    }
    gap(GapKind::Lost, seen.lost, summary, LESS)
}

fn foreign_lines(log: &LogSummary) -> Option<Gap> {
    if !log.is_mostly_foreign() {
        return None;
    }
    let (count, line) = (log.unread_lines, None);
    let summary = format!("{count} of {} lines are not strace's", log.lines);
    let advice = "record into a file of its own: strace -f -yy -o LOG COMMAND";
    gap(GapKind::Lines, Noticed { count, line }, summary, advice)
}

/// A complete log of a program begins with its exec, and shows the calls that every program makes at its start. Without
/// these, a log without epoll calls may be filtered.
fn no_epoll(log: &LogSummary, seen: &Coverage) -> Option<Gap> {
    let does_something = seen.others > 0 || seen.rings.is_seen();
    let is_whole = seen.opens > 0 && seen.closes > 0 || seen.memory > 0 || !does_something;
    if log.instances > 0 || (seen.begins_with_exec && (is_whole || seen.is_recorded)) {
        return None;
    }
    let (summary, advice) = match seen.is_recorded {
        true => (
            "the processes made no call of epoll while they were recorded",
            LONGER,
        ),
        false => (
            "no call of epoll is in the log, which does not show all calls of a program's life",
            ALL_CALLS,
        ),
    };
    let summary = summary.to_owned();
    gap(GapKind::Epoll, Noticed::default(), summary, advice)
}

fn only_failures(log: &LogSummary, seen: &Coverage) -> Option<Gap> {
    if log.calls < 2 || seen.successes > 0 {
        return None;
    }
    let (count, line) = (log.calls, None);
    let summary = format!("all {count} calls failed: those that succeed are not in the log");
    gap(
        GapKind::Successes,
        Noticed { count, line },
        summary,
        "record without -Z",
    )
}

/// Without `-f`, or in one file of `-ff`, no line has a pid.
fn no_children(log: &LogSummary, seen: &Coverage) -> Option<Gap> {
    if seen.has_pids || !seen.forks.is_seen() || log.instances == 0 {
        return None;
    }
    let tasks = counted(seen.forks.count, "child or thread", "was made", "were made");
    let summary = format!("{tasks}, and the log has no line of theirs")
        .replace("child or threads", "children or threads");
    let advice = "record with -f, or, if this is one file of strace -ff, name all of them: polter judge LOG.*";
    gap(GapKind::Children, seen.forks, summary, advice)
}

fn no_forks(log: &LogSummary, seen: &Coverage) -> Option<Gap> {
    if !seen.orphans.is_seen() || log.instances == 0 {
        return None;
    }
    let tasks = counted(seen.orphans.count, "task", "appears", "appear");
    let summary =
        format!("{tasks}, and the log does not show who made them: what they share is not known");
    let advice = if seen.forks.is_seen() {
        ATTACHED
    } else {
        ALL_CALLS
    };
    gap(GapKind::Forks, seen.orphans, summary, advice)
}

fn no_opens(seen: &Coverage) -> Option<Gap> {
    if !seen.unseen_opens.is_seen() || seen.is_recorded || seen.opens > 0 || seen.older.is_seen() {
        return None;
    }
    let fds = counted(seen.unseen_opens.count, "fd", "is", "are");
    let summary = format!(
        "{fds} registered that no call in the log opened: what else names the files is not known"
    );
    gap(GapKind::Opens, seen.unseen_opens, summary, ALL_CALLS)
}

fn no_closes(log: &LogSummary, seen: &Coverage) -> Option<Gap> {
    let count = seen.unseen_closes.count;
    if count * 10 <= seen.closes || count == 0 || seen.is_recorded || log.instances == 0 {
        return None;
    }
    let fds = counted(count, "fd", "was", "were");
    let summary = format!(
        "{fds} closed, and the log does not show by which call: when a registration became a ghost is not known"
    );
    gap(GapKind::Closes, seen.unseen_closes, summary, ALL_CALLS)
}

fn past(seen: &Coverage) -> Option<Gap> {
    if !seen.older.is_seen() {
        return None;
    }
    let instances = counted(seen.older.count, "instance", "is", "are");
    let events = match seen.older_events {
        0 => String::new(),
        events => {
            let events = counted(events, "event", "is", "are");
            format!(", and {events} of registrations it does not show")
        }
    };
    let summary = format!("{instances} older than the log{events}");
    gap(GapKind::Past, seen.older, summary, ATTACHED)
}

fn ring(seen: &Coverage) -> Option<Gap> {
    let unseen = seen.unknown_events.count + seen.unseen_adds.count + seen.unseen_closes.count;
    if !seen.rings.is_seen() || unseen == 0 {
        return None;
    }
    let summary = format!(
        "an io_uring is used, which can register and close without a call: {unseen} events and calls are about what \
         the log does not show"
    );
    gap(GapKind::Ring, seen.rings, summary, NO_RING)
}

/// In another thread's lines, an event can come after the removal of its registration. This happens to fewer than one
/// in ten; more are a gap.
fn registrations(log: &LogSummary, seen: &Coverage) -> Option<Gap> {
    let events = seen.unknown_events;
    let adds = seen.unseen_adds;
    let is_many = events.count * 10 > log.events || adds.count * 10 > log.registrations;
    if events.count + adds.count == 0 || !is_many || seen.rings.is_seen() {
        return None;
    }
    let noticed = if events.is_seen() { events } else { adds };
    let summary = format!(
        "{} of {} events and {} calls are about registrations that no call in the log made, or that should be gone",
        events.count, log.events, adds.count
    );
    let advice = "look at the running program, which shows who has what: polter scan PID; or record every call, of \
                  all its processes: strace -f -yy -o LOG COMMAND";
    gap(GapKind::Registrations, noticed, summary, advice)
}
