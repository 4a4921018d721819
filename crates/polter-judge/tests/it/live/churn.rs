//! Millions of lines in which everything comes and goes: the memory that is in use must not grow with them.

use polter_judge::{Finding, LiveJudge, News, Standing};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Lines of each quarter.
const QUARTER: u64 = 500_000;

/// Set for the process that is measured: other tests' memory must not count.
const ALONE: &str = "POLTER_JUDGE_CHURN_ALONE";

/// More than this may not be added from the end of the second quarter to the end of the last, in KiB.
const MOST_GROWTH: u64 = 1024;

#[test]
fn memory_is_flat_while_everything_comes_and_goes() {
    if std::env::var_os(ALONE).is_some() {
        return;
    }
    let program = std::env::current_exe().expect("this program has a path");
    let output = Command::new(program)
        .args(["--exact", "live::churn::alone", "--nocapture", "--ignored"])
        .env(ALONE, "1")
        .output()
        .expect("this program can be run");
    let text = String::from_utf8_lossy(&output.stdout);
    let said = text.lines().find_map(|line| line.split_once("quarters: "));
    let (_, figures) = said.unwrap_or_else(|| panic!("no figures: {text}"));
    let figures: Vec<u64> = (figures.split(' ').map(str::parse))
        .collect::<Result<_, _>>()
        .expect("numbers");
    let [_, second, _, last, findings] = figures[..] else {
        panic!("five figures: {text}");
    };
    assert!(findings > 10_000, "{findings} findings were told");
    assert!(
        last <= second + MOST_GROWTH,
        "{second} KiB after two quarters, {last} at the end"
    );
}

#[test]
#[ignore = "it is run by the test above, in a process of its own"]
#[expect(clippy::print_stdout, reason = "the other process reads it")]
fn alone() {
    let mut judge = LiveJudge::new(&[]);
    let mut churn = Churn::default();
    let mut figures = Vec::new();
    let mut told = 0;
    for quarter in 1..=4 {
        while churn.lines < quarter * QUARTER {
            judge.push(churn.turn().as_bytes());
            told += judge.fresh().len();
            if churn.turns.is_multiple_of(50) {
                judge.pass_time();
                told += judge.fresh().len();
            }
        }
        figures.push(resident());
    }
    let log = judge.summary();
    assert_eq!((log.unread_lines, log.warning_count), (0, 0), "{log:?}");
    figures.push(told as u64);
    still_finds_everything(&mut judge);
    let figures: Vec<String> = figures.iter().map(u64::to_string).collect();
    println!("quarters: {}", figures.join(" "));
}

/// After all that, each small log shows what it shows alone: no limit is used up.
fn still_finds_everything(judge: &mut LiveJudge) {
    let places = ["tests/small", "tests/fixtures"]
        .map(|place| Path::new(env!("CARGO_MANIFEST_DIR")).join(place));
    let mut compared = 0;
    for entry in places
        .into_iter()
        .flat_map(|place| fs::read_dir(place).expect("it is there"))
    {
        let path = entry.expect("it can be listed").path();
        let log = fs::read(&path).expect("it can be read");
        let mut alone = LiveJudge::new(&[]);
        let expected = findings(&mut alone, &log);
        let found = findings(judge, &log);
        assert_eq!(found, expected, "{}", path.display());
        compared += expected.len();
    }
    assert!(compared > 10, "{compared} findings");
}

/// The findings that a log brings to light until its tasks have ended.
fn findings(judge: &mut LiveJudge, log: &[u8]) -> BTreeSet<String> {
    judge.fresh();
    judge.push(log);
    judge.push(b"\n");
    let mut found: Vec<News> = judge.fresh();
    // Those that the log only mentions too.
    for pid in 100..10_000 {
        judge.push(format!("{pid} +++ exited with 0 +++\n").as_bytes());
    }
    found.extend(judge.fresh());
    found.retain(|news| news.is_first && news.standing == Standing::Found);
    found
        .into_iter()
        .map(|news| {
            let Finding {
                class,
                pid,
                fd,
                mut holders,
                ..
            } = news.finding;
            // They stand in the order of their tables, which are other ones.
            holders.sort();
            format!("{} {pid}:{fd} {holders:?}", class.name())
        })
        .collect()
}

/// The resident memory of this process, in KiB.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("/proc is mounted");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let figure = line
        .expect("a process has one")
        .trim()
        .trim_end_matches(" kB");
    figure.parse().expect("a number")
}

/// A log in which everything comes and goes.
#[derive(Default)]
struct Churn {
    turns: u64,
    lines: u64,
    /// Pids as Linux gives them: ever the next, and from the beginning again.
    next_pid: u64,
}

impl Churn {
    fn pid(&mut self) -> u64 {
        self.next_pid = (self.next_pid + 1) % 1_000_000;
        self.next_pid + 10_000
    }

    /// A process with all that it does, beside a server that lives for ever.
    fn turn(&mut self) -> String {
        let mut text = String::new();
        if self.turns == 0 {
            text += "7 execve(\"/srv/server\", [\"server\"], 0x7) = 0\n7 epoll_create1(0) = 3\n";
            text += "7 signalfd4(-1, [CHLD], 8, 0) = 4\n";
            text += "7 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data=0x4}) = 0\n";
        }
        self.turns += 1;
        let (n, worker, child, thread) = (self.turns, self.pid(), self.pid(), self.pid());
        let parts: [&dyn Fn(&mut String); 8] = [
            &|text| connection(text, n),
            &|text| worker_of_its_own(text, worker, child),
            &|text| thief(text, worker),
            &|text| leak(text, worker),
            &|text| threads(text, worker, thread),
            &|text| message(text, worker, n),
            &|text| split(text, worker, child),
            &|text| silent(text, n),
        ];
        for part in parts {
            part(&mut text);
        }
        self.lines += text.lines().count() as u64;
        text
    }
}

const EBADF: &str = "-1 EBADF (Bad file descriptor)";

fn push(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a string");
}

macro_rules! lines {
    ($text:ident, $($line:literal)*) => { $( push($text, format_args!($line)); )* };
}

/// The server's own connection; each has data of its own.
fn connection(text: &mut String, n: u64) {
    lines! { text,
        "7 accept4(9, NULL, NULL, 0) = 10"
        "7 epoll_ctl(3, EPOLL_CTL_ADD, 10, {{events=EPOLLIN, data={{u32={n}, u64={n}}}}}) = 0"
        "7 epoll_wait(3, [{{events=EPOLLIN, data={{u32={n}, u64={n}}}}}], 8, -1) = 1"
        "7 read(10, \"x\", 1) = 1"
        "7 close(10) = 0"
    }
}

/// A child with an instance and a ghost in it, which its own child keeps for a while.
fn worker_of_its_own(text: &mut String, pid: u64, child: u64) {
    lines! { text,
        "7 fork() = {pid}"
        "{pid} execve(\"/srv/w{pid}\", [\"w\"], 0x7) = 0"
        "{pid} epoll_create1(0) = 20"
        "{pid} pipe2([21, 22], 0) = 0"
        "{pid} epoll_ctl(20, EPOLL_CTL_ADD, 21, {{events=EPOLLIN, data={{u32={pid}, u64={pid}}}}}) = 0"
        "{pid} fork() = {child}"
        "{pid} close(21) = 0"
        "{pid} epoll_wait(20, [{{events=EPOLLIN, data={{u32={pid}, u64={pid}}}}}], 8, -1) = 1"
        "{pid} epoll_ctl(20, EPOLL_CTL_DEL, 21, NULL) = {EBADF}"
        "{child} write(22, \"x\", 1) = 1"
        "{child} exit_group(0) = ?"
        "{child} +++ exited with 0 +++"
        "{pid} close(20) = 0"
        "{pid} close(20) = {EBADF}"
        "{pid} getpid() = {pid}"
        "{pid} exit_group(0) = ?"
        "{pid} +++ exited with 0 +++"
        "7 wait4(-1, NULL, 0, NULL) = {pid}"
    }
}

/// A child that takes the server's events, and removes what it registered.
fn thief(text: &mut String, pid: u64) {
    lines! { text,
        "7 eventfd2(0, 0) = 12"
        "7 epoll_ctl(3, EPOLL_CTL_ADD, 12, {{events=EPOLLIN, data={{u32=12, u64={pid}}}}}) = 0"
        "7 fork() = {pid}"
        "{pid} epoll_wait(3, [{{events=EPOLLIN, data={{u32=12, u64={pid}}}}}], 8, -1) = 1"
        "{pid} epoll_ctl(3, EPOLL_CTL_DEL, 12, NULL) = 0"
        "7 epoll_ctl(3, EPOLL_CTL_MOD, 12, {{events=EPOLLIN, data={{u32=12, u64={pid}}}}}) = -1 ENOENT (No such file or directory)"
        "{pid} +++ killed by SIGKILL +++"
        "7 --- SIGCHLD {{si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid={pid}}} ---"
        "7 close(12) = 0"
    }
}

/// A program that gets the server's instance and never uses it.
fn leak(text: &mut String, pid: u64) {
    lines! { text,
        "7 vfork() = {pid}"
        "{pid} execve(\"/bin/true\", [\"true\"], 0x7) = 0"
        "{pid} +++ exited with 0 +++"
    }
}

/// A thread that waits while another closes, and whose exit strace does not print.
fn threads(text: &mut String, pid: u64, tid: u64) {
    lines! { text,
        "7 fork() = {pid}"
        "{pid} epoll_create1(0) = 30"
        "{pid} eventfd2(0, 0) = 31"
        "{pid} epoll_ctl(30, EPOLL_CTL_ADD, 31, {{events=EPOLLIN, data={{u32=31, u64=31}}}}) = 0"
        "{pid} clone(child_stack=NULL, flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_SIGHAND|CLONE_THREAD) = {tid}"
        "{tid} epoll_wait(30,  <unfinished ...>"
        "{pid} close(31) = 0"
        "{pid} eventfd2(0, 0) = 31"
        "{tid} <... epoll_wait resumed>[], 8, 0) = 0"
        "{tid} exit(0) = ?"
        "{pid} exit_group(0) = ?"
        "{tid} +++ exited with 0 +++"
        "{pid} +++ exited with 0 +++"
    }
}

/// Files in messages, and one that nobody receives.
fn message(text: &mut String, pid: u64, n: u64) {
    let rights = "{msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS, cmsg_data=[42]}]}";
    lines! { text,
        "7 fork() = {pid}"
        "{pid} socketpair(AF_UNIX, SOCK_STREAM, 0, [40, 41]) = 0"
        "{pid} eventfd2({n}, 0) = 42"
        "{pid} dup(42) = 43"
        "{pid} sendmsg(40<UNIX-STREAM:[{n}->9{n}]>, {rights}, 0) = 1"
        "{pid} exit_group(0) = ?"
        "{pid} +++ exited with 0 +++"
    }
}

/// Two forks at once, whose children speak first, and a task that dies in a call.
fn split(text: &mut String, pid: u64, child: u64) {
    lines! { text,
        "7 fork( <unfinished ...>"
        "{pid} epoll_create1(0) = 50"
        "7 <... fork resumed>) = {pid}"
        "{pid} fork( <unfinished ...>"
        "7 fork( <unfinished ...>"
        "{child} getpid() = {child}"
        "{pid} <... fork resumed>) = {child}"
        "7 <... fork resumed>) = -1 EAGAIN (Resource temporarily unavailable)"
        "{child} epoll_ctl(50, EPOLL_CTL_DEL, 9 <unfinished ...>"
        "{child} +++ killed by SIGKILL +++"
        "{pid} +++ killed by SIGABRT +++"
    }
}

/// A ghost of the server's that reports nothing, made and freed; and one fd more that is never closed but reused.
fn silent(text: &mut String, n: u64) {
    lines! { text,
        "7 eventfd2(0, 0) = 14"
        "7 dup(14) = 15"
        "7 epoll_ctl(3, EPOLL_CTL_ADD, 14, {{events=EPOLLIN, data={{u32=14, u64={n}}}}}) = 0"
        "7 close(14) = 0"
        "7 epoll_create1(0) = 16"
        "7 epoll_wait(16, [], 8, 0) = 0"
        "7 dup2(4, 16) = 16"
        "7 close(16) = 0"
        "7 close(15) = 0"
    }
}
