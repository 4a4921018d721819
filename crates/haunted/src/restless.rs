//! A program that changes its descriptors all the time, and checks that nobody else does.
//!
//! ```text
//!   kept    r, always open                     live[i] ── registered once, for good
//!           o, always open                     ghosts of it that stay until they are removed
//!   round   n = dup r, ADD n, close n          a ghost: whoever likes may remove it
//!           dup2 r n, ADD or MOD n             it is back, and no ghost any more
//!           or: another file gets n            a ghost beside a live one
//! ```
//!
//! What is live must stay registered, with its own data. What was a ghost may be
//! removed, and what comes back may be away for a moment, in which it is put back. The
//! numbers are the program's own at all times.

use std::os::fd::RawFd;

use crate::showing::{Fault, has_ended, say, show};
use crate::sys::{self, Errno};

/// How often a registration that has come back is looked for: long, for it is to
/// be put back by a thread that has to get a CPU first.
const LOOKS: u32 = 200_000;

/// Rounds between two looks at stdin, whose end is this program's.
const ROUNDS: u64 = 64;

/// Ghosts that stay, and their first number; the file has the one before.
const STAYING: usize = 8;
const STAYING_FROM: RawFd = 101;

/// Runs until stdin ends, then says how many rounds there were.
///
/// With `is_steady`, no ghost's number ever comes back to its file.
pub(crate) fn run(is_steady: bool) -> Result<(), Fault> {
    let mut restless = Restless::new()?;
    say("ready");
    while !has_ended()? {
        for _ in 0..ROUNDS {
            restless.round(is_steady)?;
        }
        restless.make_ghosts()?;
    }
    let Restless {
        rounds,
        away,
        removed,
        ..
    } = restless;
    say(&format!("rounds {rounds} away {away} removed {removed}"));
    Ok(())
}

struct Restless {
    e: RawFd,
    /// Registered once, each with its number as data.
    live: [RawFd; 4],
    /// The file that haunts.
    r: RawFd,
    /// The number it haunts under.
    n: RawFd,
    rounds: u64,
    /// How often something that had come back was away for a moment.
    away: u64,
    /// How often a ghost that stays was found to be gone.
    removed: u64,
}

impl Restless {
    fn new() -> Result<Restless, Fault> {
        // Whatever it was started with is in the way of the numbers.
        sys::close_range(3, RawFd::MAX)?;
        let e = sys::epoll_create1(sys::EPOLL_CLOEXEC)?;
        let mut live = [-1; 4];
        for fd in &mut live {
            *fd = eventfd()?;
            sys::epoll_add(e, *fd, sys::IN)?;
        }
        let other = eventfd()?;
        show(
            "the other's number",
            sys::dup2(other, STAYING_FROM - 1),
            Ok(STAYING_FROM - 1),
        )?;
        sys::close(other)?;
        let r = eventfd()?;
        let mut restless = Restless {
            e,
            live,
            r,
            n: r + 1,
            rounds: 0,
            away: 0,
            removed: 0,
        };
        restless.make_ghosts()?;
        restless.removed = 0;
        Ok(restless)
    }

    /// Makes the ghosts that stay, those that are gone, and counts them.
    fn make_ghosts(&mut self) -> Result<(), Fault> {
        for fd in (STAYING_FROM..).take(STAYING) {
            show("dup2", sys::dup2(STAYING_FROM - 1, fd), Ok(fd))?;
            match sys::epoll_add(self.e, fd, sys::IN) {
                Err(Errno(sys::EEXIST)) => {}
                other => {
                    other?;
                    self.removed += 1;
                }
            }
            sys::close(fd)?;
        }
        Ok(())
    }

    fn round(&mut self, is_steady: bool) -> Result<(), Fault> {
        self.rounds += 1;
        let data = self.data(0);
        show("the number of the dup", sys::dup(self.r), Ok(self.n))?;
        self.add(data)?;
        sys::close(self.n)?;
        self.check_live()?;
        match self.rounds % 4 {
            0 | 1 if !is_steady => self.come_back(self.data(1))?,
            2 if !is_steady => self.flicker()?,
            _ => self.reuse_the_number()?,
        }
        self.check_numbers()
    }

    /// The ghost's number names its file again, and the program uses it.
    fn come_back(&mut self, data: i32) -> Result<(), Fault> {
        show("dup2", sys::dup2(self.r, self.n), Ok(self.n))?;
        self.add(data)?;
        self.hear_again(data)?;
        self.check_live()?;
        self.remove()?;
        Ok(sys::close(self.n)?)
    }

    /// The ghost's number names its file for moments only.
    fn flicker(&self) -> Result<(), Fault> {
        for _ in 0..8 {
            show("dup2", sys::dup2(self.r, self.n), Ok(self.n))?;
            sys::close(self.n)?;
        }
        Ok(())
    }

    /// Another file gets the ghost's number, and is registered beside the ghost.
    fn reuse_the_number(&mut self) -> Result<(), Fault> {
        show("the new file's number", eventfd(), Ok(self.n))?;
        let data = self.data(2);
        show(
            "ADD of the new file",
            self.set(libc::EPOLL_CTL_ADD, data),
            Ok(()),
        )?;
        self.hear(self.n, data)?;
        show(
            "MOD of the new file",
            self.set(libc::EPOLL_CTL_MOD, data),
            Ok(()),
        )?;
        show(
            "DEL of the new file",
            sys::epoll_del(self.e, self.n),
            Ok(()),
        )?;
        Ok(sys::close(self.n)?)
    }

    /// What the program knows a registration by, as programs do: for a while the number
    /// itself, then something new each time (`nth` of its round), which is a pointer elsewhere.
    fn data(&self, nth: i32) -> i32 {
        if (self.rounds / ROUNDS).is_multiple_of(2) {
            return self.n;
        }
        1_000 + (self.rounds % 100_000_000) as i32 * 4 + nth
    }

    /// Registers the number, or what is left of it, with this data.
    fn add(&self, data: i32) -> Result<(), Fault> {
        for _ in 0..LOOKS {
            match self.set(libc::EPOLL_CTL_ADD, data) {
                Err(Errno(sys::EEXIST)) => {}
                other => return Ok(other?),
            }
            match self.set(libc::EPOLL_CTL_MOD, data) {
                Err(Errno(sys::ENOENT)) => {}
                other => return Ok(other?),
            }
        }
        show("ADD of what has come back", false, true)
    }

    fn set(&self, op: i32, data: i32) -> Result<(), Errno> {
        sys::epoll_set(self.e, op, self.n, sys::IN, data)
    }

    /// Removes what has come back; if it is away it will be put back, or has been.
    fn remove(&mut self) -> Result<(), Fault> {
        for _ in 0..LOOKS {
            match sys::epoll_del(self.e, self.n) {
                Err(Errno(sys::ENOENT)) => self.away += 1,
                other => return Ok(other?),
            }
        }
        show("DEL of what has come back", false, true)
    }

    /// What has come back is reported with its data, now or when it has been put back.
    fn hear_again(&mut self, data: i32) -> Result<(), Fault> {
        sys::write(self.r, &1_u64.to_ne_bytes())?;
        let mut looks = 0;
        let reported = loop {
            let reported = sys::epoll_wait(self.e, 0)?;
            if !reported.is_empty() || looks == LOOKS {
                break reported;
            }
            looks += 1;
            sys::sched_yield();
        };
        self.away += u64::from(looks > 0);
        show("the wait for what has come back", reported, vec![data])?;
        show("its read", sys::read(self.r), Ok(8))
    }

    /// What is live is reported with its data, at once.
    fn hear(&self, fd: RawFd, data: i32) -> Result<(), Fault> {
        sys::write(fd, &1_u64.to_ne_bytes())?;
        show("the wait", sys::epoll_wait(self.e, 0)?, vec![data])?;
        show("the read", sys::read(fd), Ok(8))
    }

    fn check_live(&self) -> Result<(), Fault> {
        let fd = self.live[self.rounds as usize % self.live.len()];
        self.hear(fd, fd)
    }

    /// The number of the round is free, and so is the next.
    fn check_numbers(&self) -> Result<(), Fault> {
        let closed = Err(Errno(sys::EBADF));
        show("the round's number", sys::fd_flags(self.n), closed)?;
        show("the next number", sys::fd_flags(self.n + 1), closed)
    }
}

fn eventfd() -> Result<RawFd, Errno> {
    sys::eventfd(sys::EFD_CLOEXEC | sys::EFD_NONBLOCK)
}
