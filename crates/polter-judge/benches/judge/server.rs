//! Logs of servers, made while they are read; the time that making takes is counted apart.

use std::fmt::Write as _;
use std::io::Read;
use std::time::Duration;

const CONNECTIONS: usize = 10_000;

/// Something that writes a log, a turn at a time.
pub(crate) trait Source {
    /// Appends the lines of a turn.
    fn turn(&mut self, text: &mut String);
}

/// So many bytes of a source's log.
pub(crate) struct Log<S> {
    source: S,
    text: String,
    at: usize,
    left: usize,
    pub(crate) making: Duration,
}

impl<S: Source> Log<S> {
    pub(crate) fn new(source: S, bytes: usize) -> Log<S> {
        Log {
            source,
            text: String::new(),
            at: 0,
            left: bytes,
            making: Duration::ZERO,
        }
    }
}

impl<S: Source> Read for Log<S> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.text.len() {
            if self.left == 0 {
                return Ok(0);
            }
            let start = crate::busy();
            self.text.clear();
            self.at = 0;
            while self.text.len() < buffer.len() {
                self.source.turn(&mut self.text);
            }
            self.left = self.left.saturating_sub(self.text.len());
            self.making += crate::busy().saturating_sub(start);
        }
        let rest = &self.text.as_bytes()[self.at..];
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        self.at += len;
        Ok(len)
    }
}

/// Numbers that look random, the same in every run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new() -> Random {
        Random(0x9e37_79b9_7f4a_7c15)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// Workers that have the listening socket from their parent, ten thousand connections in all, and now and then start
/// another program. A turn is one of a worker's loop.
pub(crate) struct Server {
    text: String,
    turn: usize,
    workers: Vec<Worker>,
    /// A worker starts a program each so many turns.
    turns_a_child: usize,
    next_pid: u32,
    random: Random,
}

struct Worker {
    pid: u32,
    live: Vec<u32>,
    free: Vec<u32>,
}

impl Server {
    pub(crate) fn new(workers: usize, turns_a_child: usize) -> Server {
        let mut server = Server {
            text: String::new(),
            turn: 0,
            workers: Vec::new(),
            turns_a_child,
            next_pid: 1000 + workers as u32,
            random: Random::new(),
        };
        server.say("999   socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 3<TCP:[100]>");
        for pid in (1000..).take(workers) {
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
            let numbers = 5..5 + (CONNECTIONS / workers) as u32 + 50;
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

    /// A wait, and what is done about each of its events.
    fn worker_turn(&mut self) {
        let workers = self.workers.len();
        self.turn += 1;
        let at = self.turn % workers;
        let pid = self.workers[at].pid;
        let is_filling = self.workers[at].live.len() < CONNECTIONS / workers;
        let mut ready: Vec<u32> = (0..1 + self.random.below(8))
            .filter_map(|_| {
                let pick = self.random.below(self.workers[at].live.len().max(1));
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
        if self.turn.is_multiple_of(self.turns_a_child) {
            self.spawn(pid);
        }
    }

    fn accept(&mut self, at: usize) {
        let pid = self.workers[at].pid;
        let Some(fd) = self.workers[at].free.pop() else {
            return;
        };
        let port = 20_000 + self.random.below(40_000);
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
        if self.random.below(10) == 0 {
            self.say(&format!(
                "{pid}  read({fd}<TCP:[127.0.0.1:80->127.0.0.1:5{fd}]>, \"\", 4096) = 0"
            ));
            if self.random.below(2) == 0 {
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

impl Source for Server {
    fn turn(&mut self, text: &mut String) {
        self.worker_turn();
        text.push_str(&self.text);
        self.text.clear();
    }
}

impl Source for Box<dyn Source> {
    fn turn(&mut self, text: &mut String) {
        self.as_mut().turn(text);
    }
}
