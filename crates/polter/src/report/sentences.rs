//! What reports say of a verdict, whatever they are written as.

use polter_judge::{
    Broken, Finding, Instance, KeptBy, LogSummary, Outcome, PolicyVerdict, Severity, Verdict,
};

use super::words::{clean, counted, number};

const HOLDERS_SHOWN: usize = 6;

/// Said of breaks that another order of calls would not have.
pub(crate) const BY_ORDER: &str = "in this order of two processes' calls";

/// How a verdict reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Fault,
    Note,
    Clean,
}

/// The verdict in a few words.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) mood: Mood,
    pub(crate) head: String,
    pub(crate) rest: String,
}

/// How many faults and notes there are, or why there are none.
pub(crate) fn found(verdict: &Verdict) -> Found {
    let say = |mood, head: &str, rest: &str| Found {
        mood,
        head: head.to_owned(),
        rest: rest.to_owned(),
    };
    let faults = severity_count(verdict, Severity::Fault);
    let notes = severity_count(verdict, Severity::Note);
    if faults + notes == 0 && !verdict.gaps.is_empty() {
        return say(
            Mood::Note,
            "not known",
            ": nothing was found, and the log does not show all that a verdict needs",
        );
    }
    if verdict.log.instances == 0 {
        return say(
            Mood::Note,
            "nothing to judge",
            ": the log shows no epoll instance",
        );
    }
    match (faults, notes) {
        (0, 0) => say(
            Mood::Clean,
            "clean",
            ": no ghost, and nothing taken from one process by another",
        ),
        (0, _) => say(Mood::Note, &counted(notes, "note"), ""),
        (_, 0) => say(Mood::Fault, &counted(faults, "fault"), ""),
        _ => say(
            Mood::Fault,
            &counted(faults, "fault"),
            &counted(notes, "note"),
        ),
    }
}

fn severity_count(verdict: &Verdict, severity: Severity) -> u64 {
    let of_it = verdict
        .findings
        .iter()
        .filter(|finding| finding.severity == severity);
    of_it.count() as u64
}

/// The size of a log.
pub(crate) fn read(log: &LogSummary) -> String {
    let calls = format!(
        "{} ({} followed)",
        counted(log.calls, "call"),
        number(log.followed)
    );
    [
        counted(log.lines, "line"),
        calls,
        counted(log.tasks, "task"),
        counted(log.instances, "instance"),
        counted(log.registrations, "registration"),
        counted(log.events, "event"),
    ]
    .join(", ")
}

/// Everything that had to be guessed or was missing; `None` if nothing was.
pub(crate) fn unseen(log: &LogSummary) -> Option<String> {
    let kinds = [
        (
            log.assumed,
            "descriptor",
            "first seen in use and taken as given",
        ),
        (
            log.ambiguous_events,
            "event",
            "that several registrations may have sent",
        ),
        (
            log.unknown_events,
            "event",
            "of registrations the log does not show",
        ),
        (log.warning_count, "line", "that could not be followed"),
    ];
    let parts: Vec<String> = kinds
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, noun, what)| format!("{} {what}", counted(count, noun)))
        .collect();
    (!parts.is_empty()).then(|| format!("not certain: {}", parts.join("; ")))
}

/// Where a finding is: `process 100, fd 4, instance 3 (line 2)`.
pub(crate) fn place(finding: &Finding) -> String {
    let Finding {
        pid, fd, instance, ..
    } = finding;
    let instance = describe_instance(instance, *pid);
    format!("process {pid}, fd {fd}, {instance}")
}

/// An instance, as somebody of this process would call it.
pub(crate) fn describe_instance(instance: &Instance, pid: u32) -> String {
    let of = if instance.pid == pid {
        String::new()
    } else {
        format!(" of process {}", instance.pid)
    };
    if instance.fd < 0 {
        return "an instance older than the log".to_owned();
    }
    match instance.line {
        Some(line) => format!("instance {}{of} (line {line})", instance.fd),
        None => format!("instance {}{of} (older than the log)", instance.fd),
    }
}

/// The events that were reported through it; none if there were none.
pub(crate) fn events(finding: &Finding) -> Option<String> {
    let until = match finding.ended {
        Some(line) => format!("until line {line}"),
        None => "to the end of the log".to_owned(),
    };
    (finding.events > 0).then(|| format!("{} reported through it, {until}", number(finding.events)))
}

/// Who keeps the file.
pub(crate) fn holders(holders: &[KeptBy]) -> String {
    let mut named: Vec<String> = holders
        .iter()
        .take(HOLDERS_SHOWN)
        .map(describe_holder)
        .collect();
    let more = holders.len() - named.len();
    if more > 0 {
        named.push(format!("{more} more"));
    }
    named.join(", ")
}

/// Somebody who keeps a file.
pub(crate) fn describe_holder(holder: &KeptBy) -> String {
    match holder {
        KeptBy::Fd { pid, fd } => format!("process {pid} fd {fd}"),
        KeptBy::Thread { tid, fd } => format!("thread {tid} fd {fd}, in a table of its own"),
        KeptBy::InFlight => "a message not yet received".to_owned(),
        KeptBy::Ring => "the fixed files of an io_uring".to_owned(),
        KeptBy::Unknown => "somebody the log does not show".to_owned(),
    }
}

/// What a policy mends; a dash if nothing.
pub(crate) fn mends(policy: &PolicyVerdict) -> String {
    let kinds = [
        (policy.mended_ghosts, "ghost"),
        (policy.mended_events, "event"),
        (policy.mended_calls, "call"),
    ];
    let parts: Vec<String> = kinds
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, noun)| counted(count, noun))
        .collect();
    if parts.is_empty() {
        "–".to_owned()
    } else {
        parts.join(", ")
    }
}

/// What a policy comes to, in a word or two.
pub(crate) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Unchanged => "unchanged",
        Outcome::Harmless => "harmless",
        Outcome::Mends => "mends",
        Outcome::MendsMayBreak => "mends, may break",
        Outcome::MayBreak => "may break",
        Outcome::MendsAndBreaks => "mends and breaks",
        Outcome::Breaks => "breaks",
        Outcome::NotKnown => "not known",
    }
}

/// How an answer would differ.
pub(crate) fn broken(broken: &Broken) -> String {
    match broken {
        Broken::Result { would_be, .. } => format!("would be {}", clean(would_be)),
        Broken::EventLost { fd, registered } => {
            format!("loses fd {fd}'s event, added on line {}", registered.line)
        }
    }
}
