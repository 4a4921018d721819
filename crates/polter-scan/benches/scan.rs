//! How long a scan takes, by either way, beside other tools on the same processes.
//!
//! `cargo bench -p polter-scan --bench scan [-- --kind pipe|eventfd|socket] [--rounds N] [--way
//! WORD]` stages two machines and measures each way in turns; medians are printed, of the time that
//! passed and of the CPU time of this process (not of what it starts).
//!
//! - 99,900 registrations in 5 instances, 1,000 of them ghosts (a duplicate keeps each);
//! - 1,000 processes with 100 files each, and no ghost.
#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _, IntoRawFd as _, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use polter_scan::{By, Choice, Limits, Proc, Report, ScanError, Scope, Snapshot};
use rustix::event::{EventfdFlags, epoll};
use rustix::process::{Resource, Rlimit};

const INSTANCES: usize = 5;
/// As many as a hard limit of 20,000 fds a process allows.
const REGISTRATIONS: usize = 99_900;
const GHOSTS: usize = 1_000;
const PROCESSES: usize = 1_000;
const FILES: usize = 100;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let after = |name: &str| {
        let at = args.iter().position(|it| it == name)?;
        args.get(at + 1)
    };
    if let Some(role) = after("--stage") {
        return stage(role, after("--kind").map_or("pipe", String::as_str));
    }
    let kinds = match after("--kind") {
        Some(kind) => vec![kind.as_str()],
        None => vec!["pipe", "socket", "eventfd"],
    };
    let rounds = after("--rounds")
        .and_then(|it| it.parse().ok())
        .unwrap_or(7);
    let way = after("--way").map_or("", String::as_str);
    for kind in kinds {
        let staged = Staged::start(INSTANCES, "ghosts", kind);
        measure(
            &format!("99,900 registrations of {kind}s, 1,000 ghosts"),
            &staged,
            (rounds, way),
            GHOSTS,
        );
    }
    let staged = Staged::start(PROCESSES, "healthy", "pipe");
    measure(
        "1,000 processes of 100 files, no ghost",
        &staged,
        (rounds, way),
        0,
    );
}

const BY_BPF: &str = "scan by bpf";
const BY_PROC: &str = "scan by /proc";
const CAT: &str = "cat fdinfo";

/// Does it once, and says what came of it, and how long its kcmp calls took together; nothing
/// if it cannot be done here.
type Way<'a> = Box<dyn FnMut() -> Option<(String, Duration)> + 'a>;

/// Times every way, one after the other, so often.
fn measure(title: &str, staged: &Staged, (rounds, chosen): (usize, &str), ghosts: usize) {
    println!("\n{title}");
    let pids = staged.pids();
    let scope = Scope::Pids(pids.clone());
    let list: Vec<String> = pids.iter().map(u32::to_string).collect();
    let list = list.join(",");
    let mut ways: Vec<(&'static str, Way<'_>)> = vec![
        (BY_BPF, {
            let scope = scope.clone();
            Box::new(move || scan(&scope, Choice::Bpf, ghosts))
        }),
        (
            BY_PROC,
            Box::new(move || scan(&scope, Choice::Proc, ghosts)),
        ),
        (CAT, Box::new(|| Some((cat(staged), Duration::ZERO)))),
        ("lsfd -p", {
            let list = list.clone();
            Box::new(move || run(Command::new("lsfd").args(["-p", &list])))
        }),
        (
            "lsof -p",
            Box::new(move || run(Command::new("lsof").args(["-nP", "-p", &list]))),
        ),
    ];
    ways.retain(|(name, _)| name.contains(chosen));
    let mut measured: Vec<Measured> = ways.iter().map(|(name, _)| Measured::new(name)).collect();
    for _ in 0..rounds {
        for ((_, way), measured) in ways.iter_mut().zip(&mut measured) {
            measured.round(way);
        }
    }
    for way in &measured {
        way.print();
    }
    print_ratios(&measured);
}

/// What the rounds of one way have shown.
struct Measured {
    name: &'static str,
    took: Vec<Duration>,
    /// The CPU time of this process.
    used: Vec<Duration>,
    in_kcmp: Vec<Duration>,
    said: Option<String>,
}

impl Measured {
    fn new(name: &'static str) -> Measured {
        Measured {
            name,
            took: Vec::new(),
            used: Vec::new(),
            in_kcmp: Vec::new(),
            said: None,
        }
    }

    fn round(&mut self, way: &mut Way<'_>) {
        // What takes this long takes it every time.
        if self.took.iter().sum::<Duration>() > Duration::from_secs(20) {
            return;
        }
        let (start, cpu) = (Instant::now(), cpu_time());
        let done = way();
        self.took.push(start.elapsed());
        self.used.push(cpu_time() - cpu);
        self.in_kcmp.extend(done.as_ref().map(|(_, kcmp)| *kcmp));
        self.said = done.map(|(said, _)| said);
    }

    fn print(&self) {
        let name = self.name;
        let Some(said) = &self.said else {
            return println!("  {name:<14}   skipped: not here, or not permitted");
        };
        let ms = |times: &[Duration]| median(times.iter().map(|it| it.as_secs_f64() * 1e3));
        let (took, used) = (ms(&self.took), ms(&self.used));
        println!("  {name:<14} {took:>9.1} ms, {used:>9.1} ms here of a CPU;  {said}");
    }

    /// The median of what this takes in units of what `cat` takes in the same round, less `share` of
    /// the kcmp calls.
    fn times(&self, cat: &Measured, share: f64) -> f64 {
        let rounds = self.took.iter().zip(&self.in_kcmp).zip(&cat.took);
        median(rounds.map(|((scan, kcmp), cat)| {
            (scan.as_secs_f64() - kcmp.as_secs_f64() * share) / cat.as_secs_f64()
        }))
    }
}

fn print_ratios(measured: &[Measured]) {
    let of = |name| {
        measured
            .iter()
            .find(|it| it.name == name && it.said.is_some())
    };
    let Some(cat) = of(CAT) else { return };
    if let Some(scan) = of(BY_BPF) {
        let times = scan.times(cat, 0.0);
        println!("  {BY_BPF} takes {times:.2} times as long as {CAT}");
    }
    if let Some(scan) = of(BY_PROC) {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        let (of_all, of_one) = (scan.times(cat, 1.0), scan.times(cat, 1.0 / cpus));
        println!(
            "  {BY_PROC} takes {of_all:.2} times as long as {CAT}, its kcmp calls (of all threads) taken off, \
             {of_one:.2} times with one CPU's share of them taken off"
        );
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn scan(scope: &Scope, choice: Choice, ghosts: usize) -> Option<(String, Duration)> {
    let taken = Snapshot::take_by(&Proc::live(), scope, choice, &Limits::default());
    let snapshot = match taken {
        Err(ScanError::NoWalk(_)) => return None,
        taken => taken.expect("a snapshot"),
    };
    assert_eq!(snapshot.source.by == By::Bpf, choice == Choice::Bpf);
    let report = Report::of(&snapshot);
    let of_class = report.findings.iter().filter(|it| it.class.is_ghost());
    let found = of_class.count();
    if report.unknown == 0 {
        assert_eq!(found, ghosts);
    }
    let effort = report.effort;
    let said = format!(
        "{found} ghosts, {} unknown; {} kcmp in {:.1} ms, {} left out; {} walks, {} looks",
        report.unknown,
        effort.kcmp_calls,
        effort.kcmp_us as f64 / 1e3,
        effort.kcmp_left_out,
        effort.walks,
        effort.looks
    );
    Some((said, Duration::from_micros(effort.kcmp_us)))
}

/// What this process has used, which a busy machine changes little.
fn cpu_time() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.cast_unsigned(), now.tv_nsec as u32)
}

/// Reads the fdinfo of every instance, as cat would, and throws it away.
fn cat(staged: &Staged) -> String {
    let mut bytes = 0;
    let mut buffer = vec![0; 128 << 10];
    for (child, epoll) in &staged.0 {
        let path = format!("/proc/{}/fdinfo/{epoll}", child.id());
        let Ok(mut file) = std::fs::File::open(path) else {
            continue;
        };
        while let Ok(count @ 1..) = file.read(&mut buffer) {
            bytes += count;
        }
    }
    format!("{bytes} bytes")
}

fn run(command: &mut Command) -> Option<(String, Duration)> {
    let output = command.stderr(Stdio::null()).output().ok()?;
    let lines = output.stdout.iter().filter(|byte| **byte == b'\n').count();
    Some((format!("{lines} lines"), Duration::ZERO))
}

/// Processes in a state, as long as this value lives, and the fd of each one's instance.
struct Staged(Vec<(Child, i32)>);

impl Staged {
    fn start(count: usize, role: &str, kind: &str) -> Staged {
        let own = std::env::current_exe().expect("a benchmark has a file");
        let start = |_| {
            let command = &mut Command::new(&own);
            let command = command.args(["--stage", role, "--kind", kind]);
            command
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .map(|child| (child, -1))
                .expect("a child")
        };
        let mut staged = Staged((0..count).map(start).collect());
        for (child, epoll) in &mut staged.0 {
            let stdout = child.stdout.take().expect("it is piped");
            let mut line = String::new();
            BufReader::new(stdout).read_line(&mut line).expect("a line");
            *epoll = line.trim().parse().expect("the instance's number");
        }
        staged
    }

    fn pids(&self) -> Vec<u32> {
        self.0.iter().map(|(child, _)| child.id()).collect()
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        for (child, _) in &mut self.0 {
            drop(child.stdin.take());
        }
        for (child, _) in &mut self.0 {
            let _ = child.wait();
        }
    }
}

/// A child: makes its files, and waits for its standard input to end.
fn stage(role: &str, kind: &str) {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    let wanted = (REGISTRATIONS / INSTANCES + 100) as u64;
    let raised = Rlimit {
        current: Some(wanted),
        maximum: limit.maximum.map(|it| it.max(wanted)),
    };
    let own = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    rustix::process::setrlimit(Resource::Nofile, raised)
        .or_else(|_| rustix::process::setrlimit(Resource::Nofile, own))
        .expect("a limit");
    let instance = epoll::create(epoll::CreateFlags::CLOEXEC).expect("an instance");
    let (files, ghosts) = match role {
        "ghosts" => (REGISTRATIONS / INSTANCES, GHOSTS / INSTANCES),
        _ => (FILES, 0),
    };
    for nth in 0..files {
        let file = file(kind);
        let data = epoll::EventData::new_u64(nth as u64);
        epoll::add(&instance, &file, data, epoll::EventFlags::IN)
            .expect("the hard limit is too low: run as root");
        if nth < ghosts {
            let _ = rustix::io::fcntl_dupfd_cloexec(file.as_fd(), 4)
                .expect("a copy")
                .into_raw_fd();
            drop(file);
        } else {
            let _ = file.into_raw_fd();
        }
    }
    println!("{}", instance.as_raw_fd());
    std::io::stdout().flush().expect("somebody listens");
    let _ = std::io::stdin().read(&mut [0]);
}

fn file(kind: &str) -> OwnedFd {
    match kind {
        "pipe" => rustix::pipe::pipe().expect("a pipe").0,
        "socket" => rustix::net::socket(
            rustix::net::AddressFamily::UNIX,
            rustix::net::SocketType::DGRAM,
            None,
        )
        .expect("a socket"),
        _ => rustix::event::eventfd(0, EventfdFlags::CLOEXEC).expect("an eventfd"),
    }
}
