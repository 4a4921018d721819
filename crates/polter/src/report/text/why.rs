//! Writes why a process spins, or is deaf: the answer, the evidence, what to do now.
//!
//! ```text
//! worker (4121) spins: unheeded hang-up, fd 7 of instance 4
//!   The other end of pipe 7 is gone: every wait reports it, and nobody closes 7.
//!   fix: close 7 when EPOLLHUP, EPOLLERR or EPOLLRDHUP is reported, or when a read returns 0
//!
//!   seen      epoll_wait on 4 returned 1,402,211 times a second, and reported it as often
//!   threads   4121 worker: 98 % of a CPU, 71 % in the kernel
//!   in        nginx.service
//!
//!   now       …
//! ```

use std::io::{self, Write};

use polter_scan::{By, Sureness};
use polter_why::{Activity, Answer, Cause, Origin, State, ThreadFacts, Told, UserFrame};

use super::WIDTH;
use super::finding::write_labelled;
use super::style::{ASIDE, CLEAN, FAULT, NOTE, TITLE};
use crate::report::words::{clean, counted, cut, wrap};

const INDENT: usize = 2;

/// Threads that are shown of one process; JSON has all that were looked at.
const THREADS: usize = 6;

/// Functions of the program that are shown of one thread.
const FRAMES: usize = 8;

/// Functions of the kernel that are shown of one thread.
const KERNEL_FRAMES: usize = 4;

/// The columns of a function's name.
const FUNCTION_WIDTH: usize = 48;

/// Processes that are shown without a cause.
const HEALTHY: usize = 8;

/// The columns of a name.
const COMM_WIDTH: usize = 24;

/// Writes the answer, a process each.
pub(crate) fn write(out: &mut dyn Write, answer: &Answer) -> io::Result<()> {
    let mut healthy = 0;
    for told in &answer.processes {
        if told.causes.is_empty() {
            healthy += 1;
            if healthy > HEALTHY {
                continue;
            }
        }
        write_process(out, told)?;
        writeln!(out)?;
    }
    if answer.processes.is_empty() {
        writeln!(
            out,
            "{NOTE}nothing was watched{NOTE:#}: the processes have ended"
        )?;
    }
    let more = healthy_beyond(healthy) + answer.left_out;
    if more > 0 {
        writeln!(
            out,
            "{ASIDE}{} not shown{ASIDE:#}",
            counted(more, "more process")
        )?;
    }
    write_how(out, answer)
}

fn healthy_beyond(healthy: usize) -> u64 {
    healthy.saturating_sub(HEALTHY) as u64
}

fn write_process(out: &mut dyn Write, told: &Told) -> io::Result<()> {
    let comm = cut(&clean(&told.facts.comm), COMM_WIDTH);
    let name = format!("{TITLE}{comm} ({}){TITLE:#}", told.facts.pid);
    let Some((first, others)) = told.causes.split_first() else {
        return write_without_cause(out, told, &name);
    };
    let does = match told.state {
        State::Spins => "spins",
        State::Deaf if first.is_ghost() => "has a ghost",
        _ => "is deaf",
    };
    writeln!(
        out,
        "{name} {does}: {FAULT}{}{FAULT:#}{}{}",
        first.class.title(),
        sureness(first),
        place_of(first)
    )?;
    write_lines(out, &first.summary)?;
    write_lines(out, &format!("Fix: {}.", first.fix.trim_end_matches('.')))?;
    writeln!(out)?;
    for reason in &first.reasons {
        write_labelled(out, "seen", &clean(reason))?;
    }
    for other in others {
        let text = format!(
            "{}{}: {}",
            other.class.title(),
            place_of(other),
            other.summary
        );
        write_labelled(out, "also", &clean(&text))?;
    }
    write_facts(out, told)?;
    write_now(out, told)
}

fn write_without_cause(out: &mut dyn Write, told: &Told, name: &str) -> io::Result<()> {
    let is_blind = !told.unseen.is_empty();
    match told.state {
        _ if is_blind => {
            writeln!(
                out,
                "{name}: {NOTE}no cause was found, and not everything could be seen{NOTE:#}"
            )?;
        }
        State::Busy => {
            writeln!(
                out,
                "{name} is {CLEAN}busy, and rightly so{CLEAN:#}: what it is told of, it acts on"
            )?;
        }
        _ => {
            writeln!(
                out,
                "{name} is {CLEAN}at rest{CLEAN:#}: it sleeps or works now and then, and nothing waits for it"
            )?;
        }
    }
    write_facts(out, told)
}

fn write_lines(out: &mut dyn Write, text: &str) -> io::Result<()> {
    for line in wrap(&clean(text), WIDTH - INDENT) {
        writeln!(out, "{:INDENT$}{line}", "")?;
    }
    Ok(())
}

/// `, fd 7 of instance 4`.
fn place_of(cause: &Cause) -> String {
    match (cause.fd, cause.instance) {
        (Some(fd), Some(instance)) if fd != instance => format!(", fd {fd} of instance {instance}"),
        (Some(fd), _) => format!(", fd {fd}"),
        (None, Some(instance)) => format!(", instance {instance}"),
        (None, None) => String::new(),
    }
}

fn sureness(cause: &Cause) -> &'static str {
    match cause.sureness {
        Sureness::Certain => "",
        Sureness::Likely => " (likely)",
        Sureness::Open => " (open)",
    }
}

fn write_facts(out: &mut dyn Write, told: &Told) -> io::Result<()> {
    let threads = &told.facts.threads;
    let (first, rest) = threads.split_at(threads.len().min(THREADS));
    let rest = rest.iter().filter(|it| !it.user_stack.is_empty());
    let shown: Vec<&ThreadFacts> = first.iter().chain(rest).collect();
    for thread in &shown {
        write_labelled(out, "thread", &clean(&describe(thread)))?;
        if !thread.user_stack.is_empty() {
            let frames = UserFrame::best(&thread.user_stack, FRAMES);
            let frames: Vec<String> = frames.into_iter().map(function).collect();
            write_labelled(out, "stack", &frames.join(" < "))?;
        }
        if told.state == State::Deaf && !thread.stack.is_empty() {
            let frames: Vec<&str> = thread
                .stack
                .iter()
                .take(KERNEL_FRAMES)
                .map(String::as_str)
                .collect();
            write_labelled(out, "kernel", &clean(&frames.join(" < ")))?;
        }
    }
    let more = (threads.len() - shown.len()) as u64 + told.facts.threads_left_out;
    if more > 0 {
        write_labelled(
            out,
            "thread",
            &format!("{} not shown", counted(more, "more thread")),
        )?;
    }
    if let Some(place) = place(told) {
        write_labelled(out, "in", &clean(&place))?;
    }
    for unseen in &told.unseen {
        write_labelled(out, "not seen", &clean(unseen))?;
    }
    Ok(())
}

/// `4121 worker: 98 % of a CPU, 71 % of that in the kernel; sleeps in epoll_wait(2) on 4`.
fn describe(thread: &ThreadFacts) -> String {
    let used = match thread.busy * 100.0 {
        busy if busy < 0.5 => "no CPU".to_owned(),
        busy => {
            let in_kernel = thread.in_kernel.map_or_else(String::new, |share| {
                format!(", {:.0} % of that in the kernel", share * 100.0)
            });
            format!("{busy:.0} % of a CPU{in_kernel}")
        }
    };
    let asleep = thread.activities.iter().find(|it| it.call.is_some());
    let asleep = asleep.map_or_else(String::new, |it| format!("; {}", sleep(it)));
    format!(
        "{} {}: {used}{asleep}",
        thread.tid,
        cut(&thread.comm, COMM_WIDTH)
    )
}

/// `serve (server.c:40)`; of a library `g_main_loop_run (libglib-2.0.so.0)`.
fn function(frame: &UserFrame) -> String {
    let module = cut(&clean(&frame.module), FUNCTION_WIDTH);
    let Some(function) = &frame.function else {
        return format!("{module}+{:#x}", frame.offset);
    };
    let function = cut(&clean(function), FUNCTION_WIDTH);
    match &frame.source {
        Some((file, line)) => {
            format!("{function} ({}:{line})", cut(&clean(file), FUNCTION_WIDTH))
        }
        None if frame.origin == Origin::Program => function,
        None => format!("{function} ({module})"),
    }
}

fn sleep(activity: &Activity) -> String {
    const SHOWN: usize = 8;
    let call = activity.call.as_deref().unwrap_or_default();
    let polled: Vec<String> = activity
        .polled
        .iter()
        .take(SHOWN)
        .map(i32::to_string)
        .collect();
    match activity.fd {
        Some(fd) => format!("sleeps in {call}(2) on {fd}"),
        None if !polled.is_empty() => format!("sleeps in {call}(2) for {}", polled.join(", ")),
        None => format!("sleeps in {call}(2)"),
    }
}

fn place(told: &Told) -> Option<String> {
    const ID: usize = 12;
    let place = &told.facts.place;
    let parts = [
        place.pod.as_ref().map(|pod| format!("pod {pod}")),
        place
            .container
            .as_ref()
            .map(|id| format!("container {}", id.get(..ID).unwrap_or(id))),
        place
            .unit
            .as_ref()
            .filter(|_| place.container.is_none())
            .cloned(),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn write_now(out: &mut dyn Write, told: &Told) -> io::Result<()> {
    let commands = told.causes.iter().filter_map(|it| it.now.as_deref());
    let mut commands: Vec<&str> = commands.collect();
    commands.dedup();
    if commands.is_empty() {
        let unit = told
            .facts
            .place
            .unit
            .as_deref()
            .filter(|it| it.ends_with(".service"));
        let restart = match unit {
            Some(unit) => format!(
                "no command from outside mends this; a restart does until it happens again: systemctl restart {unit}"
            ),
            None => "no command from outside mends this; a restart does until it happens again"
                .to_owned(),
        };
        return write_labelled(out, "now", &clean(&restart));
    }
    for command in commands {
        write_labelled(out, "now", &clean(command))?;
    }
    Ok(())
}

/// How it was seen, and what would show more.
fn write_how(out: &mut dyn Write, answer: &Answer) -> io::Result<()> {
    let by = match (answer.source.by, &answer.why_not_counted) {
        (By::Bpf, None) => "the kernel walked its tables and counted calls".to_owned(),
        (_, None) => "by /proc and copies of fds; calls and reports were not counted".to_owned(),
        (_, Some(why)) => {
            format!("by /proc and copies of fds; calls and reports were not counted: {why}")
        }
    };
    let text = format!("watched for {} ms, {by}", answer.window_ms);
    for line in wrap(&clean(&text), WIDTH) {
        writeln!(out, "{ASIDE}{line}{ASIDE:#}")?;
    }
    Ok(())
}

/// Writes what is missing to see more, and the line that grants it.
pub(crate) fn write_more(out: &mut dyn Write, lines: &[String]) -> io::Result<()> {
    for line in lines {
        write_labelled(out, "more", line)?;
    }
    Ok(())
}
