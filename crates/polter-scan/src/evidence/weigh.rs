//! What follows from the evidence, in words.
//!
//! Every doubt makes a finding open: a ghost is likely only if nothing speaks against it and
//! something shows that the file was inherited.

use crate::snapshot::{Evidence, How, Instance, Registration, Snapshot, Sureness, Use};

/// A thread that had a CPU, or wanted one, for this share of the window spins. It is not 1, because
/// the kernel bills CPU time with a delay.
const BUSY: f64 = 0.5;

/// The kernel's least share of the time in a loop that does nothing but calls. A thread below it
/// computes.
pub(crate) const IN_KERNEL: f64 = 0.05;

/// A program that only computes is in the kernel for interrupts, and now and then for a call: two
/// ticks in thirty fell there once in ten thousand windows. A report may be wrong once in so many,
/// a removal may not.
const SURE_KERNEL_TICKS: u64 = 4;

/// The result of weighing: how sure it is that a registration is an elder's ghost, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Weighed {
    /// Likely or open: evidence never makes a ghost certain.
    pub(crate) sureness: Sureness,
    /// The reasons for a likely ghost; the doubts about an open one.
    pub(crate) reasons: Vec<String>,
}

impl Evidence {
    /// True if this process spins on the registration: it never sleeps, it makes calls, the file
    /// is ready all the time, and every wait reports it as long as it is.
    pub(crate) fn is_spinning(&self, registration: &Registration, pid: u32) -> bool {
        self.spins_by(registration, pid, 0)
    }

    /// The same, sure enough for a removal that nobody has asked for by name.
    pub(crate) fn is_surely_spinning(&self, registration: &Registration, pid: u32) -> bool {
        self.spins_by(registration, pid, SURE_KERNEL_TICKS)
    }

    fn spins_by(&self, registration: &Registration, pid: u32, kernel_ticks: u64) -> bool {
        let spins = |it: &Use| {
            let waits = matches!(it.how, How::Waits { .. });
            let makes_calls = it.in_kernel >= IN_KERNEL && it.kernel_ticks >= kernel_ticks;
            it.pid == pid && !waits && it.busy >= BUSY && makes_calls
        };
        self.is_ready == Some(true)
            && registration.is_reported_always()
            && self.elders.iter().any(spins)
    }

    /// Says how sure it is that the registration is the elder's ghost, and why.
    pub(crate) fn weigh(
        &self,
        snapshot: &Snapshot,
        instance: &Instance,
        registration: &Registration,
    ) -> Weighed {
        let against = self.against(snapshot, instance);
        if !against.is_empty() {
            return Weighed {
                sureness: Sureness::Open,
                reasons: against,
            };
        }
        let mut reasons = self.inherited(snapshot);
        if reasons.is_empty() {
            let (namer, fd) = (snapshot.called(self.origin.namer), registration.fd);
            let reason = format!("nothing shows whether {namer} has {fd} by inheritance");
            return Weighed {
                sureness: Sureness::Open,
                reasons: vec![reason],
            };
        }
        reasons.extend(self.namers.iter().filter_map(|it| self.idle(snapshot, it)));
        reasons.extend(
            self.elders
                .iter()
                .map(|it| self.elder(snapshot, registration, it)),
        );
        Weighed {
            sureness: Sureness::Likely,
            reasons,
        }
    }

    fn looked(&self) -> String {
        format!("{} looks in {} ms", self.looks, self.window_ms)
    }

    /// Reasons not to call it a ghost.
    fn against(&self, snapshot: &Snapshot, instance: &Instance) -> Vec<String> {
        let mut reasons: Vec<String> = self
            .namers
            .iter()
            .filter_map(|it| self.in_use(snapshot, it))
            .collect();
        if self.namers.is_empty() {
            reasons.push("who can name the file cannot be watched".to_owned());
        }
        if !self.is_steady {
            reasons.push("the fd came or went meanwhile".to_owned());
        }
        if !instance.is_certain {
            reasons.push("who holds the instance is told by likeness alone".to_owned());
        }
        if let [pid, ..] = self.hidden_kin[..] {
            reasons.push(format!(
                "process {pid} may not be looked at, and descends from one that holds the instance"
            ));
        }
        reasons
    }

    /// Why a process that can name the file may be using the instance; `None` if it is not.
    fn in_use(&self, snapshot: &Snapshot, it: &Use) -> Option<String> {
        let (who, looked) = (snapshot.called(it.pid), self.looked());
        Some(match &it.how {
            How::Sleeps { .. } => return None,
            How::Waits { call, looks } => {
                format!("{who} waits on the instance itself: {call}(2) at {looks} of {looked}")
            }
            How::Ran => format!(
                "{who} ran in the {} ms: what it did is not known",
                self.window_ms
            ),
            How::Naps { call, for_ms } => format!(
                "{who} sleeps for {for_ms} ms at most in {call}: it may wait on the instance between"
            ),
            How::Nested { fd } => {
                format!("{who} has the instance in another, {fd}, and may wait on that")
            }
            How::Unknown { why } => format!("{who}: {why}"),
        })
    }

    /// Signs that the file came with the table; empty if there are none.
    fn inherited(&self, snapshot: &Snapshot) -> Vec<String> {
        let origin = &self.origin;
        if !origin.is_inherited() {
            return Vec::new();
        }
        let (namer, elder) = (snapshot.called(origin.namer), snapshot.called(self.elder));
        let mut reasons = Vec::new();
        if let Some(end) = origin.other_end {
            reasons.push(format!(
                "{elder} has the pipe too, as {end}: it is older than the fork"
            ));
        }
        if origin.is_made_by_elder {
            reasons.push(format!("{elder} made the pair of sockets"));
        }
        if origin.is_older {
            reasons.push(format!("the pipe is older than {namer}"));
        }
        if let Some(above) = origin.neighbour {
            reasons.push(format!(
                "above it {above} names one file in both tables: {namer} has a copy"
            ));
        }
        if origin.has_changed_program {
            reasons.push(format!(
                "{namer} has become another program since, which never heard of the instance"
            ));
        }
        reasons
    }

    /// How a process that can name the file spent the window asleep.
    fn idle(&self, snapshot: &Snapshot, it: &Use) -> Option<String> {
        let How::Sleeps { call } = &it.how else {
            return None;
        };
        let who = snapshot.called(it.pid);
        let looked = self.looked();
        Some(format!(
            "{who} never waited on the instance in {looked}: it slept in {call}"
        ))
    }

    /// What an elder did, and whether it spins on the registration.
    fn elder(&self, snapshot: &Snapshot, registration: &Registration, it: &Use) -> String {
        let who = snapshot.called(it.pid);
        let busy = (it.busy * 100.0).min(100.0);
        let ready = match self.is_ready {
            Some(true) => "the file had something to report all the time",
            Some(false) => "the file had nothing to report",
            None => "whether the file has something to report cannot be asked",
        };
        if self.is_spinning(registration, it.pid) {
            return format!(
                "{who} spins on it: it had a CPU or wanted one for {busy:.0} % of that time, and {ready}"
            );
        }
        let does = match &it.how {
            How::Waits { call, looks } => format!("waits on it, in {call}(2) at {looks} looks"),
            How::Sleeps { call } | How::Naps { call, .. } => format!("slept in {call}"),
            _ => format!("wanted a CPU for {busy:.0} % of that time"),
        };
        format!("{who} does not spin on it: it {does}, and {ready}")
    }
}
