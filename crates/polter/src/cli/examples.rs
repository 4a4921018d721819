//! The end of each help text: examples, and exit codes where they are special.

use eventpoll::stepped::{Fix, Seed};

use crate::exit::Exit;

pub(super) const POLTER: &str = "\
Examples:
  polter demo                                a ghost, from log to removal; needs no setup
  polter run -- ./server                     watch a command, then judge it
  strace -f -yy -o log ./server; polter judge log
  polter judge --fail-on ghost log           in CI: no ghosts
  polter scan --name server --spin           what runs now
  polter exorcise PID                        removes its ghosts, live";

pub(super) const DEMO: &str = "\
Examples:
  polter demo
  polter demo --policy close,owner
  polter demo --format json | jq .findings";

pub(super) const JUDGE: &str = "\
Examples:
  strace -f -yy -o log ./server; polter judge log
  ssh host strace -f -yy -o /dev/stdout -p PID | polter judge
  strace -ff -ttt -yy -o log ./server; polter judge log.*
  polter capture before; strace -f -yy -p PID -o log; polter judge --from before log
  polter judge --policy close,owner a.log b.log
  polter judge --fail-on ghost,child-removes --strict log
  polter judge --format junit -o report.xml log
  polter judge --format json log | jq '.findings[] | {class, pid, fd}'

A policy is a rule for when a registration ends:
  last-fput       with the last reference to its file: Linux today
  close           when any process closes the fd, or exits
  close-not-exit  the same, but an exit does not count
  owner           when the process that made it closes the fd, or exits
  owner-adopt     the same, but another process may take it over
  stale           as today, but an instance that came by fork answers ESTALE
  not-inherited   as owner, and fork does not copy the instance (kqueue)";

pub(super) const REPORT: &str = "\
Examples:
  polter report log -o page.html
  strace -f -yy -o log ./server; polter report log -o page.html
  polter report --policy close,owner --fail-on ghost log -o page.html
  polter report --format perfetto log -o trace.pftrace   to open in ui.perfetto.dev";

pub(super) const WATCH: &str = "\
Examples:
  strace -f -yy -ttt -o /dev/stdout -p PID | polter watch --local
  ssh host strace -f -yy -ttt -o /dev/stdout -p PID | polter watch --format json
  polter capture before; strace -f -yy -ttt -o '!polter watch --local --from before' -p PID
  strace -f -yy -ttt -o '!polter watch' ./server    beside the server's own output
  polter watch --pid PID                            recorded by the kernel, as root
  polter watch --exorcise --pid PID                 and removes each ghost when it is made
  polter watch --follow server.strace               while strace -o server.strace writes it
  polter watch --fail-on ghost log                  a log that is whole
  polter watch --format json log | jq -c '{time, class, comm, pid, fd, fix}'";

pub(super) const RUN: &str = "\
Examples:
  polter run -- ./server --port 8080
  polter run --stacks --log server.strace -- ./server
  polter run --fail-on ghost -o report.txt -- make test
  polter run --format json -o report.json -- python3 -m app";

#[cfg(feature = "bpf")]
pub(super) const RECORD: &str = "\
Examples:
  polter record -- ./server                  from its first call on; now: polter judge polter.strace
  polter record -o live.strace --pid 1234 --follow --duration 10s; polter judge live.strace
  polter record --cgroup system.slice/nginx.service --duration 1m
  polter record --all --rotate 64M           until Ctrl-C, in ten files at most

Exit codes:
  0  recorded; a command's own exit code is passed on
  2  error: a wrong command line, a file that cannot be written, a kernel that does not record; or
     records were lost, and the recording says where";

const CHECK: &str = "\
Examples:
  polter check scenarios/*.strace            written, model and kernel: all the same?
  polter check --policy close --no-kernel a.strace
  polter check --kernel-version 6.1 a.strace  as Linux 6.1 answers
  polter check --conformance                 which facts about epoll hold on this kernel
  polter check --conformance --format junit -o report.xml
  polter check --random 10000 --seed 7       the model against this kernel
  polter check --conformance --policy close  on a kernel with that policy, in a guest

A line under a call says where it answers otherwise, as whole call or result:
  # close, owner: epoll_wait(3, [], 8, 0) = 0
  # before 6.10: = -1 EINVAL (Invalid argument)";

pub(super) fn check() -> String {
    format!("{CHECK}\n\n{}", Exit::CHECK_HELP)
}
const WITNESS: &str = "\
Examples:
  polter witness last-fput close             what would break if close removed registrations?
  polter witness --all                       every pair of policies: how few calls tell them apart
  polter witness owner owner-adopt --observe wait --calls 7
  polter witness last-fput kernel --calls 4  all programs of up to four calls, on this kernel too
  polter witness --all --vocabulary rights --calls 7 --shard 1/4 --format json -o 1.json
  polter witness merge 1.json 2.json 3.json 4.json
  polter witness last-fput stale --format html -o worlds.html
  polter witness last-fput stale --scripts witnesses; polter check witnesses/*.strace";

pub(super) fn witness() -> String {
    format!("{WITNESS}\n\n{}", Exit::WITNESS_HELP)
}

const RACE: &str = "\
Examples:
  polter race scenarios/races/*.strace       Linux today: nothing can go wrong
  polter race --fix removal-pin=off scenarios/races/instance-against-file.strace
  polter race --seed-bug no-wake-after-scan scenarios/races/two-waiters.strace
  polter race --format html -o races.html scenarios/races/two-waiters.strace
  echo '100*3 101 100*2' | polter race --schedule - scenarios/races/instance-against-file.strace
  polter race --states 1000000 --walks 100000 --seed 7 big.strace

A schedule is the tasks' pids in the order of their steps: 100*3 is three steps of
task 100, 100t its timer going off.";

/// The help of `polter race`, with every fix and every mistake.
pub(super) fn race() -> String {
    let seeds = Seed::ALL.map(|seed| format!("  {:22} {}\n", seed.name(), seed.summary()));
    let seeds = seeds.concat();
    let fixes = Fix::ALL.map(|fix| format!("  {:22} {}\n", fix.name(), fix.summary()));
    let fixes = fixes.concat();
    format!(
        "{RACE}\n\nFixes for --fix:\n{fixes}\nMistakes for --seed-bug:\n{seeds}\n{}",
        Exit::RACE_HELP
    )
}

pub(super) const SCAN: &str = "\
Examples:
  polter scan 1234                           the instances process 1234 holds
  polter scan --children 1234                and its workers'
  polter scan --name nginx --spin            which process uses a core, and why
  polter scan --all --format json | jq '.findings[] | {class, pid, fd}'
  polter scan --fail-on ghost,leaked-epoll $(pidof server)";

pub(super) const WHY: &str = "\
Examples:
  polter why 1234                            why it uses a core, or answers nobody
  polter why --children 1234                 and its workers
  polter why --name nginx --for 3s           all processes of that name, for longer
  polter why --format json 1234 | jq '.processes[] | {pid, state, causes}'";

pub(super) const CAPTURE: &str = "\
Examples:
  polter capture /tmp/host-a; polter scan --root /tmp/host-a
  polter capture snap; tar cz snap | ssh here tar xz";

pub(super) const TOP: &str = "\
Examples:
  polter top
  polter top --interval 5s
  polter --color never top                   shows the same without colours

Exit codes:
  0   the user ended it
  2   error: there is no terminal, no process may be read";

pub(super) const EXPORT: &str = "\
Examples:
  polter export                              serves http://127.0.0.1:9748/metrics until Ctrl-C
  polter export --listen 0.0.0.0:9748 --interval 1m
  polter export --max-series 100

dist/prometheus/ in the source has alert rules and a Grafana dashboard; docs/export.md lists the metrics.

Exit codes:
  0   a signal ended it
  2   error: the address is taken, no process may be read";

pub(super) const EXORCISE: &str = "\
Examples:
  polter exorcise 1234                       shows what it would do, and asks
  polter exorcise --dry-run 1234
  polter exorcise --fd 7 --yes 1234
  polter exorcise --spin --yes 1234          and what the process used before and after
  polter exorcise --fd 7 --in-table 1234 1234
                                             its child can name the file, and loses it too
  polter exorcise --watch=5000 --yes 1234    every 5 s until Ctrl-C, which ends with a sum";

pub(super) const LAB: &str = "\
Examples:
  polter lab --policy close -- ./server --self-test
  polter lab --policy owner,stale -- make test      a table of how each ended
  polter lab --all -- python3 -m app
  polter lab --policy stale --time-limit 300 -- polter check --conformance --policy stale

Exit codes:
  of the command   with one policy
  0                with several: it ended everywhere as it does under last-fput
  1                with several: somewhere it did not
  2                there is no kernel, or a guest could not be run
  124              with one policy: the time was over";

pub(super) const COMPLETIONS: &str = "\
Examples:
  polter completions bash > ~/.local/share/bash-completion/completions/polter
  polter completions fish > ~/.config/fish/completions/polter.fish";

pub(super) const MAN: &str = "\
Examples:
  polter man | man -l -
  polter man ~/.local/share/man/man1";
