//! Happens-before: which of two processes' calls the log puts in an order, and which stand in one by chance.
//!
//! ```text
//!   100  close(4) ✱──exit──▶ wait4()  in 102: ✱ happens before what 102 does next
//!   101  epoll_ctl(3, DEL, 4)         nothing leads from ✱ to 101: the two could be the other way round
//! ```
//! A call that may matter becomes a *sync event*. The process that made the call knows of it. So does a child it forks
//! later, whoever waits for it, whoever gets a signal from it, and whoever reads what it wrote. A pipe or socket is
//! recognized by the name that `strace -y` writes beside its fd; without that name, less is known. Threads of one process
//! know what the others do. Clocks and shared memory are not in a log.

use super::limits::MAX_REMEMBERED;
use crate::input::{CLONE_VFORK, clone_flags, find_after, leading_int};
use memchr::{memchr, memchr_iter};
use polter_trace::{Args, Signal};
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};

/// Marks at a time.
const MARKS: usize = 1024;

/// Marks of which so many are in use still are not looked through again soon.
const CROWDED: usize = MARKS * 3 / 4;

/// A call that may matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(u16);

/// Some marks: those that somebody has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Known([u64; MARKS / 64]);

/// Which process knows of which call.
#[derive(Debug, Default)]
pub(crate) struct Order {
    /// Marks that were given out, and may be in use.
    given: Known,
    /// So many are refused before those in use are looked for again.
    to_refuse: usize,
    processes: FxHashMap<u32, Known>,
    /// What those knew who have ended and were not yet waited for.
    ended: FxHashMap<u32, Known>,
    /// What a process knew when it last sent a signal.
    signalled: FxHashMap<u32, Known>,
    /// What was known to those who wrote to a pipe or socket.
    channels: FxHashMap<u64, Known>,
    /// What those knew who have ended or become another program: an end-of-file tells of them.
    departed: Known,
    /// No marks are given out.
    is_ignored: bool,
}

impl Order {
    pub(crate) fn ignore(&mut self) {
        self.is_ignored = true;
    }

    /// True if no call ever gets a mark.
    pub(crate) fn is_ignored(&self) -> bool {
        self.is_ignored
    }

    /// A mark for a call that this process has just made; none if there are too many. `used_fn` says which are in use.
    pub(crate) fn mark(&mut self, process: u32, used_fn: impl FnOnce(&mut Known)) -> Option<Mark> {
        if self.is_ignored {
            return None;
        }
        if self.to_refuse > 0 {
            self.to_refuse -= 1;
            return None;
        }
        if self.given.first_free().is_none() {
            let mut used = Known::default();
            used_fn(&mut used);
            self.keep(used);
            if used.count() > CROWDED {
                self.to_refuse = MARKS;
            }
        }
        let mark = self.given.first_free()?;
        self.given.insert(mark);
        self.processes.entry(process).or_default().insert(mark);
        Some(mark)
    }

    /// True if a process knows that a call was made.
    pub(crate) fn knows(&self, process: u32, mark: Mark) -> bool {
        // Not by a copy: this is asked for every use of what was taken.
        let known = self.processes.get(&process);
        known.is_some_and(|known| known.has(mark))
    }

    pub(crate) fn forked(&mut self, parent: u32, child: u32) {
        if parent != child {
            let known = self.known(parent);
            self.processes.insert(child, known);
        }
    }

    /// A child is another program now, and its parent goes on.
    pub(crate) fn vforked(&mut self, parent: u32, child: u32) {
        let known = self.known(child).union(self.left_by(child));
        self.tell(parent, known);
    }

    pub(crate) fn executed(&mut self, process: u32) {
        self.departed = self.departed.union(self.known(process));
    }

    /// A task of a process has ended, and the process with it if `is_last`.
    pub(crate) fn gone(&mut self, process: u32, is_last: bool) {
        let known = self.known(process);
        if is_last {
            self.processes.remove(&process);
            self.signalled.remove(&process);
        }
        self.departed = self.departed.union(known);
        if known != Known::default() {
            if self.ended.len() >= MAX_REMEMBERED {
                self.ended.clear();
            }
            self.ended.insert(process, known);
        }
    }

    /// A signal arrives.
    pub(crate) fn signal(&mut self, process: u32, signal: &Signal<'_>) {
        if let Some(sender) = signal.info.and_then(sender) {
            let sent = self.signalled.get(&sender).copied().unwrap_or_default();
            let known = sent.union(self.left_by(sender));
            self.tell(process, known);
        }
    }

    /// A process is killed by a signal; the log does not say whose.
    pub(crate) fn killed(&mut self, process: u32) {
        let known = self.signalled.values().copied();
        let known = known.fold(Known::default(), Known::union);
        self.tell(process, known);
    }

    /// A call has begun: others may see what it does before it ends.
    pub(crate) fn begun(&mut self, process: u32, name: &str, args: Args<'_>) {
        if self.is_idle() {
            return;
        }
        match name {
            "write" | "writev" | "send" | "sendto" | "sendmsg" | "sendmmsg" | "shutdown" => {
                self.wrote(process, args);
            }
            "kill" | "tkill" | "tgkill" | "rt_sigqueueinfo" | "rt_tgsigqueueinfo"
            | "pidfd_send_signal" => {
                let known = self.known(process);
                self.signalled.insert(process, known);
            }
            _ => {}
        }
    }

    /// A call has ended.
    pub(crate) fn ended(&mut self, process: u32, name: &str, args: Args<'_>, value: Option<i64>) {
        if self.is_idle() {
            return;
        }
        match name {
            "read" | "readv" | "recv" | "recvfrom" | "recvmsg" | "recvmmsg" => {
                self.read(process, args, value);
            }
            "wait4" | "waitpid" => {
                if let Some(child) = value.and_then(|value| u32::try_from(value).ok()) {
                    let known = self.ended.remove(&child).unwrap_or_default();
                    self.tell(process, known);
                }
            }
            "waitid" => {
                if let Some(child) = sender(args.raw) {
                    let known = self.left_by(child);
                    self.tell(process, known);
                }
            }
            "vfork" | "clone" | "clone3" => {
                let is_vfork = name == "vfork" || clone_flags(args.raw) & CLONE_VFORK != 0;
                if let Some(child) = value.and_then(|value| u32::try_from(value).ok())
                    && is_vfork
                {
                    self.vforked(process, child);
                }
            }
            _ => self.begun(process, name, args),
        }
    }

    fn wrote(&mut self, process: u32, args: Args<'_>) {
        let known = self.known(process);
        if known == Known::default() {
            return;
        }
        let Some(channel) = channel(args) else {
            return;
        };
        if self.channels.len() >= MAX_REMEMBERED {
            self.channels.clear();
        }
        let told = self.channels.entry(channel).or_default();
        *told = told.union(known);
    }

    fn read(&mut self, process: u32, args: Args<'_>, value: Option<i64>) {
        let is_told =
            value == Some(0) || value.is_some_and(|value| value > 0) && !self.channels.is_empty();
        let Some(channel) = is_told.then(|| channel(args)).flatten() else {
            return;
        };
        let mut known = self.channels.get(&channel).copied().unwrap_or_default();
        if value == Some(0) {
            known = known.union(self.departed);
        }
        self.tell(process, known);
    }

    /// Nothing is marked, so nobody can know of anything.
    fn is_idle(&self) -> bool {
        self.given == Known::default()
    }

    fn known(&self, process: u32) -> Known {
        self.processes.get(&process).copied().unwrap_or_default()
    }

    fn left_by(&self, process: u32) -> Known {
        self.ended.get(&process).copied().unwrap_or_default()
    }

    fn tell(&mut self, process: u32, known: Known) {
        if known != Known::default() {
            let own = self.processes.entry(process).or_default();
            *own = own.union(known);
        }
    }

    /// Takes all other marks from everybody.
    fn keep(&mut self, used: Known) {
        self.given = used;
        for all in [&mut self.processes, &mut self.ended, &mut self.signalled] {
            all.retain(|_, known| known.keep(used));
        }
        self.channels.retain(|_, known| known.keep(used));
        self.departed.keep(used);
    }
}

impl Known {
    pub(crate) fn insert(&mut self, mark: Mark) {
        self.0[usize::from(mark.0 / 64)] |= 1 << (mark.0 % 64);
    }

    pub(crate) fn has(&self, mark: Mark) -> bool {
        self.0[usize::from(mark.0 / 64)] & (1 << (mark.0 % 64)) != 0
    }

    fn union(self, other: Known) -> Known {
        Known(std::array::from_fn(|word| self.0[word] | other.0[word]))
    }

    /// Keeps what is also in `other`; false if that is nothing.
    fn keep(&mut self, other: Known) -> bool {
        *self = Known(std::array::from_fn(|word| self.0[word] & other.0[word]));
        *self != Known::default()
    }

    fn first_free(&self) -> Option<Mark> {
        let word = self.0.iter().position(|word| *word != u64::MAX)?;
        let bit = self.0[word].trailing_ones() as usize;
        Some(Mark((word * 64 + bit) as u16))
    }

    fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }
}

/// The process a signal or a status is from.
fn sender(text: &[u8]) -> Option<u32> {
    let pid = find_after(text, b"si_pid=")?;
    u32::try_from(leading_int(pid)?).ok()
}

/// The pipe or socket that a call's first argument names, the same for both of its ends.
fn channel(args: Args<'_>) -> Option<u64> {
    let text = args.raw;
    let start = memchr(b'<', text).filter(|at| text[..*at].iter().all(u8::is_ascii_digit))?;
    let text = &text[start + 1..];
    let open = memchr(b'[', text)?;
    let kind = &text[..open];
    let is_channel =
        kind.starts_with(b"pipe:") || kind.starts_with(b"UNIX") || kind.starts_with(b"TCP");
    if !is_channel {
        return None;
    }
    let ends = &text[open + 1..][..pair(&text[open + 1..], *b"]>")?];
    let mut hasher = FxHasher::default();
    kind.hash(&mut hasher);
    match pair(ends, *b"->") {
        Some(arrow) => {
            let (one, other) = (&ends[..arrow], &ends[arrow + 2..]);
            // A path follows a unix socket's number on the one end and not on the other.
            let other = memchr(b',', other).map_or(other, |comma| &other[..comma]);
            (one.min(other), one.max(other)).hash(&mut hasher);
        }
        None => ends.hash(&mut hasher),
    }
    Some(hasher.finish())
}

/// Where two bytes stand side by side: for a few bytes of text a search that is prepared first costs more.
fn pair(text: &[u8], [one, two]: [u8; 2]) -> Option<usize> {
    memchr_iter(one, text).find(|at| text.get(at + 1) == Some(&two))
}

#[cfg(test)]
mod tests {
    use super::{MARKS, Order, channel};
    use polter_trace::{Body, Line};

    fn channel_of(line: &str) -> Option<u64> {
        let Body::Call(call) = Line::parse(line.as_bytes()).body else {
            panic!("no call: {line}");
        };
        channel(call.args)
    }

    #[test]
    fn both_ends_of_a_channel_are_one() {
        let one = channel_of("1 read(3<TCP:[127.0.0.1:80->127.0.0.1:9]>, \"\", 1) = 0");
        let other = channel_of("1 write(8<TCP:[127.0.0.1:9->127.0.0.1:80]>, \"\", 1) = 0");
        assert_eq!((one.is_some(), one), (true, other));
        let one = channel_of("1 read(3<UNIX-STREAM:[7->8]>, \"\", 1) = 0");
        let other = channel_of("1 write(8<UNIX-STREAM:[8->7,\"/run/x\"]>, \"\", 1) = 0");
        assert_eq!((one.is_some(), one), (true, other));
        assert_ne!(
            channel_of("1 read(3<pipe:[7]>, \"\", 1) = 0"),
            channel_of("1 read(3<pipe:[8]>, \"\", 1) = 0")
        );
    }

    #[test]
    fn a_file_or_a_bare_number_is_no_channel() {
        for call in [
            "read(3, \"<pipe:[7]>\", 1) = 0",
            "read(3</tmp/a[1]>, \"\", 1) = 0",
            "read(3<anon_inode:[eventfd]>, \"\", 1) = 0",
            "read(3<pipe:[7",
        ] {
            let line = format!("1 {call}");
            if let Body::Call(call) = Line::parse(line.as_bytes()).body {
                assert_eq!(channel(call.args), None, "{line}");
            }
        }
    }

    #[test]
    fn marks_are_given_out_again_and_mean_nothing_old() {
        let mut order = Order::default();
        let marks: Vec<_> = (0..MARKS)
            .map(|_| order.mark(1, |_| {}).expect("there are enough"))
            .collect();
        let one_is_used = |used: &mut super::Known| used.insert(marks[8]);
        assert_eq!(order.mark(2, one_is_used), Some(marks[0]));
        assert!(order.knows(2, marks[0]) && order.knows(1, marks[8]));
        assert!(!order.knows(1, marks[0]) && !order.knows(1, marks[7]));
    }

    #[test]
    fn marks_in_use_are_not_given_out_again() {
        let mut order = Order::default();
        let marks: Vec<_> = (0..MARKS)
            .map(|_| order.mark(1, |_| {}).expect("there are enough"))
            .collect();
        let all_are_used =
            |used: &mut super::Known| marks.iter().for_each(|mark| used.insert(*mark));
        assert_eq!(order.mark(2, all_are_used), None);
        assert_eq!(order.mark(2, |_| panic!("too soon")), None);
    }
}
