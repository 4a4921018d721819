//! What a task sleeps in: `/proc/PID/task/TID/syscall`, and what its arguments point to.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use rustix::time::ClockId;

use crate::proc::Proc;

/// Places of a `poll(2)` that are read; one with more cannot be told.
const MAX_POLLED: u64 = 4096;

/// Numbers a `select(2)` can wait for, in any kernel's default.
const MAX_SELECTED: u64 = 1 << 16;

/// What a task was met in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Doing {
    /// On a CPU, or waiting for one.
    Running,
    /// Waits for the instance, by this call.
    Waits(&'static str),
    /// Sleeps in another call, for so long at most if it says so.
    Sleeps {
        call: String,
        at_most: Option<Duration>,
    },
    /// Cannot be told.
    Unknown(&'static str),
}

impl Doing {
    /// Looks at a task that has the instance under these numbers.
    pub(super) fn of(proc: &Proc, pid: u32, tid: u32, numbers: &[i32]) -> Doing {
        let Ok(text) = proc.bytes(pid, &format!("task/{tid}/syscall")) else {
            return Doing::Unknown("what it waits for may not be looked at");
        };
        let memory = || File::open(proc.root().join(format!("{pid}/mem"))).ok();
        Doing::read(&String::from_utf8_lossy(&text), numbers, memory)
    }

    fn read(text: &str, numbers: &[i32], memory_fn: impl Fn() -> Option<File>) -> Doing {
        let mut words = text.split_ascii_whitespace();
        let number = match words.next() {
            Some("running") => return Doing::Running,
            Some(word) => word.parse::<i64>().unwrap_or(-1),
            None => -1,
        };
        let hex = |word: &str| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok();
        let args: Vec<u64> = words.map_while(hex).take(6).collect();
        match <[u64; 6]>::try_from(args) {
            Ok(args) if number >= 0 => Call { number, args }.doing(numbers, memory_fn),
            // A page fault, a stop: it was not its own will.
            _ => Doing::Unknown("it was stopped outside any call"),
        }
    }
}

/// A call under way.
struct Call {
    number: i64,
    args: [u64; 6],
}

impl Call {
    fn doing(&self, numbers: &[i32], memory_fn: impl Fn() -> Option<File>) -> Doing {
        let is_it = |fd: i32| numbers.contains(&fd);
        if let Some(name) = self.epoll_wait() {
            let fd = self.args[0] as u32 as i32;
            return if is_it(fd) {
                Doing::Waits(name)
            } else {
                let at_most = match self.number {
                    // Its time is behind a pointer, and long enough to be seen if it is short.
                    libc::SYS_epoll_pwait2 => None,
                    _ => milliseconds(self.args[3]),
                };
                self.sleeps(name, at_most)
            };
        }
        if self.number == libc::SYS_io_uring_enter || self.number == libc::SYS_io_getevents {
            return Doing::Unknown("what it has asked a ring to do cannot be told");
        }
        if self.number == libc::SYS_restart_syscall {
            return Doing::Unknown("its call goes on after a stop, and does not tell what it is");
        }
        let memory = memory_fn().map(Memory);
        if let Some(name) = self.poll() {
            let polled = memory.as_ref().and_then(|it| it.polled(&self.args));
            return match polled {
                Some(polled) if polled.iter().any(|fd| is_it(*fd)) => Doing::Waits(name),
                Some(_) => self.sleeps(name, self.timeout(memory.as_ref())),
                None => Doing::Unknown("what it polls cannot be read"),
            };
        }
        if let Some(name) = self.select() {
            let selected = memory.as_ref().map(|it| it.selects(&self.args, numbers));
            return match selected.flatten() {
                Some(true) => Doing::Waits(name),
                Some(false) => self.sleeps(name, self.timeout(memory.as_ref())),
                None => Doing::Unknown("what it selects cannot be read"),
            };
        }
        self.sleeps(self.name(), self.timeout(memory.as_ref()))
    }

    fn sleeps(&self, name: &'static str, at_most: Option<Duration>) -> Doing {
        let call = if name.is_empty() {
            format!("system call {}", self.number)
        } else {
            format!("{name}(2)")
        };
        Doing::Sleeps { call, at_most }
    }

    fn epoll_wait(&self) -> Option<&'static str> {
        match self.number {
            #[cfg(target_arch = "x86_64")]
            libc::SYS_epoll_wait => Some("epoll_wait"),
            libc::SYS_epoll_pwait => Some("epoll_pwait"),
            libc::SYS_epoll_pwait2 => Some("epoll_pwait2"),
            _ => None,
        }
    }

    fn poll(&self) -> Option<&'static str> {
        match self.number {
            #[cfg(target_arch = "x86_64")]
            libc::SYS_poll => Some("poll"),
            libc::SYS_ppoll => Some("ppoll"),
            _ => None,
        }
    }

    fn select(&self) -> Option<&'static str> {
        match self.number {
            #[cfg(target_arch = "x86_64")]
            libc::SYS_select => Some("select"),
            libc::SYS_pselect6 => Some("pselect6"),
            _ => None,
        }
    }

    /// Its name, for those that tasks commonly sleep in.
    fn name(&self) -> &'static str {
        match self.number {
            #[cfg(target_arch = "x86_64")]
            libc::SYS_pause => "pause",
            libc::SYS_nanosleep => "nanosleep",
            libc::SYS_clock_nanosleep => "clock_nanosleep",
            libc::SYS_read => "read",
            libc::SYS_readv => "readv",
            libc::SYS_write => "write",
            libc::SYS_wait4 => "wait4",
            libc::SYS_waitid => "waitid",
            libc::SYS_futex => "futex",
            libc::SYS_accept => "accept",
            libc::SYS_accept4 => "accept4",
            libc::SYS_recvfrom => "recvfrom",
            libc::SYS_recvmsg => "recvmsg",
            libc::SYS_rt_sigsuspend => "rt_sigsuspend",
            libc::SYS_rt_sigtimedwait => "rt_sigtimedwait",
            libc::SYS_flock => "flock",
            _ => "",
        }
    }

    /// How long it may take at most, by its own will.
    fn timeout(&self, memory: Option<&Memory>) -> Option<Duration> {
        const FUTEX_WAIT: u64 = 0;
        const FUTEX_WAIT_BITSET: u64 = 9;
        let span = |at: usize| memory?.span(self.args[at]);
        let until = |at: usize, clock| Some(span(at)?.saturating_sub(now(clock)));
        let is_absolute = self.args[1] & libc::TIMER_ABSTIME as u64 != 0;
        match self.number {
            #[cfg(target_arch = "x86_64")]
            libc::SYS_poll => milliseconds(self.args[2]),
            #[cfg(target_arch = "x86_64")]
            // A timeval: microseconds taken for nanoseconds make it shorter, if at all.
            libc::SYS_select => span(4),
            libc::SYS_ppoll => span(2),
            libc::SYS_pselect6 => span(4),
            libc::SYS_nanosleep => span(0),
            libc::SYS_clock_nanosleep if !is_absolute => span(2),
            libc::SYS_clock_nanosleep => until(2, clock(self.args[0])),
            libc::SYS_rt_sigtimedwait => span(2),
            libc::SYS_futex => match self.args[1] & 0x7f {
                FUTEX_WAIT => span(3),
                FUTEX_WAIT_BITSET if self.args[1] & 0x100 != 0 => until(3, ClockId::Realtime),
                FUTEX_WAIT_BITSET => until(3, ClockId::Monotonic),
                _ => None,
            },
            _ => None,
        }
    }
}

fn clock(number: u64) -> ClockId {
    match number {
        0 => ClockId::Realtime,
        7 => ClockId::Boottime,
        _ => ClockId::Monotonic,
    }
}

fn now(clock: ClockId) -> Duration {
    let now = rustix::time::clock_gettime(clock);
    Duration::try_from(now).unwrap_or_default()
}

/// Less than nothing is without end.
fn milliseconds(arg: u64) -> Option<Duration> {
    let milliseconds = arg as u32 as i32;
    u64::try_from(milliseconds).ok().map(Duration::from_millis)
}

/// Another process's memory.
struct Memory(File);

impl Memory {
    fn read<const N: usize>(&self, at: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.0.read_exact_at(&mut bytes, at).ok()?;
        Some(bytes)
    }

    /// A `timespec`; nothing if there is none.
    fn span(&self, at: u64) -> Option<Duration> {
        if at == 0 {
            return None;
        }
        let bytes: [u8; 16] = self.read(at)?;
        let (seconds, nanoseconds) = bytes.split_at(8);
        let number = |bytes: &[u8]| bytes.try_into().map(i64::from_ne_bytes).ok();
        let seconds = u64::try_from(number(seconds)?).ok()?;
        let nanoseconds = u32::try_from(number(nanoseconds)?).ok()?;
        Some(Duration::from_secs(seconds).saturating_add(Duration::from_nanos(nanoseconds.into())))
    }

    /// The numbers of an array of `pollfd`.
    fn polled(&self, args: &[u64; 6]) -> Option<Vec<i32>> {
        let (at, count) = (args[0], u64::from(args[1] as u32));
        if count > MAX_POLLED {
            return None;
        }
        let fd = |nth: u64| {
            let bytes: [u8; 4] = self.read(at.checked_add(8 * nth)?)?;
            Some(i32::from_ne_bytes(bytes))
        };
        (0..count).map(fd).collect()
    }

    /// True if one of the numbers is in one of three `fd_set`s.
    fn selects(&self, args: &[u64; 6], numbers: &[i32]) -> Option<bool> {
        let bound = u64::from(args[0] as u32);
        if bound > MAX_SELECTED {
            return None;
        }
        let inside = numbers.iter().filter_map(|fd| u64::try_from(*fd).ok());
        let inside: Vec<u64> = inside.filter(|fd| *fd < bound).collect();
        let sets = args[1..4].iter().filter(|set| **set != 0);
        for set in sets {
            for fd in &inside {
                let [byte] = self.read(set.checked_add(fd / 8)?)?;
                if byte & (1 << (fd % 8)) != 0 {
                    return Some(true);
                }
            }
        }
        Some(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn who_runs_is_in_no_call() {
        check("running\n", &Doing::Running);
        let stopped = Doing::Unknown("it was stopped outside any call");
        check("-1 0x7ffe 0x7f00\n", &stopped);
        check("", &stopped);
    }

    #[test]
    fn a_wait_is_for_the_number_it_names() {
        let pwait = libc::SYS_epoll_pwait;
        let line = |fd, ms| format!("{pwait} {fd} 0x7f00 0x8 {ms} 0x0 0x8 0x7ffe 0x7f00\n");
        check(&line("0x3", "0xffffffff"), &Doing::Waits("epoll_pwait"));
        let sleeps = |at_most| Doing::Sleeps {
            call: "epoll_pwait(2)".to_owned(),
            at_most,
        };
        check(&line("0x5", "0xffffffff"), &sleeps(None));
        let at_most = Some(Duration::from_millis(256));
        check(&line("0x5", "0x100"), &sleeps(at_most));
    }

    #[test]
    fn what_cannot_be_read_cannot_be_told() {
        let ppoll = libc::SYS_ppoll;
        let line = format!("{ppoll} 0x7f00 0x1 0x0 0x0 0x0 0x0 0x7ffe 0x7f00\n");
        check(&line, &Doing::Unknown("what it polls cannot be read"));
    }

    #[test]
    fn a_sleep_has_a_name_and_an_end() {
        let span = [5_i64, 500_000_000];
        let read = libc::SYS_nanosleep;
        let at = span.as_ptr() as u64;
        let line = format!("{read} {at:#x} 0x0 0x0 0x0 0x0 0x0 0x7ffe 0x7f00\n");
        let own = || File::open("/proc/self/mem").ok();
        let expected = Doing::Sleeps {
            call: "nanosleep(2)".to_owned(),
            at_most: Some(Duration::from_millis(5500)),
        };
        assert_eq!(Doing::read(&line, &[3], own), expected);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text: String, args: [u64; 6], number in 0_i64..512) {
            let _ = Doing::read(&text, &[3], || None);
            let _ = Call { number, args }.doing(&[3], || File::open("/proc/self/mem").ok());
        }
    }

    #[track_caller]
    fn check(text: &str, expected: &Doing) {
        assert_eq!(Doing::read(text, &[3, 4], || None), *expected);
    }
}
