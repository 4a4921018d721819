//! Records become lines.
//!
//! A call of two records is one line if nothing came in between; else its first half is written where it began, and the
//! second one where it returned, as strace does it:
//!
//! ```text
//!   100 close(5 <unfinished ...>
//!   101 accept4(3, 0, 0, 0) = 5
//!   100 <... close resumed>) = 0
//! ```

use std::io::{self, Write};

use rustc_hash::FxHashMap;

use crate::kernel::{Body, Call, Head, Record, What};

use super::arguments::{self, Part};
use super::decoration::Files;
use super::words;
use crate::stacks::Stacks;

/// Calls that have begun and not returned; a task has one at a time.
const MAX_OPEN: usize = 1 << 18;

/// Bytes of lines that are passed on at once.
const BLOCK: usize = 1 << 15;

/// Writes records as lines.
pub(crate) struct Writer<W> {
    pub(crate) out: W,
    /// Lines that wait to be passed on; the last one is being written.
    text: Vec<u8>,
    files: Files,
    stacks: Stacks,
    /// What the clock of the records must be moved by, in nanoseconds.
    clock: u64,
    /// The latest time of a line: a use has that of its tick alone.
    latest: u64,
    /// The call that has begun last, and is not written yet.
    held: Option<Held>,
    /// Calls whose first half is written, by task.
    open: FxHashMap<u32, u16>,
    lost: u32,
    /// Lines so far.
    pub(crate) lines: u64,
}

/// A call that has begun, and everything but its result.
struct Held {
    tid: u32,
    number: u16,
    time: u64,
    /// The arguments, as far as they are known.
    text: Vec<u8>,
    /// The stack that leads to it, if it makes a ghost.
    frames: Vec<String>,
}

impl<W: Write> Writer<W> {
    /// Begins a recording with its first line.
    pub(crate) fn new(mut out: W, header: &str) -> io::Result<Writer<W>> {
        writeln!(out, "# {header}")?;
        Ok(Writer {
            out,
            text: Vec::with_capacity(BLOCK + 4096),
            files: Files::default(),
            stacks: Stacks::default(),
            clock: clock_offset(),
            latest: 0,
            held: None,
            open: FxHashMap::default(),
            lost: 0,
            lines: 0,
        })
    }

    /// Writes a record.
    pub(crate) fn write(&mut self, record: &Record<'_>) -> io::Result<()> {
        let head = &record.head;
        self.lose(head.lost)?;
        let Some(call) = &record.call else {
            return self.write_use(head);
        };
        if let Body::Files(files) = &call.body {
            for about in files.iter().flatten() {
                self.files.learn(about);
            }
        }
        match head.what {
            What::Enter => self.begun(head, call),
            What::Exit => self.returned(head, call),
            What::Closed => self.closed(head, call),
            What::Fork => self.born(head, call),
            What::Exec => self.executed(head, call),
            What::Gone => self.gone(head, call),
            What::Signal => self.signalled(head, call),
            What::Use => self.write_use(head),
        }
    }

    /// Says what has been lost since it was said last; `lost` is the sum since the beginning.
    pub(crate) fn lose(&mut self, lost: u32) -> io::Result<()> {
        let count = lost.wrapping_sub(self.lost);
        // A record that was begun on another CPU before the last loss, and got its room after it, has the older sum.
        if count.cast_signed() <= 0 {
            return Ok(());
        }
        self.release()?;
        self.lost = lost;
        let _ = writeln!(self.text, "# lost {count} events");
        Ok(())
    }

    /// Writes the ends of tasks of whom no record tells that they have ended, at the time of the newest record. How they
    /// have ended is not known.
    pub(crate) fn end_unseen(&mut self, tids: &[u32], time: u64) -> io::Result<()> {
        self.release()?;
        let _ = writeln!(self.text, "# {} tasks have ended unseen", tids.len());
        for tid in tids {
            self.open.remove(tid);
            self.stacks.forget(*tid);
            self.start(*tid, time);
            self.text.extend_from_slice(b"+++ exited with 0 +++");
            self.end()?;
        }
        Ok(())
    }

    /// Writes what is still held back, and a last comment.
    pub(crate) fn finish(mut self, comment: &str) -> io::Result<W> {
        self.release()?;
        let _ = writeln!(self.text, "# {comment}");
        self.flush()?;
        Ok(self.out)
    }

    /// Learns what files are called, and writes nothing.
    pub(crate) fn skip(&mut self, record: &Record<'_>) {
        if let Some(Call {
            body: Body::Files(files),
            ..
        }) = &record.call
        {
            for about in files.iter().flatten() {
                self.files.learn(about);
            }
        }
        self.lost = record.head.lost;
    }

    /// Writes lines that are comments.
    pub(crate) fn comment(&mut self, text: &str) -> io::Result<()> {
        self.release()?;
        self.text.extend_from_slice(text.as_bytes());
        self.pass_on()
    }

    /// Has everything reach the file but a call that has only begun.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.pass_on()?;
        self.out.flush()
    }

    fn begun(&mut self, head: &Head, call: &Call<'_>) -> io::Result<()> {
        self.release()?;
        let name = name_of(head.number);
        if matches!(name, "exit" | "exit_group") {
            self.start(head.tid, head.time);
            self.text.extend_from_slice(name.as_bytes());
            self.text.push(b'(');
            arguments::write(&mut self.text, &mut self.files, head, call, Part::Whole);
            self.text.extend_from_slice(b") = ?");
            return self.end();
        }
        let mut text = Vec::with_capacity(64);
        arguments::write(&mut text, &mut self.files, head, call, Part::Beginning);
        if let Body::Closing(registered, _) = &call.body
            && registered.references <= 1
        {
            // The next file may get its address before the close returns.
            self.files.forget(head.file);
        }
        let frames = match &call.body {
            Body::Closing(_, Some(frame)) => self.stacks.frames(head.pid, head.tid, frame),
            _ => Vec::new(),
        };
        self.held = Some(Held {
            tid: head.tid,
            number: head.number,
            time: head.time,
            text,
            frames,
        });
        Ok(())
    }

    fn returned(&mut self, head: &Head, call: &Call<'_>) -> io::Result<()> {
        let is_same = |held: &Held| (held.tid, held.number) == (head.tid, head.number);
        let name = name_of(head.number);
        if self.held.as_ref().is_some_and(is_same) {
            let Some(held) = self.held.take() else {
                return Ok(());
            };
            self.start(held.tid, held.time);
            self.text.extend_from_slice(name.as_bytes());
            self.text.push(b'(');
            self.text.extend_from_slice(&held.text);
            arguments::write(&mut self.text, &mut self.files, head, call, Part::Rest);
            self.end_with_result(head, call)?;
            return self.write_frames(&held.frames);
        }
        self.release()?;
        if name.starts_with("epoll_create") {
            self.stacks.prepare(head.pid);
        }
        let was_begun = self.open.remove(&head.tid) == Some(head.number);
        if name == "close" && !was_begun {
            // It was told whole when it began.
            return Ok(());
        }
        self.start(head.tid, head.time);
        let part = if was_begun {
            self.text.extend_from_slice(b"<... ");
            self.text.extend_from_slice(name.as_bytes());
            self.text.extend_from_slice(b" resumed>");
            Part::Rest
        } else {
            self.text.extend_from_slice(name.as_bytes());
            self.text.push(b'(');
            Part::Whole
        };
        arguments::write(&mut self.text, &mut self.files, head, call, part);
        self.end_with_result(head, call)
    }

    fn closed(&mut self, head: &Head, call: &Call<'_>) -> io::Result<()> {
        self.release()?;
        self.start(head.tid, head.time);
        self.text.extend_from_slice(b"close(");
        arguments::write(&mut self.text, &mut self.files, head, call, Part::Whole);
        if head.references <= 1 {
            self.files.forget(head.file);
        }
        self.end_with_result(head, call)
    }

    fn write_use(&mut self, head: &Head) -> io::Result<()> {
        self.release()?;
        self.start(head.tid, head.time.max(self.latest));
        self.text.extend_from_slice(name_of(head.number).as_bytes());
        self.text.push(b'(');
        self.files.write(&mut self.text, head.fd, head.file);
        self.text.extend_from_slice(b", ...) = ");
        words::result(&mut self.text, head.result);
        self.end()
    }

    fn born(&mut self, head: &Head, call: &Call<'_>) -> io::Result<()> {
        let [child, process, has_files, has_memory, flags, _] = call.arguments;
        self.release()?;
        self.stacks.fork(head.pid, process as u32);
        self.start(head.tid, head.time);
        let name = name_of(head.number);
        let mut bits = match name {
            "clone" | "clone3" => flags,
            "vfork" => 0x4100,
            _ => 0,
        };
        // What the kernel has made of them: the number of a call may be another one's by now.
        let set = |bits: u64, flag: u64, is_set| if is_set { bits | flag } else { bits & !flag };
        bits = set(bits, 0x400, has_files != 0);
        bits = set(bits, 0x100, has_memory != 0);
        bits = set(bits, 0x1_0000, process == u64::from(head.pid));
        match name {
            "fork" | "vfork" => {
                self.text.extend_from_slice(name.as_bytes());
                self.text.push(b'(');
            }
            "clone3" => {
                self.text.extend_from_slice(b"clone3({flags=");
                words::clone_flags(&mut self.text, bits);
                self.text.extend_from_slice(b"}, 88");
            }
            _ => {
                self.text
                    .extend_from_slice(b"clone(child_stack=NULL, flags=");
                words::clone_flags(&mut self.text, bits);
            }
        }
        self.text.extend_from_slice(b") = ");
        words::decimal(&mut self.text, child.cast_signed());
        self.end()
    }

    fn executed(&mut self, head: &Head, call: &Call<'_>) -> io::Result<()> {
        self.release()?;
        let caller = call.arguments[0] as u32;
        self.stacks.forget(head.pid);
        self.open.remove(&head.tid);
        if caller != 0 && caller != head.tid && head.tid == head.pid {
            self.start(head.tid, head.time);
            let _ = write!(self.text, "+++ superseded by execve in pid {caller} +++");
            self.end()?;
            self.open.remove(&caller);
        }
        let path = match call.body {
            Body::Bytes(path) => path.strip_suffix(b"\0").unwrap_or(path),
            _ => b"",
        };
        self.start(head.tid, head.time);
        let path = polter_trace::quote(path);
        let _ = write!(self.text, "execve({path}, ..., ...) = 0");
        self.end()
    }

    fn gone(&mut self, head: &Head, call: &Call<'_>) -> io::Result<()> {
        self.release()?;
        self.open.remove(&head.tid);
        self.start(head.tid, head.time);
        let code = call.arguments[0] as u32;
        if call.arguments[1] == 0 {
            self.stacks.forget(head.pid);
        }
        match code & 0x7f {
            0 => {
                let _ = write!(self.text, "+++ exited with {} +++", code >> 8 & 0xff);
            }
            signal => {
                self.text.extend_from_slice(b"+++ killed by ");
                words::signal(&mut self.text, signal);
                if code & 0x80 != 0 {
                    self.text.extend_from_slice(b" (core dumped)");
                }
                self.text.extend_from_slice(b" +++");
            }
        }
        self.end()
    }

    fn signalled(&mut self, head: &Head, call: &Call<'_>) -> io::Result<()> {
        let [signal, code, pid, status, ..] = call.arguments;
        self.release()?;
        self.start(head.tid, head.time);
        self.text.extend_from_slice(b"--- ");
        words::signal(&mut self.text, signal as u32);
        self.text.extend_from_slice(b" {si_signo=");
        words::signal(&mut self.text, signal as u32);
        let _ = write!(self.text, ", si_code={}", code as i32);
        if signal == 17 || code as i32 <= 0 {
            let _ = write!(self.text, ", si_pid={}", pid as i32);
        }
        if signal == 17 {
            let _ = write!(self.text, ", si_status={}", status as i32);
        }
        self.text.extend_from_slice(b"} ---");
        self.end()
    }

    /// Writes the first half of a call that is held back: something else has come before its second half.
    fn release(&mut self) -> io::Result<()> {
        let Some(held) = self.held.take() else {
            return Ok(());
        };
        if self.open.len() >= MAX_OPEN {
            self.open.clear();
        }
        self.open.insert(held.tid, held.number);
        self.start(held.tid, held.time);
        self.text.extend_from_slice(name_of(held.number).as_bytes());
        self.text.push(b'(');
        self.text.extend_from_slice(&held.text);
        self.text.extend_from_slice(b" <unfinished ...>");
        self.end()?;
        self.write_frames(&held.frames)
    }

    /// ` > /usr/bin/app(close_all+0x20) [0x1b40]`
    fn write_frames(&mut self, frames: &[String]) -> io::Result<()> {
        for frame in frames {
            self.lines += 1;
            let _ = writeln!(self.text, "{frame}");
        }
        Ok(())
    }

    /// `100 1764440000.123456 `
    fn start(&mut self, tid: u32, time: u64) {
        self.latest = self.latest.max(time);
        let micros = time.wrapping_add(self.clock) / 1000;
        words::decimal(&mut self.text, tid.into());
        self.text.push(b' ');
        words::decimal(&mut self.text, (micros / 1_000_000).cast_signed());
        self.text.push(b'.');
        words::six_digits(&mut self.text, (micros % 1_000_000) as u32);
        self.text.push(b' ');
    }

    fn end_with_result(&mut self, head: &Head, call: &Call<'_>) -> io::Result<()> {
        self.text.extend_from_slice(b") = ");
        match call.body {
            Body::Files([Some(about), None]) if i64::from(head.fd) == head.result => {
                self.files.write(&mut self.text, head.fd, about.file);
            }
            _ => words::result(&mut self.text, head.result),
        }
        self.end()
    }

    fn end(&mut self) -> io::Result<()> {
        self.text.push(b'\n');
        self.lines += 1;
        if self.text.len() >= BLOCK {
            return self.pass_on();
        }
        Ok(())
    }

    /// Passes on the lines that wait.
    fn pass_on(&mut self) -> io::Result<()> {
        let passed = self.out.write_all(&self.text);
        self.text.clear();
        passed
    }
}

/// The call's name; the number, if it has none.
fn name_of(number: u16) -> &'static str {
    syscalls::Sysno::new(number.into()).map_or("unknown", |it| it.name())
}

/// What the monotonic clock lacks to the time of day, in nanoseconds.
fn clock_offset() -> u64 {
    use rustix::time::{ClockId, clock_gettime};
    let nanos =
        |it: rustix::time::Timespec| (it.tv_sec * 1_000_000_000 + it.tv_nsec).cast_unsigned();
    let now = nanos(clock_gettime(ClockId::Realtime));
    now.wrapping_sub(nanos(clock_gettime(ClockId::Monotonic)))
}
