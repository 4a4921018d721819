//! Policies: when a registration dies, what its key is, and what a copied
//! descriptor of the instance may do.
//!
//! Three questions, each with a few answers; a policy is one answer to each.
//! They come from a discussion on the kernel lists in May 2024, which began
//! with a file polled during its release (CVE-2024-38580) and ended at "what
//! would break?". In every policy the file's last reference is the backstop,
//! and events go to whoever waits.

use std::fmt;
use std::str::FromStr;

/// `ioctl(epfd, EPIOCADOPT)`: the explicit hand-over of [`Policy::OWNER_ADOPT`].
///
/// Every registration whose fd in the caller's table names the
/// registered file becomes the caller's; the result is how many did.
/// Errors: `EBADF` if `epfd` is no open descriptor; `ENOTTY` if it is no
/// epoll instance; `EINVAL` under any other policy, as Linux answers every
/// request it does not know. A registration for which the caller's table
/// already has one of its own stays with its owner.
///
/// The number is `_IO('\x8a', 0x03)`: the next free one after `EPIOCGPARAMS`.
pub const EPIOCADOPT: u32 = 0x8a03;

/// The rule for when an epitem dies and who may use an inherited instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Policy {
    /// When does an epitem die?
    pub dies: Dies,
    /// What tells two epitems of one instance apart?
    pub key: Key,
    /// What is an instance's descriptor worth in a copied table?
    pub inherited: Inherited,
    /// May a holder take epitems over ([`EPIOCADOPT`])?
    pub can_adopt: bool,
}

/// When an epitem dies, before its file's last reference goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dies {
    /// Not before: it goes with the file, as in Linux (epoll(7), Q6).
    LastReference,
    /// When any table's slot fd → file is cleared: by close, dup2 over it,
    /// close_range, exec, or, if `at_exit`, the exit of the table's last user.
    AnySlot {
        /// True if the slots that an exit clears count too.
        at_exit: bool,
    },
    /// When the table that added it clears its slot, exit included.
    OwnersSlot,
}

/// The key of an epitem within its instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// The file and the fd.
    FileFd,
    /// The table, the file and the fd: `epoll_ctl` sees only the caller's own.
    TableFileFd,
}

/// What a descriptor of an instance is worth in a table copied by fork or unshare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Inherited {
    /// The same as in the original.
    Shared,
    /// `epoll_ctl` and the waits answer `ESTALE`. A copy that was sent over a
    /// socket, or taken with `pidfd_getfd(2)`, is explicit and works.
    Stale,
    /// The slot is not copied.
    NotCopied,
}

impl Policy {
    /// Linux today; the running kernel is its oracle. epoll(7), questions 1 and 6.
    pub const LAST_FPUT: Policy = Policy {
        dies: Dies::LastReference,
        key: Key::FileFd,
        inherited: Inherited::Shared,
        can_adopt: false,
    };

    /// "Move `eventpoll_release` to `file_close_fd_locked`": proposed in the
    /// discussion as the obvious rule, with the child's exit as its objection.
    pub const CLOSE: Policy = Policy {
        dies: Dies::AnySlot { at_exit: true },
        ..Policy::LAST_FPUT
    };

    /// `CLOSE`, but a process's exit does not count: the variant that spares
    /// the child that exits without closing.
    pub const CLOSE_NOT_EXIT: Policy = Policy {
        dies: Dies::AnySlot { at_exit: false },
        ..Policy::LAST_FPUT
    };

    /// "Record the fdtable": an epitem belongs to the table that added it.
    pub const OWNER: Policy = Policy {
        dies: Dies::OwnersSlot,
        key: Key::TableFileFd,
        ..Policy::LAST_FPUT
    };

    /// `OWNER` with "some explicit way to enable this": a hand-over.
    pub const OWNER_ADOPT: Policy = Policy {
        can_adopt: true,
        ..Policy::OWNER
    };

    /// "Should have returned ESTALE": an inherited instance is refused.
    pub const STALE: Policy = Policy {
        inherited: Inherited::Stale,
        ..Policy::LAST_FPUT
    };

    /// BSD's kqueue(2): not inherited by fork, gone with the descriptor.
    pub const NOT_INHERITED: Policy = Policy {
        inherited: Inherited::NotCopied,
        ..Policy::OWNER
    };

    /// The named policies, Linux's first.
    pub const ALL: [Policy; 7] = [
        Policy::LAST_FPUT,
        Policy::CLOSE,
        Policy::CLOSE_NOT_EXIT,
        Policy::OWNER,
        Policy::OWNER_ADOPT,
        Policy::STALE,
        Policy::NOT_INHERITED,
    ];

    /// The names of [`Policy::ALL`], in its order.
    pub const NAMES: [&'static str; 7] = [
        "last-fput",
        "close",
        "close-not-exit",
        "owner",
        "owner-adopt",
        "stale",
        "not-inherited",
    ];

    /// True if a process that clears a slot can so remove a registration that another process made.
    pub fn removes_others(&self, is_exiting: bool) -> bool {
        match self.dies {
            Dies::AnySlot { at_exit } => at_exit || !is_exiting,
            Dies::LastReference | Dies::OwnersSlot => false,
        }
    }

    /// The policy's name, if it is one of the named ones.
    pub fn name(&self) -> Option<&'static str> {
        let named = Policy::ALL.iter().position(|policy| policy == self)?;
        Some(Policy::NAMES[named])
    }
}

/// [`Policy::LAST_FPUT`], what Linux does today.
impl Default for Policy {
    fn default() -> Policy {
        Policy::LAST_FPUT
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "{self:?}"),
        }
    }
}

impl FromStr for Policy {
    type Err = UnknownPolicy;

    fn from_str(name: &str) -> Result<Policy, UnknownPolicy> {
        match Policy::NAMES.iter().position(|known| *known == name) {
            Some(named) => Ok(Policy::ALL[named]),
            None => Err(UnknownPolicy),
        }
    }
}

/// The name is none of [`Policy::NAMES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownPolicy;

impl fmt::Display for UnknownPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no such policy; the policies are {}",
            Policy::NAMES.join(", ")
        )
    }
}

impl std::error::Error for UnknownPolicy {}
