//! Logs that are damaged, huge, or lie. None makes the judge panic, none
//! makes it take more memory than a fixed amount, and what cannot be
//! followed is counted.

mod damaged;
mod lies;
mod storms;

use eventpoll::Policy;
use polter_judge::{Judge, Verdict};
use std::fs;
use std::io::{BufReader, Read};

/// What the judge may take for any log, in bytes: of every kind of thing that
/// lives at once it keeps a bounded number, in seven worlds.
const BOUND: u64 = 512 << 20;

/// Judges `count` pieces of text in a process of its own, and checks how much memory it took.
#[track_caller]
fn check_storm(count: u64, line_fn: impl FnMut(u64, &mut String)) -> Verdict {
    let lines = Lines {
        line_fn,
        next: 0,
        end: count,
        text: Vec::new(),
        at: 0,
    };
    let before = resident();
    let mut judge = Judge::new(&Policy::ALL);
    judge
        .read(BufReader::new(lines), |_| {})
        .expect("memory can be read");
    let grown = resident().saturating_sub(before);
    assert!(grown < BOUND, "{} MiB for one log", grown >> 20);
    judge.finish()
}

/// A log made while it is read, so that the text takes no memory itself.
struct Lines<F> {
    line_fn: F,
    next: u64,
    end: u64,
    text: Vec<u8>,
    at: usize,
}

impl<F: FnMut(u64, &mut String)> Read for Lines<F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.text.len() && self.next < self.end {
            let mut text = String::new();
            (self.line_fn)(self.next, &mut text);
            self.next += 1;
            (self.text, self.at) = (text.into_bytes(), 0);
        }
        let len = (self.text.len() - self.at).min(buffer.len());
        buffer[..len].copy_from_slice(&self.text[self.at..self.at + len]);
        self.at += len;
        Ok(len)
    }
}

/// The memory of this process, in bytes; other tests may run beside this one.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages: u64 = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .expect("in pages");
    pages * 4096
}

fn add(pid: u64, epfd: u64, fd: u64) -> String {
    format!(
        "{pid} epoll_ctl({epfd}, EPOLL_CTL_ADD, {fd}, {{events=EPOLLIN, data={{u32={fd}, u64={fd}}}}}) = 0\n"
    )
}
