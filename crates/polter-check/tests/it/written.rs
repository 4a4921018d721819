//! Scripts that were once asked otherwise than they are written, or answered by the model
//! otherwise than by the kernel: each comes out as it must.

use eventpoll::{Outcome, Pid, Policy, Syscall, Version};
use polter_check::{Comparison, Model, Running, Script, Verdict, agree, compare, follow};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// How a script comes out.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// It cannot be read: where, and what for.
    Refused(&'static str),
    Agrees,
    /// From this line on nobody was asked, because of this.
    NotAsked(u64, &'static str),
    /// At this line the model and the kernel both answer this, and not what is written.
    Differs(u64, &'static str),
}

const ASKED: &[(&str, End)] = &[
    (
        "addresses-are-dropped",
        End::Refused("3:26: sendto()'s argument 5: an address of a socket"),
    ),
    (
        "another-process-collects",
        End::NotAsked(6, "after any process of the machine"),
    ),
    (
        "bad-buffers-are-mended",
        End::Refused("3:14: write()'s argument 2: what is at an address"),
    ),
    (
        "blames-the-call-for-an-argument",
        End::Refused("3:27: timerfd_settime()'s argument 3: a time"),
    ),
    ("bytes-are-not-compared", End::Agrees),
    (
        "devices-are-another-file",
        End::Refused("2:22: openat()'s argument 2: a script opens"),
    ),
    ("eight-bytes-of-a-pipe", End::Agrees),
    ("eisdir-has-no-word", End::Agrees),
    ("empty-message-with-rights", End::Agrees),
    (
        "exit-signal-is-dropped",
        End::Refused("2:35: clone()'s argument 2: a child that tells"),
    ),
    ("failing-clone-is-not-asked", End::Agrees),
    (
        "fcntl-arguments-are-dropped",
        End::NotAsked(3, "who is told of input"),
    ),
    (
        "hard-limit-is-dropped",
        End::Differs(2, "-1 EINVAL (Invalid argument)"),
    ),
    (
        "not-asked-counts-as-agreed",
        End::NotAsked(3, "signals to more than one process"),
    ),
    ("number-0-is-another-kind-of-file", End::Agrees),
    (
        "paths-are-dropped",
        End::Refused("2:22: openat()'s argument 2: a script opens"),
    ),
    ("readv-of-a-counter", End::Agrees),
    (
        "ring-flags-are-dropped",
        End::Refused("2:23: io_uring_setup()'s argument 2: flags of a ring"),
    ),
    (
        "sa-nocldwait-is-dropped",
        End::Refused("2:27: rt_sigaction()'s argument 2: sa_flags"),
    ),
    (
        "sa-resethand-is-dropped",
        End::Refused("3:27: rt_sigaction()'s argument 2: sa_flags"),
    ),
    (
        "same-text-both-sides",
        End::Differs(
            7,
            "epoll_wait(3, [{events=EPOLLOUT, data={u32=4, u64=4}}, {events=EPOLLOUT, data={u32=5, u64=5}}], 8, 0) = 2",
        ),
    ),
    ("seven-bytes-of-a-pipe", End::Agrees),
    (
        "signalfd-size-is-dropped",
        End::Refused("2:23: signalfd4()'s argument 3: another size"),
    ),
    (
        "sigprocmask-size-is-dropped",
        End::Refused("2:45: rt_sigprocmask()'s argument 4: another size"),
    ),
    ("unknown-counter", End::Agrees),
    (
        "writev-is-run-as-write",
        End::Differs(3, "-1 EINVAL (Invalid argument)"),
    ),
];

/// What of the facts nobody is asked; all others agree.
const NOT_ASKED: &[(&str, u64, &str)] = &[
    (
        "netlink-fresh",
        5,
        "the readiness of a file made by socket(2)",
    ),
    ("oob-is-urgent", 5, "of a message's flags"),
    ("oob-received", 3, "of a message's flags"),
    ("tcp-unconnected-read", 3, "a socket made by socket(2)"),
    ("udp-send-nowhere", 3, "a socket made by socket(2)"),
    ("unix-socket-send", 3, "a socket made by socket(2)"),
    ("waitall-ended-by-close", 5, "of a message's flags"),
];

#[test]
fn what_is_written_is_asked_or_refused_by_name() {
    let names: BTreeSet<String> = ASKED.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(
        fixtures("asked")
            .map(|(name, _)| name)
            .collect::<BTreeSet<_>>(),
        names
    );
    for (name, end) in ASKED {
        check(&folder("asked").join(format!("{name}.strace")), end);
    }
}

#[test]
fn facts_agree_or_are_known_not_to_be_known() {
    for (name, path) in fixtures("facts") {
        let open = NOT_ASKED.iter().find(|(open, ..)| *open == name);
        let end = open.map_or(End::Agrees, |(_, line, why)| End::NotAsked(*line, why));
        check(&path, &end);
    }
}

#[test]
fn programs_without_answers_are_answered_alike() {
    for (name, path) in fixtures("alike") {
        let script = Script::parse(&std::fs::read(&path).unwrap()).unwrap();
        let mut running = Running::start(script.first()).unwrap();
        let mut model = Model::new(Policy::LAST_FPUT, version(), script.first());
        let [ours, theirs] = [answers(&script, &mut model), answers(&script, &mut running)];
        assert!(ours.len() > 30, "{name}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert!(
                agree(&ours.1, &ours.2, &theirs.2),
                "{name}: {ours:?} {:?}",
                theirs.2
            );
        }
        assert_eq!(ours.len(), theirs.len(), "{name}");
    }
}

fn answers(
    script: &Script,
    backend: &mut impl polter_check::Backend,
) -> Vec<(Pid, Syscall, Outcome)> {
    let mut all = Vec::new();
    let flow = follow(script, backend, |step, call, came| {
        all.push((step.pid, call.clone(), came));
        ControlFlow::<()>::Continue(())
    });
    assert_eq!(flow.unwrap(), ControlFlow::Continue(()));
    all
}

#[track_caller]
fn check(path: &Path, end: &End) {
    let name = path.display();
    let text = std::fs::read(path).expect("a fixture can be read");
    let script = match (Script::parse(&text), end) {
        (Err(error), End::Refused(what)) => {
            let error = error.to_string();
            return assert!(error.starts_with(what), "{name}: {error}");
        }
        (script, end) => script.unwrap_or_else(|error| panic!("{name}: {error}, not {end:?}")),
    };
    let mut running = Running::start(script.first()).expect("the kernel runs scripts");
    let mut model = Model::new(Policy::LAST_FPUT, version(), script.first());
    let comparison = compare(&script, Policy::LAST_FPUT, &mut model, Some(&mut running));
    match (comparison.verdict(), end) {
        (Verdict::Agrees, End::Agrees) => {}
        (Verdict::NotAsked, End::NotAsked(line, why)) => {
            let unknown = comparison
                .unknown
                .expect("the model says what it does not know");
            assert_eq!(unknown.line, *line, "{name}");
            assert!(unknown.why.contains(why), "{name}: {}", unknown.why);
        }
        (Verdict::Differs, End::Differs(line, answer)) => both_say(&comparison, *line, answer),
        _ => panic!("{name}: {comparison:?}, not {end:?}"),
    }
}

#[track_caller]
fn both_say(comparison: &Comparison, line: u64, answer: &str) {
    let difference = comparison.difference.as_ref().expect("something differs");
    assert_eq!(difference.line, line);
    let kernel = difference.kernel.as_ref().expect("the kernel was asked");
    for came in [&difference.model, kernel] {
        let text = polter_trace::encode(&difference.call, came);
        assert!(text.ends_with(answer), "{text}");
    }
}

fn version() -> Version {
    Running::release().parse().unwrap_or_default()
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn fixtures(name: &str) -> impl Iterator<Item = (String, PathBuf)> {
    let files = std::fs::read_dir(folder(name)).expect("the fixtures are there");
    files.map(|file| {
        let path = file.expect("a folder can be listed").path();
        let name = path.file_stem().expect("a file has a name");
        (name.to_string_lossy().into_owned(), path)
    })
}
