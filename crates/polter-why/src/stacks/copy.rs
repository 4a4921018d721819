//! A copy of the stack of a thread that sleeps in a system call.
//!
//! `/proc/PID/task/TID/syscall` ends with the thread's stack pointer and instruction pointer, unless it runs. The stack
//! is read from the process's memory. The thread is not stopped, so all is looked at again after the copy:
//!
//! ```text
//!   sp, ip, arrivals ─▶ copy ─▶ sp, ip, arrivals     alike: it has slept all the while
//! ```

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use polter_scan::Proc;
use polter_stack::{Registers, StackCopy};

/// How much of a stack is copied.
const COPIED: usize = 64 << 10;

/// Where a thread sleeps.
#[derive(Debug, PartialEq, Eq)]
struct Asleep {
    /// The call and its arguments, as the file has them.
    text: Vec<u8>,
    sp: u64,
    ip: u64,
    /// How often it came to a CPU: it can return to the same place.
    arrivals: Option<u64>,
}

/// Copies the stack of a thread; nothing if it runs, is in no call, has moved meanwhile, or may not be read.
///
/// The frame pointer is not known.
pub(crate) fn copy(proc: &Proc, pid: u32, tid: u32) -> Option<StackCopy> {
    let before = Asleep::at(proc, pid, tid)?;
    let memory = File::open(proc.root().join(format!("{pid}/mem"))).ok()?;
    let mut bytes = vec![0; COPIED];
    // Less is read where the stack ends.
    let count = memory.read_at(&mut bytes, before.sp).ok()?;
    bytes.truncate(count);
    let after = Asleep::at(proc, pid, tid)?;
    (before == after).then(|| StackCopy {
        registers: Registers {
            ip: before.ip,
            sp: before.sp,
            ..Registers::default()
        },
        bytes,
    })
}

impl Asleep {
    fn at(proc: &Proc, pid: u32, tid: u32) -> Option<Asleep> {
        let text = proc.bytes(pid, &format!("task/{tid}/syscall")).ok()?;
        let (sp, ip) = pointers(&String::from_utf8_lossy(&text))?;
        let arrivals = proc.counters_of_thread(pid, tid).map(|it| it.arrivals);
        Some(Asleep {
            text,
            sp,
            ip,
            arrivals,
        })
    }
}

/// The last two of `NUMBER ARG ARG ARG ARG ARG ARG SP IP`. Outside of a call the number is -1, of a thread that runs there
/// is but one word. Linux: `proc_pid_syscall`.
fn pointers(text: &str) -> Option<(u64, u64)> {
    const IN_CALL: usize = 9;
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let hex = |word: &str| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok();
    if words.len() != IN_CALL {
        return None;
    }
    Some((hex(words[7])?, hex(words[8])?)).filter(|(sp, ip)| *sp != 0 && *ip != 0)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use polter_scan::Proc;
    use proptest::prelude::*;

    use super::{copy, pointers};

    #[test]
    fn only_a_thread_in_a_call_has_pointers() {
        check(
            "7 0x7ffe 0x1 0x0 0x0 0x0 0x0 0x7ffd10 0x7f00\n",
            Some((0x7f_fd10, 0x7f00)),
        );
        check("running\n", None);
        check("-1 0x7ffd10 0x7f00\n", None);
        check("", None);
        // A kernel thread's.
        check("0 0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0\n", None);
    }

    #[test]
    fn a_thread_that_sleeps_is_copied_and_one_that_runs_is_not() {
        let (wake, slept) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let sleeper = thread::spawn(move || {
            tell.send(rustix::thread::gettid()).unwrap();
            let _ = slept.recv();
        });
        let tid = told.recv().unwrap().as_raw_nonzero().get().cast_unsigned();
        let pid = std::process::id();
        let mut copied = None;
        for _ in 0..1000 {
            copied = copy(&Proc::live(), pid, tid);
            if copied.is_some() {
                break;
            }
            thread::sleep(std::time::Duration::from_millis(1));
        }
        let copied = copied.expect("it sleeps");
        assert!(!copied.bytes.is_empty());
        // One's own memory may be read, and one runs.
        let own = rustix::thread::gettid().as_raw_nonzero().get();
        assert_eq!(copy(&Proc::live(), pid, own.cast_unsigned()), None);
        drop(wake);
        sleeper.join().unwrap();
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text: String) {
            let _ = pointers(&text);
        }
    }

    #[track_caller]
    fn check(text: &str, expected: Option<(u64, u64)>) {
        assert_eq!(pointers(text), expected);
    }
}
