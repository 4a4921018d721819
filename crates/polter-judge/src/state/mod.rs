//! What is known while a log is read: values that do not know the judge.
//!
//! A log may be hostile, so everything that grows has a limit; those that several files share are in `limits`.

mod batch;
mod breaks;
mod by_table;
mod coverage;
mod deferred;
mod fd_shift;
mod finding_log;
mod ghosts;
mod happens_before;
mod heed;
mod in_flight;
mod kept_findings;
mod labels;
mod limits;
mod open_removals;
mod past_calls;
mod policy_removals;
mod registrations;
mod sharing;
mod steps;
mod sweep;
mod sync_events;
mod tasks;
mod unseen;
mod world;
mod world_set;
mod worlds;

/// A call on the fd of an event that is stale.
pub(crate) use batch::StaleUse;
/// Signs that the log is incomplete.
pub(crate) use coverage::{Coverage, Noticed};
/// Lines of tasks whose parent is not known yet.
pub(crate) use deferred::{Deferred, KeptEvent, KeptLine, MAX_BYTES, MAX_LINES};
/// Findings and warnings.
pub(crate) use finding_log::{Filed, FindingDraft, FindingLog};
/// Ghosts, and slots about to be cleared.
pub(crate) use ghosts::{Ghosts, WatchedSlot, watched};
/// Which calls of two processes have an order.
pub(crate) use happens_before::HappensBefore;
/// When each file was last used, and how often each registration was reported since.
pub(crate) use heed::{ALWAYS, Heed, Streak, UnknownRegistration};
/// Messages with files.
pub(crate) use in_flight::{MAX_IN_FLIGHT, Message};
/// Who made each file.
pub(crate) use labels::{Label, Labels};
pub(crate) use limits::{KEPT_STEPS, MAX_REMEMBERED};
/// A registration that a policy has removed.
pub(crate) use open_removals::PolicyRemoval;
/// DELs and closes that another call could have overtaken.
pub(crate) use past_calls::{MAX_PAST, PastCall};
/// What policies have removed, or would in another order.
pub(crate) use policy_removals::PolicyRemovals;
/// The history of each registration.
pub(crate) use registrations::{
    GhostTold, Origin, Orphaned, RegistrationHistory, Registrations, is_live,
};
/// Suspicions about instances that several processes have.
pub(crate) use sharing::{Dead, Leak, Race, Sharing, Theft};
/// A call whose order may matter.
pub(crate) use sync_events::SyncEvent;
/// The live tasks.
pub(crate) use tasks::{MAX_TASKS, Tasks, Wait};
/// Ghosts kept by somebody the log does not show.
pub(crate) use unseen::{Departed, Unseen, UnseenGhost};
/// How much a changed result matters, and a break that many share.
pub(crate) use world::{Weight, not_found};
/// Some of the worlds.
pub(crate) use world_set::WorldSet;
/// One kernel for each policy.
pub(crate) use worlds::Worlds;
