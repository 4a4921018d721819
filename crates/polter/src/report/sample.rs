//! Hand-made verdicts for the tests, so that they do not depend on the judge.

use polter_judge::{
    Break, Broken, Class, Finding, Gap, GapKind, Instance, KeptBy, LogSummary, Outcome,
    PolicyVerdict, Severity, Site, Step, Verdict, Warning,
};

/// A worker's ghost, its child's DEL, and a question asked by ADD.
pub(crate) fn haunted() -> Verdict {
    Verdict {
        log: LogSummary {
            is_recorded: false,
            lines: 1_204,
            blank_lines: 4,
            unread_lines: 6,
            calls: 1_150,
            followed: 310,
            tasks: 2,
            instances: 1,
            registrations: 3,
            events: 14,
            ambiguous_events: 1,
            unknown_events: 0,
            assumed: 3,
            warnings: (1..=6).map(|line| warning(line * 7)).collect(),
            warning_count: 40,
        },
        findings: vec![fork_ghost(), child_removes(), epoll_as_kcmp()],
        findings_left_out: 2,
        gaps: vec![],
        policies: policies(),
    }
}

/// Nothing found, nothing changed.
pub(crate) fn clean() -> Verdict {
    let log = LogSummary {
        lines: 7,
        calls: 7,
        followed: 5,
        tasks: 1,
        instances: 1,
        ..LogSummary::default()
    };
    let policies = ["last-fput", "close"].map(unchanged).into();
    Verdict {
        log,
        findings: Vec::new(),
        findings_left_out: 0,
        gaps: Vec::new(),
        policies,
    }
}

/// Nothing found, in a log that does not show all.
pub(crate) fn gappy() -> Verdict {
    let gap = Gap {
        kind: GapKind::Past,
        count: 1,
        line: Some(1),
        summary:
            "1 instance is older than the log, and 26 events are of registrations it does not show"
                .to_owned(),
        advice: "record from the start, or write down what was there before: polter capture DIR"
            .to_owned(),
    };
    let mut verdict = clean();
    verdict.gaps.push(gap);
    for policy in &mut verdict.policies {
        policy.verdict = policy.outcome(false);
    }
    verdict
}

/// [`haunted`], with a hostile text in every place that holds one.
pub(crate) fn hostile() -> Verdict {
    let text = || "\u{1b}]0;x\u{7}\r\u{9b}31m\u{202e}".repeat(9);
    let mut verdict = haunted();
    for warning in &mut verdict.log.warnings {
        warning.message = text();
    }
    for finding in &mut verdict.findings {
        finding.summary = text();
        finding.fix = text();
        for step in &mut finding.story {
            step.what = text();
            step.site.text = text();
            step.site.stack = vec![text()];
        }
    }
    for policy in &mut verdict.policies {
        policy.policy = text();
        for broken in policy.breaks.iter_mut().chain(&mut policy.other_order) {
            broken.site.text = text();
            broken.what = Broken::Result {
                was: text(),
                would_be: text(),
            };
        }
    }
    verdict
}

fn fork_ghost() -> Finding {
    Finding {
        class: Class::ForkGhost,
        severity: Severity::Fault,
        pid: 100,
        fd: 4,
        instance: Instance {
            pid: 100,
            fd: 3,
            line: Some(2),
        },
        summary:
            "Its wait goes on reporting an fd that is closed: 100% CPU if it is level-triggered."
                .to_owned(),
        story: vec![
            step(
                "registered",
                4,
                100,
                "epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0",
            ),
            step("the child gets a copy", 5, 100, "fork() = 101"),
            step("the fd is gone, the file is not", 6, 100, "close(4) = 0"),
            step(
                "reported through the ghost, 12 times, by each wait until the end of the log",
                1_108,
                100,
                "epoll_wait(3, [{events=EPOLLIN, data={u32=4, u64=4}}], 8, 0) = 1",
            ),
        ],
        holders: vec![KeptBy::Fd { pid: 101, fd: 4 }, KeptBy::InFlight],
        events: 12,
        ended: None,
        fix: "DEL 4 before close, or open it with O_CLOEXEC and let the child exec".to_owned(),
        repeated: 3,
        mended_by: Vec::new(),
    }
}

fn child_removes() -> Finding {
    let mut del = step(
        "removed by the child",
        30,
        101,
        "epoll_ctl(3, EPOLL_CTL_DEL, 7, NULL) = 0",
    );
    del.site.stack = vec![
        "/usr/lib/libc.so.6(epoll_ctl+0xe) [0x1056ee]".to_owned(),
        "/usr/bin/worker(main+0x42) [0x1234]".to_owned(),
    ];
    Finding {
        class: Class::ChildRemoves,
        severity: Severity::Fault,
        pid: 101,
        fd: 7,
        instance: Instance {
            pid: 100,
            fd: 3,
            line: None,
        },
        summary: "The child's DEL took its parent's registration, which is never reported again."
            .to_owned(),
        story: vec![
            step(
                "registered",
                12,
                100,
                "epoll_ctl(3, EPOLL_CTL_ADD, 7, {events=EPOLLIN, …}) = 0",
            ),
            del,
        ],
        holders: Vec::new(),
        events: 0,
        ended: None,
        fix: "close the child's copy of the instance, and leave its registrations alone".to_owned(),
        repeated: 0,
        mended_by: Vec::new(),
    }
}

fn epoll_as_kcmp() -> Finding {
    let ask = |line| {
        step(
            "asked: one file?",
            line,
            100,
            "epoll_ctl(3, EPOLL_CTL_ADD, 9, …) = -1 EEXIST (File exists)",
        )
    };
    Finding {
        class: Class::EpollAsKcmp,
        severity: Severity::Note,
        pid: 100,
        fd: 9,
        instance: Instance {
            pid: 100,
            fd: 3,
            line: Some(2),
        },
        summary: "ADD answers EEXIST if and only if two descriptors are one file.".to_owned(),
        story: (40..60).map(ask).collect(),
        holders: Vec::new(),
        events: 0,
        ended: Some(60),
        fix: "ask with fcntl F_DUPFD_QUERY or kcmp".to_owned(),
        repeated: 0,
        mended_by: Vec::new(),
    }
}

fn policies() -> Vec<PolicyVerdict> {
    let lost = Broken::EventLost {
        fd: 7,
        registered: site(
            12,
            100,
            "epoll_ctl(3, EPOLL_CTL_ADD, 7, {events=EPOLLIN, data={u32=7, u64=7}}) = 0",
        ),
    };
    let refused = Broken::Result {
        was: "0".to_owned(),
        would_be: "-1 ENOENT".to_owned(),
    };
    let wait = site(
        33,
        100,
        "epoll_wait(3, [{events=EPOLLIN, data={u32=7, u64=7}}], 8, 0) = 1",
    );
    let del = site(30, 101, "epoll_ctl(3, EPOLL_CTL_DEL, 7, NULL) = 0");
    let late = Break {
        site: del.clone(),
        what: refused.clone(),
        depends_on_order: true,
    };
    let policies = [
        unchanged("last-fput"),
        PolicyVerdict {
            mended_ghosts: 1,
            mended_events: 12,
            break_count: 4,
            breaks: vec![Break {
                site: wait,
                what: lost,
                depends_on_order: false,
            }],
            ..unchanged("close")
        },
        PolicyVerdict {
            mended_ghosts: 1,
            mended_events: 12,
            other_order_count: 2,
            other_order: vec![late.clone()],
            ..unchanged("close-not-exit")
        },
        PolicyVerdict {
            mended_ghosts: 1,
            mended_events: 1_012,
            mended_calls: 2,
            break_count: 1,
            breaks: vec![Break {
                site: del,
                what: refused,
                depends_on_order: false,
            }],
            notices: 1,
            ..unchanged("owner")
        },
        PolicyVerdict {
            break_count: 1,
            order_count: 1,
            breaks: vec![late],
            ..unchanged("stale")
        },
        PolicyVerdict {
            notices: 2,
            ..unchanged("not-inherited")
        },
    ];
    let judged = policies.map(|policy| PolicyVerdict {
        verdict: policy.outcome(true),
        ..policy
    });
    judged.into()
}

fn unchanged(policy: &str) -> PolicyVerdict {
    PolicyVerdict {
        policy: policy.to_owned(),
        verdict: Outcome::Unchanged,
        mended_ghosts: 0,
        mended_events: 0,
        mended_calls: 0,
        break_count: 0,
        breaks: Vec::new(),
        order_count: 0,
        other_order_count: 0,
        other_order: Vec::new(),
        notices: 0,
    }
}

fn step(what: &str, line: u64, pid: u32, text: &str) -> Step {
    Step {
        what: what.to_owned(),
        site: site(line, pid, text),
    }
}

fn site(line: u64, pid: u32, text: &str) -> Site {
    Site {
        line,
        time: None,
        pid,
        text: text.to_owned(),
        stack: Vec::new(),
    }
}

fn warning(line: u64) -> Warning {
    Warning {
        line,
        column: line % 3,
        message: "expected `= result` after the arguments".to_owned(),
    }
}
