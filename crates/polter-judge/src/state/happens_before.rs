//! Happens-before: which of two processes' calls the log puts in an order, and which stand in one by chance.
//!
//! ```text
//!   100  close(4) ✱──exit──▶ wait4()  in 102: ✱ happens before what 102 does next
//!   101  epoll_ctl(3, DEL, 4)         nothing leads from ✱ to 101: the two could be the other way round
//! ```
//! A call that may matter becomes a *sync event*. The process that made the call knows of it. So does a child it
//! forks later, whoever waits for it, whoever gets a signal from it, and whoever reads what it wrote. A pipe or
//! socket is recognized by the name that `strace -y` writes beside its fd; without that name, less is known. Threads
//! of one process know what the others do. Clocks and shared memory are not in a log.

use super::limits::MAX_REMEMBERED;
use super::sync_events::{MAX_EVENTS, SyncEvent, SyncEvents};
use crate::input::{CLONE_VFORK, channel, clone_flags, sender};
use polter_trace::{Args, Signal};
use rustc_hash::FxHashMap;

/// If more than these are still in use when the events run out, the next search for free ones is put off.
const CROWDED: usize = MAX_EVENTS * 3 / 4;

/// Which sync events happen before what each process does next.
#[derive(Debug, Default)]
pub(crate) struct HappensBefore {
    /// Events that were given out, and may be in use.
    issued: SyncEvents,
    /// How many events are refused before the next search for those that are not in use.
    to_refuse: usize,
    /// What each process knows of.
    processes: FxHashMap<u32, SyncEvents>,
    /// What each process knew when it ended, until it is waited for.
    ended: FxHashMap<u32, SyncEvents>,
    /// What each process knew when it last sent a signal.
    signalled: FxHashMap<u32, SyncEvents>,
    /// What the writers of each pipe or socket knew.
    channels: FxHashMap<u64, SyncEvents>,
    /// What every process knew that ended or exec'ed. Its end closes pipes, so whoever reads end-of-file knows it too.
    departed: SyncEvents,
    /// No events are given out.
    is_ignored: bool,
}

impl HappensBefore {
    pub(crate) fn ignore(&mut self) {
        self.is_ignored = true;
    }

    /// True if no call becomes a sync event.
    pub(crate) fn is_ignored(&self) -> bool {
        self.is_ignored
    }

    /// Makes a sync event of a call that this process has just made; `None` if there are too many. `used_fn` adds those
    /// that are in use.
    pub(crate) fn record(
        &mut self,
        process: u32,
        used_fn: impl FnOnce(&mut SyncEvents),
    ) -> Option<SyncEvent> {
        if self.is_ignored {
            return None;
        }
        if self.to_refuse > 0 {
            self.to_refuse -= 1;
            return None;
        }
        if self.issued.first_free().is_none() {
            let mut used = SyncEvents::default();
            used_fn(&mut used);
            self.keep(used);
            if used.count() > CROWDED {
                self.to_refuse = MAX_EVENTS;
            }
        }
        let event = self.issued.first_free()?;
        self.issued.insert(event);
        self.processes.entry(process).or_default().insert(event);
        Some(event)
    }

    /// True if the event happens before whatever the process does next.
    pub(crate) fn happens_before(&self, event: SyncEvent, process: u32) -> bool {
        // No copy of the set: this runs for every use of a removed registration.
        let known = self.processes.get(&process);
        known.is_some_and(|known| known.has(event))
    }

    /// A child knows what its parent knows.
    pub(crate) fn forked(&mut self, parent: u32, child: u32) {
        // A new thread is its process's: there is nobody to hand anything over to.
        if parent != child {
            let known = self.known(parent);
            self.processes.insert(child, known);
        }
    }

    /// A vfork has returned: the child has exec'ed or ended before its parent goes on.
    pub(super) fn vforked(&mut self, parent: u32, child: u32) {
        let known = self.known(child).union(self.left_by(child));
        self.learn(parent, known);
    }

    /// A process has exec'ed: its close-on-exec pipes are closed.
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
        if known != SyncEvents::default() {
            // What is forgotten makes an order unknown, never certain: a break then counts as one by order.
            if self.ended.len() >= MAX_REMEMBERED {
                self.ended.clear();
            }
            self.ended.insert(process, known);
        }
    }

    /// A signal arrives at a process.
    pub(crate) fn signal(&mut self, process: u32, signal: &Signal<'_>) {
        if let Some(sender) = signal.info.and_then(sender) {
            let sent = self.signalled.get(&sender).copied().unwrap_or_default();
            let known = sent.union(self.left_by(sender));
            self.learn(process, known);
        }
    }

    /// A signal kills a process. The log does not say who sent it, so it counts as sent by all who sent one.
    pub(crate) fn killed(&mut self, process: u32) {
        let known = self.signalled.values().copied();
        let known = known.fold(SyncEvents::default(), SyncEvents::union);
        self.learn(process, known);
    }

    /// A call has begun. Writes and signals count from here: others may see them before the call returns.
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
                    self.learn(process, known);
                }
            }
            // It can look without reaping (WNOWAIT), so what the child knew stays for whoever reaps it.
            "waitid" => {
                if let Some(child) = sender(args.raw) {
                    let known = self.left_by(child);
                    self.learn(process, known);
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
            // A call that is whole on one line has had no begin.
            _ => self.begun(process, name, args),
        }
    }

    /// Whoever reads from this pipe or socket will know what the writer knows.
    fn wrote(&mut self, process: u32, args: Args<'_>) {
        let known = self.known(process);
        if known == SyncEvents::default() {
            return;
        }
        let Some(channel) = channel(args) else {
            return;
        };
        if self.channels.len() >= MAX_REMEMBERED {
            self.channels.clear();
        }
        let known_to_readers = self.channels.entry(channel).or_default();
        *known_to_readers = known_to_readers.union(known);
    }

    /// A read has returned. Data tells what its writers knew; end-of-file tells what all knew who closed their end.
    fn read(&mut self, process: u32, args: Args<'_>, value: Option<i64>) {
        let has_news =
            value == Some(0) || value.is_some_and(|value| value > 0) && !self.channels.is_empty();
        let Some(channel) = has_news.then(|| channel(args)).flatten() else {
            return;
        };
        let mut known = self.channels.get(&channel).copied().unwrap_or_default();
        if value == Some(0) {
            known = known.union(self.departed);
        }
        self.learn(process, known);
    }

    /// There is no event, so nobody can know of one.
    fn is_idle(&self) -> bool {
        self.issued == SyncEvents::default()
    }

    fn known(&self, process: u32) -> SyncEvents {
        self.processes.get(&process).copied().unwrap_or_default()
    }

    fn left_by(&self, process: u32) -> SyncEvents {
        self.ended.get(&process).copied().unwrap_or_default()
    }

    fn learn(&mut self, process: u32, known: SyncEvents) {
        if known != SyncEvents::default() {
            let own = self.processes.entry(process).or_default();
            *own = own.union(known);
        }
    }

    /// Forgets all other events, everywhere: their numbers are given out again and must mean nothing old.
    fn keep(&mut self, used: SyncEvents) {
        self.issued = used;
        for all in [&mut self.processes, &mut self.ended, &mut self.signalled] {
            all.retain(|_, known| known.keep(used));
        }
        self.channels.retain(|_, known| known.keep(used));
        self.departed.keep(used);
    }
}

#[cfg(test)]
mod tests {
    use super::{HappensBefore, MAX_EVENTS, SyncEvents};

    #[test]
    fn events_are_given_out_again_and_mean_nothing_old() {
        let mut order = HappensBefore::default();
        let events: Vec<_> = (0..MAX_EVENTS)
            .map(|_| order.record(1, |_| {}).expect("there are enough"))
            .collect();
        let one_is_used = |used: &mut SyncEvents| used.insert(events[8]);
        assert_eq!(order.record(2, one_is_used), Some(events[0]));
        assert!(order.happens_before(events[0], 2) && order.happens_before(events[8], 1));
        assert!(!order.happens_before(events[0], 1) && !order.happens_before(events[7], 1));
    }

    #[test]
    fn events_in_use_are_not_given_out_again() {
        let mut order = HappensBefore::default();
        let events: Vec<_> = (0..MAX_EVENTS)
            .map(|_| order.record(1, |_| {}).expect("there are enough"))
            .collect();
        let all_are_used =
            |used: &mut SyncEvents| events.iter().for_each(|event| used.insert(*event));
        assert_eq!(order.record(2, all_are_used), None);
        assert_eq!(order.record(2, |_| panic!("too soon")), None);
    }
}
