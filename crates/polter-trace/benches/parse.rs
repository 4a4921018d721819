//! Lines a second: parsing alone, with assembly, and with every argument's value.
//!
//! ```text
//! cargo bench -p polter-trace
//! cargo bench -p polter-trace -- --gigabyte     one pass over 1 GiB, in chunks
//! ```

use std::hint::black_box;
use std::io::{BufRead, BufReader, Read};
use std::time::Instant;

use criterion::{Criterion, Throughput};
use polter_trace::{Assembler, Body, Line, LineReader, Stream};

fn main() {
    if std::env::args().any(|arg| arg == "--gigabyte") {
        gigabyte("parse only", |log| {
            let mut lines = LineReader::new(log);
            let mut count = 0;
            while let Some(line) = lines.next_line().expect("memory can be read") {
                black_box(Line::parse(line.text));
                count += 1;
            }
            count
        });
        gigabyte("parse and assemble", |log| {
            let mut stream = Stream::new(log);
            while let Some(step) = stream.next_step().expect("memory can be read") {
                black_box(step);
            }
            stream.assembler().tally().lines
        });
        return;
    }
    let mut criterion = Criterion::default().configure_from_args();
    bench(&mut criterion);
    criterion.final_summary();
}

fn bench(criterion: &mut Criterion) {
    let log = block(0);
    let lines: Vec<&[u8]> = log.split(|&b| b == b'\n').collect();
    let mut group = criterion.benchmark_group("lines");
    group.throughput(Throughput::Elements(lines.len() as u64));
    group.bench_function("parse", |bencher| {
        bencher.iter(|| {
            for line in &lines {
                black_box(Line::parse(line));
            }
        });
    });
    group.bench_function("assemble", |bencher| {
        bencher.iter(|| {
            let mut assembler = Assembler::default();
            for (line, number) in lines.iter().zip(1..) {
                black_box(assembler.push(number, &Line::parse(line)));
            }
        });
    });
    group.bench_function("values", |bencher| {
        bencher.iter(|| {
            for line in &lines {
                if let Body::Call(call) = Line::parse(line).body {
                    for arg in call.args {
                        let _ = black_box(arg.value());
                    }
                }
            }
        });
    });
    group.finish();
}

/// Times one pass over a log of 1 GiB that never lies in memory whole.
fn gigabyte(name: &str, read: impl FnOnce(Box<dyn BufRead>) -> u64) {
    let blocks: Vec<Vec<u8>> = (0..8).map(block).collect();
    let bytes: usize = blocks.iter().map(Vec::len).sum();
    let rounds = (1 << 30) / bytes;
    let log = Rounds {
        blocks,
        block: 0,
        at: 0,
        left: rounds,
    };
    let start = Instant::now();
    let lines = read(Box::new(BufReader::with_capacity(1 << 16, log)));
    let seconds = start.elapsed().as_secs_f64();
    let total = (rounds * bytes) as f64;
    // A benchmark's result belongs on its output.
    #[allow(clippy::print_stdout, reason = "a benchmark reports its figures")]
    {
        println!(
            "{name}: {lines} lines of {:.0} bytes in {seconds:.2} s: {:.2} million lines/s, {:.0} MB/s",
            total / lines as f64,
            lines as f64 / seconds / 1e6,
            total / seconds / 1e6,
        );
    }
}

/// The blocks over and over.
struct Rounds {
    blocks: Vec<Vec<u8>>,
    block: usize,
    at: usize,
    left: usize,
}

impl Read for Rounds {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            return Ok(0);
        }
        let rest = &self.blocks[self.block][self.at..];
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        self.at += len;
        if len == rest.len() {
            self.at = 0;
            self.block = (self.block + 1) % self.blocks.len();
            self.left -= usize::from(self.block == 0);
        }
        Ok(len)
    }
}

/// What an event loop's trace is made of, as `strace -f -tt -y` prints it.
fn block(seed: usize) -> Vec<u8> {
    use std::fmt::Write as _;
    let mut log = String::new();
    for turn in 0..1000 {
        let n = seed * 1000 + turn;
        let (pid, fd, inode) = (5000 + n % 7, 5 + n % 90, 10_000 + n);
        let time = format!("15:56:{:02}.{:06}", n / 100 % 60, n * 7919 % 1_000_000);
        let epoll = "3<anon_inode:[eventpoll]>";
        let written = match n % 5 {
            0 => write!(
                log,
                "{pid}  {time} epoll_wait({epoll},  <unfinished ...>\n{pid}  {time} <... epoll_wait resumed>[{{events=EPOLLIN, data={{u32={fd}, u64={fd}}}}}], 128, 1000) = 1\n"
            ),
            1 => writeln!(
                log,
                "{pid}  {time} epoll_wait({epoll}, [{{events=EPOLLIN|EPOLLOUT, data={{u32={fd}, u64={fd}}}}}], 128, -1) = 1"
            ),
            2 => writeln!(
                log,
                "{pid}  {time} epoll_ctl({epoll}, EPOLL_CTL_MOD, {fd}<TCP:[127.0.0.1:80->127.0.0.1:{inode}]>, {{events=EPOLLIN|EPOLLET, data={{u32={fd}, u64={fd}}}}}) = 0"
            ),
            3 => writeln!(
                log,
                "{pid}  {time} read({fd}<pipe:[{inode}]>, \"GET / HTTP/1.1\\r\\nHost: a\\r\\n\"..., 4096) = 60"
            ),
            _ => writeln!(
                log,
                "{pid}  {time} recvfrom({fd}, 0x7ffc5dce0{inode:06x}, 64, 0, NULL, NULL) = -1 EAGAIN (Resource temporarily unavailable)"
            ),
        };
        written.expect("a string takes everything");
    }
    log.into_bytes()
}
