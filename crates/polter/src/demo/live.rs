//! The demo's second half: a ghost in a running program, found, shown and removed.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anstyle::Style;
use polter_scan::{Finding, Options, Outcome, Plan, Proc, Report, Scope, Snapshot};

use crate::failure::Failure;
use crate::report::text;

/// How long the worker is watched.
const WINDOW: Duration = Duration::from_millis(500);

/// How often polter checks whether the worker is ready or sleeps, and how far apart.
const LOOKS: usize = 1_000;
const APART: Duration = Duration::from_millis(5);

/// How often the worker is scanned until it is seen to spin: a busy machine may give it no CPU.
const TRIES: usize = 5;

const TITLE: Style = Style::new().bold();

/// Starts a haunted worker, finds its ghost, shows what it costs, and removes it.
pub(super) fn tell(out: &mut dyn Write) -> Result<(), Failure> {
    writeln!(out, "{TITLE}The same, live{TITLE:#}\n")?;
    writeln!(
        out,
        "A worker registers a pipe, forks a child that sleeps, and closes its own copy of the pipe.\n"
    )?;
    let worker = Worker::start()?;
    let pid = worker.pid();
    worker.until(|| worker.wake_ups() > 1);
    let mut report = scan(pid)?;
    // Other processes on this machine are no part of the demo.
    (report.refused, report.vanished) = (0, 0);
    let before = worker.wake_ups();
    let start = Instant::now();
    report.watch(&Proc::live(), WINDOW);
    let rate = per_second(worker.wake_ups() - before, start.elapsed());
    writeln!(
        out,
        "{TITLE}$ polter scan --spin --source proc {pid}{TITLE:#}"
    )?;
    text::write_scan(out, &report)?;
    writeln!(
        out,
        "\nThe worker wakes up {rate} times a second, for nothing.\n"
    )?;
    exorcise(out, &worker)
}

/// Scans the worker; again if it did not get a CPU to spin on.
fn scan(pid: u32) -> Result<Report, Failure> {
    let mut tries = 1..TRIES;
    loop {
        let mut snapshot = Snapshot::take(&Proc::live(), &Scope::Pids(vec![pid]))?;
        snapshot.gather_evidence(&Proc::live(), WINDOW);
        let report = Report::of(&snapshot);
        let is_harmless = |it: &Finding| it.class.is_ghost() && it.fix.contains("--likely");
        let is_told = report.findings.iter().any(|it| it.class.is_ghost());
        if tries.next().is_none() || is_told && !report.findings.iter().any(is_harmless) {
            return Ok(report);
        }
    }
}

fn exorcise(out: &mut dyn Write, worker: &Worker) -> Result<(), Failure> {
    let pid = worker.pid();
    writeln!(out, "{TITLE}$ polter exorcise --yes {pid}{TITLE:#}")?;
    // The worker is polter's own and never brings the file back to its fd, so a slow machine is no danger to it.
    let options = Options {
        slow: true,
        ..Options::default()
    };
    let mut plan = Plan::make(&Proc::live(), pid, &options)?;
    plan.carry_out()?;
    for _ in 1..TRIES {
        if plan.count(&Outcome::Removed) > 0 {
            break;
        }
        plan = Plan::make(&Proc::live(), pid, &options)?;
        plan.carry_out()?;
    }
    text::write_exorcism(out, &plan)?;
    if plan.count(&Outcome::Removed) == 0 {
        return Ok(writeln!(
            out,
            "\nWhere that is permitted the ghost is removed, and the worker wakes up 0 times a second."
        )?);
    }
    worker.until(|| worker.is_sleeping());
    let (start, before) = (Instant::now(), worker.wake_ups());
    thread::sleep(WINDOW);
    let rate = per_second(worker.wake_ups() - before, start.elapsed());
    let silence = "and runs on as before, without its ghost";
    Ok(writeln!(
        out,
        "\nThe worker wakes up {rate} times a second, {silence}."
    )?)
}

fn per_second(count: u64, took: Duration) -> u64 {
    (count as f64 / took.as_secs_f64()) as u64
}

/// The worker; it ends when this value is dropped, or with polter.
struct Worker {
    child: Child,
    /// Its standard input, which is never written to.
    _life: ChildStdin,
    count: File,
}

impl Worker {
    fn start() -> io::Result<Worker> {
        let count = tempfile::tempfile()?;
        let me = std::process::id().to_string();
        let mut child = Command::new(std::env::current_exe()?)
            .args(["demo-worker", &me])
            .stdin(Stdio::piped())
            .stdout(count.try_clone()?)
            .spawn()?;
        let life = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Worker {
            child,
            _life: life,
            count,
        })
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How often it has woken up so far.
    fn wake_ups(&self) -> u64 {
        let mut count = [0; 8];
        let read = self.count.read_exact_at(&mut count, 0);
        read.map_or(0, |()| u64::from_ne_bytes(count))
    }

    fn is_sleeping(&self) -> bool {
        let stat = Proc::live().stat(self.pid());
        stat.is_ok_and(|stat| stat.state == 'S')
    }

    /// Waits until something is true that is expected in a moment.
    fn until(&self, is_so: impl Fn() -> bool) {
        for _ in 0..LOOKS {
            if is_so() {
                return;
            }
            thread::sleep(APART);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It fails if the worker has ended by itself, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
