//! What each example must come to: its exit code, and words that it says.

use crate::record::can_record;

use super::surroundings::{can_trace, has_lab_kernel, has_tool, may_exorcise};

/// An example, and how it is run.
pub(super) type Row = (&'static str, Way);

pub(super) enum Way {
    /// Its exit code, and words on its output.
    Run(i32, &'static [&'static str]),
    /// The same, after this was run.
    After(&'static str, i32, &'static [&'static str]),
    /// The same, if this is there.
    Needs(&'static str, fn() -> bool, i32, &'static [&'static str]),
    /// It is run, but not by this test: where, or why not.
    Elsewhere(&'static str),
}

use Way::{After, Elsewhere, Needs, Run};

const STRACE: &str = "strace, which may trace";
const BPF: &str = "BPF, which is allowed to root";
const LAB: &str = "the lab's kernel (kernels/build)";
const REMOVAL: &str = "kcmp(2) and pidfd_getfd(2)";

/// The examples of the help texts.
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    ("polter demo", Run(0, &["What polter says", "The same, live"])),
    ("polter demo --policy close,owner", Run(0, &["close", "owner"])),
    ("polter demo --format json | jq .findings", Needs("jq", || has_tool("jq"), 0, &["fork-ghost"])),
    ("polter run -- ./server", Needs(STRACE, can_trace, 0, &["nothing to judge"])),
    ("polter run -- ./server --port 8080", Needs(STRACE, can_trace, 0, &["nothing to judge"])),
    ("polter run --stacks --log server.strace -- ./server", Needs(STRACE, can_trace, 0, &["nothing to judge"])),
    ("polter run --fail-on ghost -o report.txt -- make test", Needs("strace and make", || can_trace() && has_tool("make"), 0, &[])),
    ("polter run --format json -o report.json -- python3 -m app", Needs("strace and python3", || can_trace() && has_tool("python3"), 0, &["hello"])),
    ("strace -f -yy -o log ./server; polter judge log", Needs(STRACE, can_trace, 0, &["nothing to judge"])),
    ("strace -ff -ttt -yy -o log ./server; polter judge log.*", Needs(STRACE, can_trace, 0, &["nothing to judge"])),
    ("ssh host strace -f -yy -o /dev/stdout -p PID | polter judge", Elsewhere("it ends with the process; polter-judge's tests attach strace to one")),
    ("polter capture before; strace -f -yy -p PID -o log; polter judge --from before log", Elsewhere("it ends with the process")),
    ("polter judge --fail-on ghost log", Run(1, &["fork ghost"])),
    ("polter judge --policy close,owner a.log b.log", Run(1, &["a.log", "b.log", "close", "owner"])),
    ("polter judge --fail-on ghost,child-removes --strict log", Run(1, &["fork ghost"])),
    ("polter judge --format junit -o report.xml log", Run(1, &[])),
    ("polter report log -o page.html", Run(1, &[])),
    ("strace -f -yy -o log ./server; polter report log -o page.html", Needs(STRACE, can_trace, 0, &[])),
    ("polter report --format perfetto log -o trace.pftrace", Run(1, &[])),
    ("polter report --policy close,owner --fail-on ghost log -o page.html", Run(1, &[])),
    ("strace -f -yy -ttt -o /dev/stdout -p PID | polter watch --local", Elsewhere("it ends with the process; the tests of watch keep a pipe open")),
    ("ssh host strace -f -yy -ttt -o /dev/stdout -p PID | polter watch --format json", Elsewhere("it ends with the process")),
    ("polter capture before; strace -f -yy -ttt -o '!polter watch --local --from before' -p PID", Elsewhere("it ends with the process")),
    ("strace -f -yy -ttt -o '!polter watch' ./server", Needs(STRACE, can_trace, 0, &[])),
    ("polter watch --follow server.strace", Elsewhere("it ends with Ctrl-C: the tests of watch")),
    ("polter watch --fail-on ghost log", Run(1, &["fork-ghost", "watched: 1 finding"])),
    ("polter watch --format json log | jq -c '{time, class, comm, pid, fd, fix}'", Needs("jq", || has_tool("jq"), 0, &["fork-ghost"])),
    ("polter judge --format json log | jq '.findings[] | {class, pid, fd}'", Needs("jq", || has_tool("jq"), 0, &["fork-ghost"])),
    ("polter record -- ./server", Needs(BPF, can_record, 0, &["lines in polter.strace"])),
    ("polter record -o live.strace --pid 1234 --follow --duration 10s; polter judge live.strace", Elsewhere("it takes ten seconds; the tests of record run shorter ones")),
    ("polter record --cgroup system.slice/nginx.service --duration 1m", Elsewhere("it needs the unit, and a minute")),
    ("polter record --all --rotate 64M", Elsewhere("it ends with Ctrl-C")),
    ("polter watch --exorcise --pid PID", Elsewhere("it ends with the process; exorcist.rs does it")),
    ("polter watch --pid PID", Elsewhere("it ends with the process; the tests of record watch one")),
    ("polter top", Elsewhere("it needs a terminal; top.rs has one")),
    ("polter top --interval 5s", Elsewhere("it needs a terminal; top.rs has one")),
    ("polter --color never top", Elsewhere("it needs a terminal; top.rs has one")),
    ("polter export", Elsewhere("it ends with Ctrl-C; export.rs does it")),
    ("polter export --listen 0.0.0.0:9748 --interval 1m", Elsewhere("it ends with Ctrl-C, and other machines could ask it")),
    ("polter export --max-series 100", Elsewhere("it ends with Ctrl-C")),
    ("polter check scenarios/*.strace", Run(0, &["0 differ"])),
    ("polter check --policy close --no-kernel a.strace", Run(0, &["agree"])),
    ("polter check --kernel-version 6.1 a.strace", Run(0, &["agree"])),
    ("polter check --conformance", Run(0, &["0 broken"])),
    ("polter check --conformance --format junit -o report.xml", Run(0, &[])),
    ("polter check --random 10000 --seed 7", Run(0, &["0 differ"])),
    ("polter check --conformance --policy close", Needs(LAB, has_lab_kernel, 0, &["0 broken"])),
    ("polter witness last-fput close", Run(0, &["close"])),
    ("polter witness --all", Run(0, &["not-inherited"])),
    ("polter witness owner owner-adopt --observe wait --calls 7", Run(0, &["owner-adopt"])),
    ("polter witness last-fput kernel --calls 4", Run(0, &["0 differ"])),
    ("polter witness --all --vocabulary rights --calls 7 --shard 1/4 --format json -o 1.json", Run(0, &[])),
    ("polter witness merge 1.json 2.json 3.json 4.json", After("for part in 1 2 3 4; do polter witness --all --calls 6 --shard $part/4 --format json -o $part.json; done", 0, &["close"])),
    ("polter witness last-fput stale --scripts witnesses; polter check witnesses/*.strace", Run(0, &["agrees"])),
    ("polter race scenarios/races/*.strace", Run(0, &["nothing"])),
    ("polter witness last-fput stale --format html -o worlds.html", Run(0, &[])),
    ("polter race --format html -o races.html scenarios/races/two-waiters.strace", Run(0, &[])),
    ("polter race --fix removal-pin=off scenarios/races/instance-against-file.strace", Run(1, &["removal-pin"])),
    ("polter race --seed-bug no-wake-after-scan scenarios/races/two-waiters.strace", Run(1, &["no-wake-after-scan"])),
    ("echo '100*3 101 100*2' | polter race --schedule - scenarios/races/instance-against-file.strace", Run(0, &["100"])),
    ("polter race --states 1000000 --walks 100000 --seed 7 big.strace", Run(0, &["nothing"])),
    ("polter scan 1234", Run(1, &["fork ghost"])),
    ("polter scan --children 1234", Run(1, &["fork ghost"])),
    ("polter scan --name nginx --spin", Run(1, &["fork ghost", "spin"])),
    ("polter scan --name server --spin", Run(1, &["fork ghost", "spin"])),
    ("polter scan --all --format json | jq '.findings[] | {class, pid, fd}'", Needs("jq", || has_tool("jq"), 0, &["fork-ghost"])),
    ("polter scan --fail-on ghost,leaked-epoll $(pidof server)", Run(1, &["fork ghost"])),
    ("polter why 1234", Run(1, &["spins: fork ghost"])),
    ("polter why --children 1234", Run(1, &["spins: fork ghost"])),
    ("polter why --name nginx --for 3s", Run(1, &["spins: fork ghost"])),
    ("polter why --format json 1234 | jq '.processes[] | {pid, state, causes}'", Needs("jq", || has_tool("jq"), 0, &["fork-ghost"])),
    ("polter capture /tmp/host-a; polter scan --root /tmp/host-a", Run(1, &["fork ghost"])),
    ("polter capture snap; tar cz snap | ssh here tar xz", Run(0, &[])),
    ("polter exorcise 1234", Run(2, &["nobody to ask"])),
    ("polter exorcise PID", Run(2, &["nobody to ask"])),
    ("polter exorcise --dry-run 1234", Run(1, &["fd"])),
    ("polter exorcise --fd 7 --yes 1234", Run(0, &["no ghost"])),
    ("polter exorcise --spin --yes 1234", Needs(REMOVAL, may_exorcise, 0, &["removed", "before", "after"])),
    ("polter exorcise --fd 7 --in-table 1234 1234", Run(0, &["no ghost"])),
    ("polter exorcise --watch=5000 --yes 1234", Elsewhere("it ends with Ctrl-C: the tests of exorcise watch")),
    ("polter lab --policy close -- ./server --self-test", Needs(LAB, has_lab_kernel, 0, &[])),
    ("polter lab --policy owner,stale -- make test", Needs(LAB, has_lab_kernel, 0, &["owner", "stale"])),
    ("polter lab --all -- python3 -m app", Needs(LAB, has_lab_kernel, 0, &["not-inherited"])),
    ("polter lab --policy stale --time-limit 300 -- polter check --conformance --policy stale", Needs(LAB, has_lab_kernel, 0, &["0 broken"])),
    ("polter completions bash > ~/.local/share/bash-completion/completions/polter", Run(0, &[])),
    ("polter completions fish > ~/.config/fish/completions/polter.fish", Run(0, &[])),
    ("polter man | man -l -", Needs("man", || has_tool("man"), 0, &["polter"])),
    ("polter man ~/.local/share/man/man1", Run(0, &[])),
];

/// The commands of README.md.
#[rustfmt::skip]
pub(super) const README: &[Row] = &[
    ("just dist && sudo install target/dist/polter-*-$(uname -m)-linux /usr/local/bin/polter", Elsewhere("a release does it, and scripts/try-dist")),
    ("sudo dpkg -i target/dist/polter_*_$(dpkg --print-architecture).deb", Elsewhere("scripts/try-dist does, in a fresh Debian")),
    ("cargo install --path crates/polter", Elsewhere("scripts/package-check does, from the packages")),
    ("cargo run --release -- demo", Elsewhere("CI does")),
    ("cargo test --workspace", Elsewhere("this is it")),
    ("polter why PID", Run(1, &["spins: fork ghost"])),
    ("cargo build --release & kernels/build && wait $!", Elsewhere("CI runs kernels/build")),
    ("just guests", Elsewhere("it needs qemu and the packages of two kernels")),
    ("strace -f -yy -o log ./server", Needs(STRACE, can_trace, 0, &[])),
    ("strace -f -yy -ttt -o /dev/stdout -p PID | polter watch --local", Elsewhere("it ends with the process")),
    ("polter record --pid PID --follow --duration 10s && polter judge polter.strace", Elsewhere("it takes ten seconds; the tests of record run shorter ones")),
    ("polter watch --pid PID", Elsewhere("it ends with the process; the tests of record watch one")),
    ("polter top", Elsewhere("it needs a terminal; top.rs has one")),
    ("polter export", Elsewhere("it ends with Ctrl-C; export.rs does it")),
    ("polter judge log", Run(1, &["fork ghost"])),
    ("polter judge --fail-on ghost log", Run(1, &["fork ghost"])),
    ("polter report log -o page.html", Run(1, &[])),
    ("polter capture before && strace -f -yy -p PID -o log; polter judge --from before log", Elsewhere("it ends with the process")),
    ("polter run -- ./server --port 8080", Needs(STRACE, can_trace, 0, &["nothing to judge"])),
    ("polter scan --fail-on ghost \"$server_pid\"", Run(1, &["fork ghost"])),
    ("polter scan --spin PID", Run(1, &["fork ghost", "spin"])),
    ("polter exorcise PID", Run(2, &["nobody to ask"])),
    ("polter lab --policy stale -- ./server --self-test", Needs(LAB, has_lab_kernel, 0, &[])),
    ("polter lab --all -- make test", Needs(LAB, has_lab_kernel, 0, &["not-inherited"])),
    ("polter witness last-fput close", Run(0, &["close"])),
    ("polter check scenarios/*.strace", Run(0, &["0 differ"])),
    ("polter check --conformance", Run(0, &["0 broken"])),
    ("polter check --random 10000", Run(0, &["0 differ"])),
    ("polter race scenarios/races/*.strace", Run(0, &["nothing"])),
    ("polter race --fix removal-pin=off scenarios/races/instance-against-file.strace", Run(1, &["removal-pin"])),
];

/// The commands of docs/ci.md.
#[rustfmt::skip]
pub(super) const CI: &[Row] = &[
    ("polter run --fail-on ghost --log polter.strace --format sarif -o polter.sarif -- make test", Needs("strace and make", || can_trace() && has_tool("make"), 0, &[])),
    ("polter run --fail-on ghost --log polter.strace --format junit -o polter.xml -- make test", Needs("strace and make", || can_trace() && has_tool("make"), 0, &[])),
    ("polter judge --fail-on ghost --format junit -o polter.xml log", Run(1, &[])),
    ("polter judge --format sarif a.log b.log | jq '.runs[0].results[] | {ruleId, level}'", Needs("jq", || has_tool("jq"), 0, &["fork-ghost", "error"])),
    ("polter scan --fail-on ghost \"$server_pid\"", Run(1, &["fork ghost"])),
    ("polter check --conformance --format junit -o epoll.xml", Run(0, &[])),
];
