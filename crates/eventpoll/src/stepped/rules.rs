//! What of the kernel's care is in force: fixes that can be taken out, and
//! mistakes that can be put in.

use std::fmt;
use std::str::FromStr;

/// A repair of a race that really happened. All are in force unless taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fix {
    /// A scan polls a file only with a reference of its own, and takes none
    /// once the count is zero. Linux: commit 4efaa5acf0a1 (CVE-2024-38580).
    PollGuard,
    /// A removal takes a reference on the file before it touches the file's
    /// list, and leaves the epitem alone if there is none to take. Linux:
    /// commit a6dc643c6931 (CVE-2026-46242).
    RemovalPin,
    /// An instance is freed after a grace period. Linux: commit 07712db80857
    /// (CVE-2026-43074).
    DelayedFree,
    /// A wait queue that goes away before its file tells those who wait on
    /// it. Linux: `POLLFREE`, commit d80e731ecab4.
    Pollfree,
    /// Taking an entry off a wait queue waits for a wake-up under way, by the
    /// queue's lock. Linux: `remove_wait_queue`, by design.
    UnhookLock,
    /// The release of a watched file marks the epitem, and each epitem holds
    /// a reference on its instance. Linux: commit 58c9b016e128 (6.4).
    Dying,
    /// The depth of nested instances is measured up and down. Linux: commit
    /// f2e467a48287.
    DepthBothWays,
}

impl Fix {
    /// Every fix; [`Rules::LINUX`] has them all.
    pub const ALL: [Fix; 7] = [
        Fix::PollGuard,
        Fix::RemovalPin,
        Fix::DelayedFree,
        Fix::Pollfree,
        Fix::UnhookLock,
        Fix::Dying,
        Fix::DepthBothWays,
    ];

    /// Its name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Fix::PollGuard => "poll-guard",
            Fix::RemovalPin => "removal-pin",
            Fix::DelayedFree => "delayed-free",
            Fix::Pollfree => "pollfree",
            Fix::UnhookLock => "unhook-lock",
            Fix::Dying => "dying",
            Fix::DepthBothWays => "depth-both-ways",
        }
    }

    /// What it does, in a line.
    pub fn summary(self) -> &'static str {
        match self {
            Fix::PollGuard => "a scan polls no file whose count is zero (4efaa5acf0a1)",
            Fix::RemovalPin => "a removal holds the file it takes the epitem from (a6dc643c6931)",
            Fix::DelayedFree => "an instance is freed after a grace period (07712db80857)",
            Fix::Pollfree => "a queue that goes away tells its epitems (d80e731ecab4)",
            Fix::UnhookLock => "leaving a wait queue waits for a wake-up under way",
            Fix::Dying => {
                "epitems of a dying file are marked, and hold their instance (58c9b016e128)"
            }
            Fix::DepthBothWays => "nesting is measured up and down (f2e467a48287)",
        }
    }
}

/// A mistake that a kernel could plausibly contain. None is in force unless put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Seed {
    /// `__fput` lets the kind release before `eventpoll_release` has run.
    UnlinkAfterRelease,
    /// A scan that leaves something on the ready list wakes nobody.
    NoWakeAfterScan,
    /// `EPOLL_CTL_DEL` does not take `ep->mtx`.
    DelWithoutMutex,
    /// What arrives during a scan is not kept for later.
    OverflowDropped,
    /// `epoll_wait` goes to sleep without a last look under the lock.
    NoLookBeforeSleep,
    /// A waiter whose time is up does not look whether it was woken (before 289caf5d8f6c).
    TimeoutForgetsWake,
    /// `EPOLL_CTL_MOD` polls before it stores the new mask.
    PollBeforeMask,
    /// `EPOLL_CTL_ADD` polls before it joins the wait queue.
    PollBeforeQueue,
    /// An epitem's reference on its instance is dropped before `ep->mtx` is (before 8c2e52ebbe88).
    PutUnderMutex,
    /// An epitem is freed without a grace period.
    EpitemFreedAtOnce,
    /// An epitem is freed before it has left the wait queue.
    FreeBeforeUnhook,
    /// The queue of a POLLFREE is freed without a grace period.
    PollfreeAtOnce,
    /// Nested instances are checked without `epnested_mutex`.
    NoNestedMutex,
    /// A nested ADD takes the inner `ep->mtx` before the outer one.
    InnerMutexFirst,
    /// A level-triggered epitem is not put back after its report.
    LevelNotPutBack,
    /// `ep->mtx` is not held during a scan.
    ScanWithoutMutex,
    /// The release of a file passes by an epitem whose `ep->mtx` is taken.
    ReleaseGivesUp,
}

impl Seed {
    /// Every mistake.
    pub const ALL: [Seed; 17] = [
        Seed::UnlinkAfterRelease,
        Seed::NoWakeAfterScan,
        Seed::DelWithoutMutex,
        Seed::OverflowDropped,
        Seed::NoLookBeforeSleep,
        Seed::TimeoutForgetsWake,
        Seed::PollBeforeMask,
        Seed::PollBeforeQueue,
        Seed::PutUnderMutex,
        Seed::EpitemFreedAtOnce,
        Seed::FreeBeforeUnhook,
        Seed::PollfreeAtOnce,
        Seed::NoNestedMutex,
        Seed::InnerMutexFirst,
        Seed::LevelNotPutBack,
        Seed::ScanWithoutMutex,
        Seed::ReleaseGivesUp,
    ];

    /// Its name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Seed::UnlinkAfterRelease => "unlink-after-release",
            Seed::NoWakeAfterScan => "no-wake-after-scan",
            Seed::DelWithoutMutex => "del-without-mutex",
            Seed::OverflowDropped => "overflow-dropped",
            Seed::NoLookBeforeSleep => "no-look-before-sleep",
            Seed::TimeoutForgetsWake => "timeout-forgets-wake",
            Seed::PollBeforeMask => "poll-before-mask",
            Seed::PollBeforeQueue => "poll-before-queue",
            Seed::PutUnderMutex => "put-under-mutex",
            Seed::EpitemFreedAtOnce => "epitem-freed-at-once",
            Seed::FreeBeforeUnhook => "free-before-unhook",
            Seed::PollfreeAtOnce => "pollfree-at-once",
            Seed::NoNestedMutex => "no-nested-mutex",
            Seed::InnerMutexFirst => "inner-mutex-first",
            Seed::LevelNotPutBack => "level-not-put-back",
            Seed::ScanWithoutMutex => "scan-without-mutex",
            Seed::ReleaseGivesUp => "release-gives-up",
        }
    }

    /// What is wrong with it, in a line.
    pub fn summary(self) -> &'static str {
        match self {
            Seed::UnlinkAfterRelease => "a file is released before its epitems are unlinked",
            Seed::NoWakeAfterScan => "a scan that leaves something ready wakes nobody",
            Seed::DelWithoutMutex => "DEL does not take ep->mtx",
            Seed::OverflowDropped => "what arrives during a scan is dropped",
            Seed::NoLookBeforeSleep => "epoll_wait sleeps without a last look under the lock",
            Seed::TimeoutForgetsWake => "a waiter whose time is up forgets that it was woken",
            Seed::PollBeforeMask => "MOD polls before it stores the new mask",
            Seed::PollBeforeQueue => "ADD polls before it joins the wait queue",
            Seed::PutUnderMutex => "an instance's reference is dropped before its mutex",
            Seed::EpitemFreedAtOnce => "an epitem is freed without a grace period",
            Seed::FreeBeforeUnhook => "an epitem is freed before it has left the wait queue",
            Seed::PollfreeAtOnce => "a queue is freed right after POLLFREE",
            Seed::NoNestedMutex => "nesting is checked without epnested_mutex",
            Seed::InnerMutexFirst => "a nested ADD takes the inner ep->mtx before the outer one",
            Seed::LevelNotPutBack => "a level-triggered epitem is not put back",
            Seed::ScanWithoutMutex => "ep->mtx is not held during a scan",
            Seed::ReleaseGivesUp => "a release passes by an epitem whose ep->mtx is taken",
        }
    }
}

/// The fixes in force and the mistakes put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Rules {
    without: u32,
    seeded: u32,
}

impl Rules {
    /// Linux today: every fix, no mistake.
    pub const LINUX: Rules = Rules {
        without: 0,
        seeded: 0,
    };

    /// The same without a fix.
    #[must_use]
    pub fn without(mut self, fix: Fix) -> Rules {
        self.without |= 1 << fix as u32;
        self
    }

    /// The same with a mistake.
    #[must_use]
    pub fn with(mut self, seed: Seed) -> Rules {
        self.seeded |= 1 << seed as u32;
        self
    }

    /// True if the fix is in force.
    #[inline]
    pub fn has(self, fix: Fix) -> bool {
        self.without & (1 << fix as u32) == 0
    }

    /// True if the mistake was put in.
    #[inline]
    pub fn errs(self, seed: Seed) -> bool {
        self.seeded & (1 << seed as u32) != 0
    }
}

/// A name that no fix or mistake has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownRule(String);

impl fmt::Display for UnknownRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no {:?}", self.0)
    }
}

impl std::error::Error for UnknownRule {}

impl FromStr for Fix {
    type Err = UnknownRule;

    fn from_str(name: &str) -> Result<Fix, UnknownRule> {
        let found = Fix::ALL.into_iter().find(|fix| fix.name() == name);
        found.ok_or_else(|| UnknownRule(name.to_owned()))
    }
}

impl FromStr for Seed {
    type Err = UnknownRule;

    fn from_str(name: &str) -> Result<Seed, UnknownRule> {
        let found = Seed::ALL.into_iter().find(|seed| seed.name() == name);
        found.ok_or_else(|| UnknownRule(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for fix in Fix::ALL {
            assert_eq!(fix.name().parse(), Ok(fix));
            assert!(Rules::LINUX.has(fix) && !Rules::LINUX.without(fix).has(fix));
        }
        for seed in Seed::ALL {
            assert_eq!(seed.name().parse(), Ok(seed));
            assert!(!Rules::LINUX.errs(seed) && Rules::LINUX.with(seed).errs(seed));
        }
        assert!("none".parse::<Fix>().is_err());
    }
}
