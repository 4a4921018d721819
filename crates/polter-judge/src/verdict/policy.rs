//! What one policy would change.

use crate::verdict::Site;
use serde::Serialize;

/// What one policy would change in what the log shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyVerdict {
    /// The policy's name, as `--policy` takes it.
    pub policy: String,
    /// What it comes to, in a word.
    pub verdict: Outcome,
    /// Ghosts that would not have been.
    pub mended_ghosts: u64,
    /// Events of ghosts that would not have been reported.
    pub mended_events: u64,
    /// Failed calls that would have succeeded.
    pub mended_calls: u64,
    /// Successful calls that would have failed, and events that would have been lost.
    pub break_count: u64,
    /// The first breaks, in the order of the log; [`break_count`](Self::break_count) counts all.
    pub breaks: Vec<Break>,
    /// How many of the breaks would not happen in another order of two processes' calls, which nothing in the log rules
    /// out.
    pub order_count: u64,
    /// Calls that would have failed only in such another order.
    pub other_order_count: u64,
    /// The first calls that would fail in another order only.
    pub other_order: Vec<Break>,
    /// Changed results that nobody acts on: the close of an fd that was not copied.
    pub notices: u64,
}

/// What a policy would change, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every call in the log would be answered as it was.
    Unchanged,
    /// Only results change that nobody acts on.
    Harmless,
    /// It mends something, and breaks nothing.
    Mends,
    /// It mends something; whether it breaks something depends on the order of two processes' calls.
    MendsMayBreak,
    /// Whether it breaks something depends on the order of two processes' calls.
    MayBreak,
    /// It mends something, and it breaks something.
    MendsAndBreaks,
    /// It breaks something, and mends nothing.
    Breaks,
    /// Nothing that the log shows breaks, but the log does not show all.
    NotKnown,
}

/// Something a policy breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Break {
    /// The call that would answer otherwise, or would report the lost event.
    pub site: Site,
    /// What would be different.
    pub what: Broken,
    /// True if it depends on an order of two processes' calls that nothing in the log enforces.
    pub depends_on_order: bool,
}

/// How an answer to the program would differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Broken {
    /// The call's result changes.
    Result {
        /// What it was: `0`, `-1 EEXIST`.
        was: String,
        /// What it would be.
        would_be: String,
    },
    /// An event is not reported.
    EventLost {
        /// The fd it was registered under.
        fd: i32,
        /// Who registered it, and where.
        registered: Site,
    },
}

impl PolicyVerdict {
    /// The verdict on a policy before anything was read.
    pub(crate) fn unchanged(policy: String) -> PolicyVerdict {
        PolicyVerdict {
            policy,
            verdict: Outcome::Unchanged,
            mended_ghosts: 0,
            mended_events: 0,
            mended_calls: 0,
            break_count: 0,
            breaks: Vec::new(),
            order_count: 0,
            other_order_count: 0,
            other_order: Vec::new(),
            notices: 0,
        }
    }

    /// What it comes to, by the counts. A log with gaps can show a break, but never that there is none.
    pub fn outcome(&self, is_log_whole: bool) -> Outcome {
        let mends = self.mended_ghosts + self.mended_events + self.mended_calls > 0;
        match (mends, self.breaks_in_any_order()) {
            (false, true) => Outcome::Breaks,
            (true, true) => Outcome::MendsAndBreaks,
            (false, false) if self.depends_on_order() => Outcome::MayBreak,
            (true, false) if self.depends_on_order() => Outcome::MendsMayBreak,
            _ if !is_log_whole => Outcome::NotKnown,
            (false, false) if self.notices > 0 => Outcome::Harmless,
            (false, false) => Outcome::Unchanged,
            (true, false) => Outcome::Mends,
        }
    }

    /// True if nothing the log shows would change.
    pub fn is_unchanged(&self) -> bool {
        let mends = self.mended_ghosts + self.mended_events + self.mended_calls;
        mends + self.break_count + self.other_order_count + self.notices == 0
    }

    /// True if something breaks in every order of calls that the log leaves open.
    pub fn breaks_in_any_order(&self) -> bool {
        self.break_count > self.order_count
    }

    /// True if it depends on the order of calls whether anything breaks.
    pub fn depends_on_order(&self) -> bool {
        !self.breaks_in_any_order() && self.order_count + self.other_order_count > 0
    }
}
