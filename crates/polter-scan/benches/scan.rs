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
    let mut ways: Vec<(&str, Way<'_>)> = vec![
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
    let mut took: Vec<Vec<Duration>> = vec![Vec::new(); ways.len()];
    let mut used = took.clone();
    let mut said = vec![None; ways.len()];
    let mut in_kcmp: Vec<Duration> = Vec::new();
    for _ in 0..rounds {
        for at in 0..ways.len() {
            let way = &mut ways[at].1;
            // What takes this long takes it every time.
            if took[at].iter().sum::<Duration>() > Duration::from_secs(20) {
                continue;
            }
            let (start, cpu) = (Instant::now(), cpu_time());
            let done = way();
            took[at].push(start.elapsed());
            used[at].push(cpu_time() - cpu);
            if ways[at].0 == BY_PROC {
                in_kcmp.extend(done.as_ref().map(|(_, kcmp)| *kcmp));
            }
            said[at] = done.map(|(said, _)| said);
        }
    }
    let of = |name| ways.iter().position(|(other, _)| *other == name);
    // In units of what cat takes in the same round, less so much of the kcmp calls.
    let times_cat = |name, share: f64| {
        let (scan, cat) = of(name).zip(of(CAT))?;
        let kcmp = in_kcmp.iter().map(|it| it.as_secs_f64() * share);
        let kcmp = kcmp.chain(std::iter::repeat(0.0));
        let rounds = took[scan].iter().zip(&took[cat]).zip(kcmp);
        let ratio = |((scan, cat), kcmp): ((&Duration, &Duration), f64)| {
            (scan.as_secs_f64() - kcmp) / cat.as_secs_f64()
        };
        let mut ratios: Vec<f64> = rounds.map(ratio).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        ratios.get(ratios.len() / 2).copied()
    };
    let cpus = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    let ratios = [(BY_BPF, 0.0), (BY_PROC, 1.0), (BY_PROC, 1.0 / cpus)];
    let ratios = ratios.map(|(name, share)| times_cat(name, share));
    for (at, (name, _)) in ways.iter().enumerate() {
        let ms = |times: &mut Vec<Duration>| {
            times.sort_unstable();
            times[times.len() / 2].as_secs_f64() * 1e3
        };
        let (took, used) = (ms(&mut took[at]), ms(&mut used[at]));
        match &said[at] {
            Some(said) => {
                println!("  {name:<14} {took:>9.1} ms, {used:>9.1} ms here of a CPU;  {said}");
            }
            None => println!("  {name:<14}   skipped: not here, or not permitted"),
        }
    }
    let [by_bpf, by_proc, by_proc_beside] = ratios;
    if let Some(times) = by_bpf.filter(|_| said[of(BY_BPF).unwrap_or(0)].is_some()) {
        println!("  {BY_BPF} takes {times:.2} times as long as {CAT}");
    }
    if let Some((of_all, of_one)) = by_proc.zip(by_proc_beside) {
        println!(
            "  {BY_PROC} takes {of_all:.2} times as long as {CAT}, its kcmp calls (of all threads) taken off, \
             {of_one:.2} times with one CPU's share of them taken off"
        );
    }
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
