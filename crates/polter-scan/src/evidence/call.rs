//! What a thread sleeps in, by `/proc/PID/task/TID/syscall`.
//!
//! The file shows the call and its arguments. For `poll` and `select` the fds are in the thread's
//! memory, and so is the timeout of most calls.

use std::fs::File;
use std::time::Duration;

use rustix::time::ClockId;

use super::memory::Memory;
use crate::proc::Proc;

/// What a thread was doing at one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Doing {
    /// On a CPU, or waiting for one.
    Running,
    /// It waits for the instance, by this call.
    Waits(&'static str),
    /// It sleeps in another call, for `at_most` if the call has a timeout.
    Sleeps {
        call: String,
        at_most: Option<Duration>,
    },
    /// It cannot be told, and this is the reason.
    Unknown(&'static str),
}

impl Doing {
    /// Reads a thread that has the instance under these fds.
    pub(super) fn of(proc: &Proc, pid: u32, tid: u32, fds: &[i32]) -> Doing {
        let Ok(text) = proc.bytes(pid, &format!("task/{tid}/syscall")) else {
            return Doing::Unknown("what it waits for may not be looked at");
        };
        let memory = || File::open(proc.root().join(format!("{pid}/mem"))).ok();
        Doing::read(&String::from_utf8_lossy(&text), fds, memory)
    }

    fn read(text: &str, fds: &[i32], memory_fn: impl Fn() -> Option<File>) -> Doing {
        match Call::read(text) {
            Ok(call) => call.doing(fds, memory_fn),
            Err(doing) => doing,
        }
    }
}
/// What a thread was doing at one look, for whoever asks which fds it waits for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ThreadLook {
    /// On a CPU, or waiting for one.
    Running,
    /// In a system call.
    Call {
        /// The call's number on this machine.
        number: i64,
        /// Its first argument, as an fd; what that means is the call's matter.
        fd: i32,
        /// The fds that `poll`, `select` or their like wait for; `None` if they cannot be read, or for another call.
        polled: Option<Vec<i32>>,
        /// The call's own timeout; `None` if it has none.
        at_most: Option<Duration>,
    },
    /// It cannot be told: the file may not be read, or the thread was stopped outside any call.
    Unknown,
}

impl ThreadLook {
    /// Looks at a thread once. Linux: `/proc/PID/task/TID/syscall`.
    pub fn at(proc: &Proc, pid: u32, tid: u32) -> ThreadLook {
        let Ok(text) = proc.bytes(pid, &format!("task/{tid}/syscall")) else {
            return ThreadLook::Unknown;
        };
        let text = String::from_utf8_lossy(&text);
        match Call::read(&text) {
            Ok(call) => {
                let file = File::open(proc.root().join(format!("{pid}/mem")));
                call.look(file.ok().map(Memory).as_ref())
            }
            Err(Doing::Running) => ThreadLook::Running,
            Err(_) => ThreadLook::Unknown,
        }
    }
}

/// A call under way, as the file shows it.
struct Call {
    number: i64,
    args: [u64; 6],
}

impl Call {
    /// Reads the file's text; an error says what else the thread was doing.
    fn read(text: &str) -> Result<Call, Doing> {
        let mut words = text.split_ascii_whitespace();
        let number = match words.next() {
            Some("running") => return Err(Doing::Running),
            Some(word) => word.parse::<i64>().unwrap_or(-1),
            None => -1,
        };
        let hex = |word: &str| u64::from_str_radix(word.trim_start_matches("0x"), 16).ok();
        let args: Vec<u64> = words.map_while(hex).take(6).collect();
        match <[u64; 6]>::try_from(args) {
            Ok(args) if number >= 0 => Ok(Call { number, args }),
            // A page fault or a stop: the thread did not go to sleep by a call.
            _ => Err(Doing::Unknown("it was stopped outside any call")),
        }
    }
    fn look(&self, memory: Option<&Memory>) -> ThreadLook {
        let polled = if self.poll().is_some() {
            memory.and_then(|it| it.polled(&self.args))
        } else if self.select().is_some() {
            memory.and_then(|it| it.selected(&self.args))
        } else {
            None
        };
        let at_most = match self.epoll_wait() {
            Some(_) if self.number == libc::SYS_epoll_pwait2 => {
                memory.and_then(|it| it.span(self.args[3]))
            }
            Some(_) => milliseconds(self.args[3]),
            None => self.timeout(memory),
        };
        ThreadLook::Call {
            number: self.number,
            fd: self.args[0] as u32 as i32,
            polled,
            at_most,
        }
    }

    fn doing(&self, fds: &[i32], memory_fn: impl Fn() -> Option<File>) -> Doing {
        let is_it = |fd: i32| fds.contains(&fd);
        if let Some(name) = self.epoll_wait() {
            let fd = self.args[0] as u32 as i32;
            return if is_it(fd) {
                Doing::Waits(name)
            } else {
                let at_most = match self.number {
                    // Its timeout is behind a pointer, and is not read: if it is short, the thread
                    // runs within the window, and its counters show that.
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
            let selected = memory.as_ref().map(|it| it.selects(&self.args, fds));
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

    /// Its name, for the calls that threads commonly sleep in.
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

    /// The timeout of the call itself; `None` if it has none.
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
            // A timeval is read as a timespec: its microseconds count as nanoseconds. That makes
            // the time shorter at most, and a shorter sleep is the careful guess.
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

/// A timeout in milliseconds; a negative one means no timeout.
fn milliseconds(arg: u64) -> Option<Duration> {
    let milliseconds = arg as u32 as i32;
    u64::try_from(milliseconds).ok().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_thread_that_runs_is_in_no_call() {
        check("running\n", &Doing::Running);
        let stopped = Doing::Unknown("it was stopped outside any call");
        check("-1 0x7ffe 0x7f00\n", &stopped);
        check("", &stopped);
    }

    #[test]
    fn a_wait_is_for_the_fd_it_names() {
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
    fn unreadable_memory_is_unknown() {
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
