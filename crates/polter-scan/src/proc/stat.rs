//! `/proc/PID/stat`, `schedstat` and `status`: who a process is, and how long it has run.

/// Linux: `include/linux/sched.h`
const PF_EXITING: u64 = 0x4;

/// The fields of `/proc/PID/stat` that polter uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// The name, which may hold anything.
    pub comm: String,
    /// The letter of its state, such as `S` for sleeping.
    pub state: char,
    /// True once it has begun to exit, and gives up its descriptor table. Linux: `PF_EXITING`.
    pub is_exiting: bool,
    /// The parent; 0 if it is in another pid namespace.
    pub ppid: u32,
    /// Time on a CPU, in clock ticks: its own and the kernel's for it.
    pub cpu_ticks: u64,
    /// The part of that time in the program itself.
    pub user_ticks: u64,
    /// When it was started, in clock ticks since boot. A pid is reused; pid and start time are not.
    pub start_time: u64,
    /// Where its stack begins: the same after fork, another after exec. 0 if that may not be read.
    pub stack: u64,
}

impl Stat {
    /// Reads the line; `None` if it is not one.
    pub fn parse(text: &[u8]) -> Option<Stat> {
        let name = text.iter().position(|byte| *byte == b'(')? + 1;
        // The name may hold parentheses and spaces: the last one ends it.
        let end = text.iter().rposition(|byte| *byte == b')')?;
        let comm = String::from_utf8_lossy(text.get(name..end)?).into_owned();
        let rest = std::str::from_utf8(text.get(end + 1..)?).ok()?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().take(40).collect();
        let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
        Some(Stat {
            comm,
            state: fields.first()?.chars().next()?,
            is_exiting: number(6)? & PF_EXITING != 0,
            ppid: fields.get(1)?.parse().ok()?,
            cpu_ticks: number(11)?.saturating_add(number(12)?),
            user_ticks: number(11)?,
            start_time: number(19)?,
            // Linux shows 1 to whoever may not know it.
            stack: number(25).filter(|stack| *stack > 1).unwrap_or(0),
        })
    }
}

/// A task's `schedstat`. Linux: `proc_pid_schedstat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Schedule {
    /// Time on a CPU and time it waited for one, in nanoseconds.
    pub(crate) wanted_ns: u64,
    /// How often it came to a CPU; 0 if the kernel does not count.
    pub(crate) arrivals: u64,
}

impl Schedule {
    /// Reads the line; `None` if it is not one.
    pub(crate) fn parse(text: &str) -> Option<Schedule> {
        let mut numbers = text
            .split_ascii_whitespace()
            .map(|it| it.parse::<u64>().ok());
        let (on, waited) = (numbers.next()??, numbers.next()??);
        Some(Schedule {
            wanted_ns: on.saturating_add(waited),
            arrivals: numbers.next()??,
        })
    }
}

/// The context switches that `/proc/PID/status` counts, voluntary and involuntary.
pub fn switches(status: &str) -> Option<u64> {
    let count = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.trim().parse::<u64>().ok()
    };
    count("voluntary_ctxt_switches:")?.checked_add(count("nonvoluntary_ctxt_switches:")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REST: &str = "S 7 8 9 0 -1 4194304 95 0 0 0 30 12 0 0 20 0 1 0 5555 2703360 200 \
        18446744073709551615 1 1 140722 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0";

    #[test]
    fn the_name_may_hold_anything() {
        check("100 (worker) ", "worker");
        check("100 (a) R 1 (b) ", "a) R 1 (b");
        check("100 () ", "");
    }

    #[test]
    fn a_process_that_exits_is_known() {
        let stat =
            |flags| Stat::parse(format!("100 (x) {}", REST.replace("4194304", flags)).as_bytes());
        assert!(!stat("4194304").unwrap().is_exiting);
        assert!(stat("4194308").unwrap().is_exiting);
    }

    #[test]
    fn what_is_no_stat_is_refused() {
        for text in ["", "100", "100 (x", "100 (x) S", ")(", "100 )x( S 1"] {
            assert_eq!(Stat::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn both_kinds_of_switches_count() {
        let status = "Name:\tx\nvoluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t7\n";
        assert_eq!(switches(status), Some(12));
        assert_eq!(switches("voluntary_ctxt_switches:\t5\n"), None);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text: Vec<u8>) {
            let _ = Stat::parse(&text);
        }
    }

    #[track_caller]
    fn check(start: &str, comm: &str) {
        let stat = Stat::parse(format!("{start}{REST}").as_bytes()).unwrap();
        assert_eq!(stat.comm, comm);
        assert_eq!((stat.ppid, stat.cpu_ticks, stat.start_time), (7, 42, 5555));
        assert_eq!(stat.stack, 140_722);
    }
}
