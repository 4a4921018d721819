//! The check of nested instances, stepped: down under each `ep->mtx`, up under RCU.

use super::frame::Frame;
use super::locks::Lock;
use super::{Finding, Fix, Stepped, Taken, tell};
use crate::store::{EpitemId, EpollId, FileId};

/// How many links a chain may have. Linux: `EP_MAX_NESTS`.
const MAX_NESTS: u32 = 4;

/// A check under way: may `into` watch `inner`?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct LoopCheck {
    inner: EpollId,
    into: EpollId,
    down: Option<u32>,
    is_up: bool,
}

/// The walk down under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Down {
    epoll: EpollId,
    into: EpollId,
    depth: u32,
    longest: u32,
    next: Option<EpitemId>,
    at: DownAt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum DownAt {
    Mutex,
    Next,
    Child,
}

/// The walk up under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Up {
    epoll: EpollId,
    depth: u32,
    longest: u32,
    at: UpAt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum UpAt {
    Enter,
    /// This epitem's instance is next.
    Epitem(EpitemId),
    /// The walk over this epitem's instance is over.
    Child(EpitemId),
}

impl LoopCheck {
    pub(super) fn new(inner: EpollId, into: EpollId) -> LoopCheck {
        LoopCheck {
            inner,
            into,
            down: None,
            is_up: false,
        }
    }
}

impl Down {
    pub(super) fn needs(self) -> Option<Lock> {
        (self.at == DownAt::Mutex).then_some(Lock::Mutex(self.epoll))
    }

    pub(super) fn is_silent(self) -> bool {
        self.at != DownAt::Mutex
    }
}

impl Stepped {
    /// Linux: `ep_loop_check`. Leaves 1 if it is refused.
    pub(super) fn run_loop_check(&mut self, me: usize, mut frame: LoopCheck) -> Taken {
        let ret = self.runners[me].ret;
        let Some(down) = frame.down else {
            frame.down = Some(0);
            self.push(me, Frame::LoopCheck(frame))?;
            return self.push(
                me,
                Frame::Down(Down {
                    epoll: frame.inner,
                    into: frame.into,
                    depth: 0,
                    longest: 0,
                    next: None,
                    at: DownAt::Mutex,
                }),
            );
        };
        if frame.is_up {
            self.runners[me].ret = u32::from(down + 1 + ret > MAX_NESTS);
            return Ok(());
        }
        if ret > MAX_NESTS || !self.rules().has(Fix::DepthBothWays) {
            self.runners[me].ret = u32::from(ret + 1 > MAX_NESTS);
            return Ok(());
        }
        frame.down = Some(ret);
        frame.is_up = true;
        self.push(me, Frame::LoopCheck(frame))?;
        // Upwards no mutex is taken: that would be against the order of nesting. Outer instances can be closed
        // meanwhile, and only a grace period keeps their memory (`Fix::DelayedFree`).
        self.rcu_read_lock(me);
        self.push(
            me,
            Frame::Up(Up {
                epoll: frame.into,
                depth: 0,
                longest: 0,
                at: UpAt::Enter,
            }),
        )
    }

    /// Linux: `ep_loop_check_proc`.
    pub(super) fn run_down(&mut self, me: usize, mut frame: Down) -> Taken {
        match frame.at {
            DownAt::Mutex => {
                self.touch_epoll(me, frame.epoll, "ep_loop_check_proc")?;
                self.lock(me, Lock::Mutex(frame.epoll));
                tell!(
                    self,
                    me,
                    "ep_loop_check_proc",
                    "down through {}",
                    self.named(frame.epoll)
                );
                frame.next = self.kernel.epolls[frame.epoll].interest.first();
                frame.at = DownAt::Next;
            }
            DownAt::Next => {
                let Some(epitem) = frame.next else {
                    return self.end_down(me, frame);
                };
                frame.next = self.kernel.epitems[epitem].of_epoll.next();
                if let Some(inner) = self.epoll_of(self.kernel.epitems[epitem].file) {
                    // A circle counts as a chain that is too long: the program is told ELOOP for both.
                    if inner == frame.into || frame.depth > MAX_NESTS {
                        frame.longest = MAX_NESTS + 1;
                        return self.end_down(me, frame);
                    }
                    frame.at = DownAt::Child;
                    self.push(me, Frame::Down(frame))?;
                    return self.push(
                        me,
                        Frame::Down(Down {
                            epoll: inner,
                            depth: frame.depth + 1,
                            longest: 0,
                            next: None,
                            at: DownAt::Mutex,
                            ..frame
                        }),
                    );
                }
            }
            DownAt::Child => {
                frame.longest = frame.longest.max(self.runners[me].ret + 1);
                frame.at = DownAt::Next;
                if frame.longest > MAX_NESTS {
                    return self.end_down(me, frame);
                }
            }
        }
        self.push(me, Frame::Down(frame))
    }

    fn end_down(&mut self, me: usize, frame: Down) -> Taken {
        self.unlock(me, Lock::Mutex(frame.epoll));
        self.runners[me].ret = frame.longest;
        Ok(())
    }

    /// Linux: `ep_get_upwards_depth_proc`.
    pub(super) fn run_up(&mut self, me: usize, mut frame: Up) -> Taken {
        let function = "ep_get_upwards_depth_proc";
        match frame.at {
            UpAt::Enter => {
                self.touch_epoll(me, frame.epoll, function)?;
                tell!(self, me, function, "up through {}", self.named(frame.epoll));
                let file = self.kernel.epolls[frame.epoll].file;
                let first = self.watchers(file).next();
                self.up_to(me, frame, first)
            }
            UpAt::Epitem(epitem) => {
                self.touch_epitem(me, epitem, function)?;
                let outer = self.kernel.epitems[epitem].epoll;
                tell!(
                    self,
                    me,
                    function,
                    "epi->ep of {} is read",
                    self.named(epitem)
                );
                frame.at = UpAt::Child(epitem);
                self.push(me, Frame::Up(frame))?;
                self.push(
                    me,
                    Frame::Up(Up {
                        epoll: outer,
                        depth: frame.depth + 1,
                        longest: 0,
                        at: UpAt::Enter,
                    }),
                )
            }
            UpAt::Child(epitem) => {
                frame.longest = frame.longest.max(self.runners[me].ret + 1);
                self.touch_epitem(me, epitem, function)?;
                let next = self.kernel.epitems[epitem].of_file.next();
                self.up_to(me, frame, next)
            }
        }
    }

    fn up_to(&mut self, me: usize, mut frame: Up, next: Option<EpitemId>) -> Taken {
        match next {
            Some(next) => {
                frame.at = UpAt::Epitem(next);
                self.push(me, Frame::Up(frame))
            }
            None => {
                self.runners[me].ret = frame.longest;
                if frame.depth == 0 {
                    self.rcu_read_unlock(me);
                }
                Ok(())
            }
        }
    }

    /// After an ADD: no circle, and no chain that is too long.
    pub(super) fn check_chain(&self, me: usize, epoll: EpollId, file: FileId) -> Taken {
        let Some(inner) = self.epoll_of(file) else {
            return Ok(());
        };
        // The check itself cannot rely on there being no circle: it stops at a length that no allowed chain has.
        let bound = MAX_NESTS + 2;
        let down = self.chain(inner, bound, true);
        if down >= bound {
            return Err(Finding::Circle { task: me, epoll });
        }
        let links = down + 1 + self.chain(epoll, bound, false);
        if links > MAX_NESTS {
            return Err(Finding::ChainTooLong { task: me, links });
        }
        Ok(())
    }

    /// The links of the longest chain below or above an instance, up to a bound.
    fn chain(&self, epoll: EpollId, bound: u32, is_down: bool) -> u32 {
        if bound == 0 {
            return 0;
        }
        let next: Vec<EpollId> = if is_down {
            let below = self.kernel.epitems_of(epoll).into_iter();
            below
                .filter_map(|epitem| self.epoll_of(self.kernel.epitems[epitem].file))
                .collect()
        } else {
            let above = self.watchers(self.kernel.epolls[epoll].file);
            above
                .map(|epitem| self.kernel.epitems[epitem].epoll)
                .collect()
        };
        let chains = next
            .into_iter()
            .map(|next| self.chain(next, bound - 1, is_down) + 1);
        chains.max().unwrap_or(0)
    }
}
