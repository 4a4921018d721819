//! Lines a second, judged under all seven policies, and the memory it takes.
//!
//! ```text
//! cargo bench -p polter-judge                   64 MiB of log
//! cargo bench -p polter-judge -- --gigabyte     1 GiB
//! ```
//! The log is a server's: eight workers with ten thousand connections, made
//! while it is read.

use std::fmt::Write as _;
use std::io::{BufReader, Read};
use std::time::Instant;

use eventpoll::Policy;
use polter_judge::{Judge, Verdict};

const WORKERS: usize = 8;
const CONNECTIONS: usize = 10_000;

fn main() {
    let is_long = std::env::args().any(|arg| arg == "--gigabyte");
    let bytes = if is_long { 1 << 30 } else { 1 << 26 };
    let mut judge = Judge::new(&Policy::ALL);
    let log = BufReader::with_capacity(1 << 16, Server::new(bytes));
    let start = Instant::now();
    judge.read(log, |_| {}).expect("memory can be read");
    let verdict = judge.finish();
    report(&verdict, bytes, start.elapsed().as_secs_f64());
}

#[expect(clippy::print_stdout, reason = "a benchmark reports its figures")]
fn report(verdict: &Verdict, bytes: usize, seconds: f64) {
    let log = &verdict.log;
    println!(
        "{} lines of {:.0} bytes in {seconds:.2} s: {:.2} million lines/s, {:.0} MB/s",
        log.lines,
        bytes as f64 / log.lines as f64,
        log.lines as f64 / seconds / 1e6,
        bytes as f64 / seconds / 1e6,
    );
    if let Some(busy) = busy() {
        println!(
            "{busy:.2} s of processor time, making the log included: {:.2} million lines/s",
            log.lines as f64 / busy / 1e6
        );
    }
    println!(
        "{} tasks, {} instances, {} registrations, {} events, {} findings, {} warnings",
        log.tasks,
        log.instances,
        log.registrations,
        log.events,
        verdict.findings.len(),
        log.warning_count,
    );
    for policy in &verdict.policies {
        println!("{:16} breaks {}", policy.policy, policy.break_count);
    }
    println!(
        "peak resident memory: {}",
        peak().unwrap_or_else(|| "unknown".to_string())
    );
    assert_eq!(
        (log.warning_count, log.unknown_events),
        (0, 0),
        "the log can be followed"
    );
}

/// The processor time of this process, in seconds: on a busy machine the better figure.
fn busy() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    let nanoseconds: f64 = stat.split(' ').next()?.parse().ok()?;
    Some(nanoseconds / 1e9)
}

/// The most memory this process ever had, as the kernel says it.
fn peak() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().to_string())
}

/// A log of a server, a turn of a worker's loop at a time.
struct Server {
    text: String,
    at: usize,
    left: usize,
    turn: usize,
    workers: Vec<Worker>,
    next_pid: u32,
    random: u64,
}

struct Worker {
    pid: u32,
    live: Vec<u32>,
    free: Vec<u32>,
}

impl Server {
    fn new(bytes: usize) -> Server {
        let mut server = Server {
            text: String::new(),
            at: 0,
            left: bytes,
            turn: 0,
            workers: Vec::new(),
            next_pid: 1000 + WORKERS as u32,
            random: 0x9e37_79b9_7f4a_7c15,
        };
        server.say("999   socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 3<TCP:[100]>");
        for pid in (1000..).take(WORKERS) {
            server.say(&format!(
                "999   clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f9a) = {pid}"
            ));
            server.say(&format!(
                "{pid}  epoll_create1(EPOLL_CLOEXEC) = 4<anon_inode:[eventpoll]>"
            ));
            server.say(&format!(
                "{pid}  {}",
                ctl("ADD", 3, "EPOLLIN|EPOLLEXCLUSIVE")
            ));
            let numbers = 5..5 + (CONNECTIONS / WORKERS) as u32 + 50;
            server.workers.push(Worker {
                pid,
                live: Vec::new(),
                free: numbers.rev().collect(),
            });
        }
        server
    }

    fn say(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn random(&mut self, below: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        (self.random % below as u64) as usize
    }

    /// A wait, and what is done about each of its events.
    fn turn(&mut self) {
        self.turn += 1;
        let at = self.turn % WORKERS;
        let pid = self.workers[at].pid;
        let is_filling = self.workers[at].live.len() < CONNECTIONS / WORKERS;
        let mut ready: Vec<u32> = (0..1 + self.random(8))
            .filter_map(|_| {
                let pick = self.random(self.workers[at].live.len().max(1));
                self.workers[at].live.get(pick).copied()
            })
            .collect();
        ready.sort_unstable();
        ready.dedup();
        if is_filling {
            ready.insert(0, 3);
        }
        let events: Vec<String> = ready
            .iter()
            .map(|fd| format!("{{events=EPOLLIN, data={{u32={fd}, u64={fd}}}}}"))
            .collect();
        let (events, count) = (events.join(", "), ready.len());
        let call = "epoll_wait(4<anon_inode:[eventpoll]>, ";
        if self.turn.is_multiple_of(3) {
            self.say(&format!("{pid}  {call} <unfinished ...>"));
            self.say(&format!(
                "{pid}  <... epoll_wait resumed>[{events}], 128, 1000) = {count}"
            ));
        } else {
            self.say(&format!("{pid}  {call}[{events}], 128, 1000) = {count}"));
        }
        for fd in ready {
            match fd {
                3 => self.accept(at),
                fd => self.serve(at, fd),
            }
        }
        if self.turn.is_multiple_of(1000) {
            self.spawn(pid);
        }
    }

    fn accept(&mut self, at: usize) {
        let pid = self.workers[at].pid;
        let Some(fd) = self.workers[at].free.pop() else {
            return;
        };
        let port = 20_000 + self.random(40_000);
        self.say(&format!(
            "{pid}  accept4(3<TCP:[127.0.0.1:80]>, {{sa_family=AF_INET, sin_port=htons({port}), sin_addr=inet_addr(\"127.0.0.1\")}}, \
             [16], SOCK_CLOEXEC|SOCK_NONBLOCK) = {fd}<TCP:[127.0.0.1:80->127.0.0.1:{port}]>"
        ));
        self.say(&format!(
            "{pid}  {}",
            ctl("ADD", fd, "EPOLLIN|EPOLLRDHUP|EPOLLET")
        ));
        self.workers[at].live.push(fd);
    }

    fn serve(&mut self, at: usize, fd: u32) {
        let pid = self.workers[at].pid;
        if self.random(10) == 0 {
            self.say(&format!(
                "{pid}  read({fd}<TCP:[127.0.0.1:80->127.0.0.1:5{fd}]>, \"\", 4096) = 0"
            ));
            if self.random(2) == 0 {
                self.say(&format!("{pid}  epoll_ctl(4<anon_inode:[eventpoll]>, EPOLL_CTL_DEL, {fd}<TCP:[127.0.0.1:80]>, NULL) = 0"));
            }
            self.say(&format!(
                "{pid}  close({fd}<TCP:[127.0.0.1:80->127.0.0.1:5{fd}]>) = 0"
            ));
            self.workers[at].live.retain(|live| *live != fd);
            self.workers[at].free.push(fd);
            return;
        }
        self.say(&format!(
            "{pid}  read({fd}<TCP:[127.0.0.1:80->127.0.0.1:5{fd}]>, \"GET / HTTP/1.1\\r\\nHost: localhost\"..., 4096) = 78"
        ));
        self.say(&format!(
            "{pid}  write({fd}<TCP:[127.0.0.1:80->127.0.0.1:5{fd}]>, \"HTTP/1.1 200 OK\\r\\nContent-Length\"..., 238) = 238"
        ));
    }

    /// A child that execs, or only exits.
    fn spawn(&mut self, pid: u32) {
        let child = self.next_pid;
        self.next_pid += 1;
        self.say(&format!(
            "{pid}  clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f9a) = {child}"
        ));
        if child.is_multiple_of(2) {
            self.say(&format!(
                "{child}  execve(\"/bin/true\", [\"true\"], 0x7ffd94b2ed88 /* 39 vars */) = 0"
            ));
        }
        self.say(&format!("{child}  exit_group(0) = ?"));
        self.say(&format!("{child}  +++ exited with 0 +++"));
    }
}

fn ctl(op: &str, fd: u32, events: &str) -> String {
    let mut text = String::new();
    write!(
        text,
        "epoll_ctl(4<anon_inode:[eventpoll]>, EPOLL_CTL_{op}, {fd}<TCP:[127.0.0.1:80]>, {{events={events}, data={{u32={fd}, u64={fd}}}}}) = 0"
    )
    .expect("a string takes everything");
    text
}

impl Read for Server {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.text.len() {
            self.text.clear();
            self.at = 0;
        }
        if self.text.is_empty() {
            if self.left == 0 {
                return Ok(0);
            }
            while self.text.len() < buffer.len() {
                self.turn();
            }
            self.left = self.left.saturating_sub(self.text.len());
        }
        let rest = &self.text.as_bytes()[self.at..];
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        self.at += len;
        Ok(len)
    }
}
