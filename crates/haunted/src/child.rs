//! A forked child, and whose turn it is.
//!
//! ```text
//!   parent ──give──▶ child      one byte a turn, over two pipes on high numbers,
//!          ◀──give──            so that the story's own numbers stay 3, 4, 5 …
//! ```
//!
//! A child that waits for its turn ends when its parent has gone: `take` finds
//! the end of the pipe.

use std::os::fd::RawFd;

use crate::showing::{Fault, show};
use crate::sys::{self, pid_t};

/// The turn pipes' numbers start here.
pub(crate) const TURNS_FROM: RawFd = 200;

/// One side's ends of the two turn pipes.
#[derive(Debug)]
pub(crate) struct Turn {
    from_other: RawFd,
    to_other: RawFd,
}

impl Turn {
    /// Makes both sides at once: the parent's and the child's.
    fn pair() -> Result<[Turn; 2], Fault> {
        let [down, up] = [high_pipe()?, high_pipe()?];
        let parent = Turn {
            from_other: up[0],
            to_other: down[1],
        };
        let child = Turn {
            from_other: down[0],
            to_other: up[1],
        };
        Ok([parent, child])
    }

    /// Lets the other side go on.
    #[track_caller]
    pub(crate) fn give(&self) -> Result<(), Fault> {
        show("the turn is given", sys::write(self.to_other, b"!"), Ok(1))
    }

    /// Waits until the other side lets this one go on.
    #[track_caller]
    pub(crate) fn take(&self) -> Result<(), Fault> {
        show("the turn is taken", sys::read(self.from_other), Ok(1))
    }

    /// True if the other side lets this one go on, or has gone.
    pub(crate) fn is_given(&self) -> Result<bool, Fault> {
        Ok(sys::poll(self.from_other)? != 0)
    }

    /// Lets the other side go on, and waits until it has done its part.
    #[track_caller]
    pub(crate) fn pass(&self) -> Result<(), Fault> {
        self.give()?;
        self.take()
    }

    /// Becomes another program, with the turn on its stdin and stdout.
    pub(crate) fn exec_bystander(&self, numbers: &[&str]) -> Result<(), Fault> {
        sys::dup2(self.from_other, 0)?;
        sys::dup2(self.to_other, 1)?;
        Err(sys::exec_self(&[&["haunted", "--bystander"], numbers].concat()).into())
    }

    fn close(&self) -> Result<(), Fault> {
        sys::close(self.from_other)?;
        sys::close(self.to_other)?;
        Ok(())
    }
}

fn high_pipe() -> Result<[RawFd; 2], Fault> {
    let [r, w] = sys::pipe2(sys::O_CLOEXEC)?;
    let high = [sys::dup_from(r, TURNS_FROM)?, sys::dup_from(w, TURNS_FROM)?];
    sys::close(r)?;
    sys::close(w)?;
    Ok(high)
}

/// A forked child that plays its part and ends.
#[derive(Debug)]
pub(crate) struct Child {
    pid: pid_t,
    turn: Turn,
}

impl Child {
    /// `fork(2)`. The child runs `part_fn` and exits; the parent goes on at once.
    pub(crate) fn fork(part_fn: impl FnOnce(&Turn) -> Result<(), Fault>) -> Result<Child, Fault> {
        let [ours, theirs] = Turn::pair()?;
        if let Some(pid) = sys::fork()? {
            theirs.close()?;
            return Ok(Child { pid, turn: ours });
        }
        let result = ours.close().and_then(|()| {
            sys::die_with_parent()?;
            part_fn(&theirs)
        });
        sys::exit(crate::tell("the child", result) as i32)
    }

    /// Its number.
    pub(crate) fn pid(&self) -> pid_t {
        self.pid
    }

    /// The parent's side of the turn.
    pub(crate) fn turn(&self) -> &Turn {
        &self.turn
    }

    /// Lets the child end, and reaps it.
    ///
    /// A child that waits for one more turn finds that there is none, which is
    /// how `stay` ends.
    pub(crate) fn end(self) -> Result<(), Fault> {
        self.turn.close()?;
        show("the child's wait status", sys::waitpid(self.pid), Ok(0))
    }
}

/// Keeps a child as it is until its parent calls `Child::end`, or dies.
pub(crate) fn stay(turn: &Turn) -> Result<(), Fault> {
    show("turns to come", sys::read(turn.from_other), Ok(0))
}

/// The program a class execs: it has `numbers` open, never uses them, and stays
/// until its stdin ends.
pub(crate) fn stand_by(numbers: &[&str]) -> Result<(), Fault> {
    for number in numbers {
        let file = std::fs::read_link(format!("/proc/self/fd/{number}")).unwrap_or_default();
        show(
            "the inherited file",
            file.to_str(),
            Some("anon_inode:[eventpoll]"),
        )?;
    }
    let turn = Turn {
        from_other: 0,
        to_other: 1,
    };
    turn.give()?;
    stay(&turn)
}
