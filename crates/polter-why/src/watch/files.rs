//! Whether each open file of a process is ready, and whether anybody serves it.

use std::collections::{BTreeMap, BTreeSet};

use polter_scan::{FileCopy, Kind, OpenFd, Proc, TcpProgress};

use crate::facts::{Backlog, FileFacts};

/// Files that are asked at the first look; a server with more connections is described by these.
const MAX_FILES: usize = 1 << 14;

/// Files that were not ready at the first look and are asked again.
const MAX_QUIET: usize = 128;

/// Every file is asked for these: what has come in, and whether the other end is gone.
const ASKED: i16 = libc::POLLIN | libc::POLLPRI | libc::POLLRDHUP;

/// The files of one process that were ready at every look so far.
pub(super) struct Files {
    pid: u32,
    /// The bits that each registered fd waits for besides [`ASKED`].
    wanted: BTreeMap<i32, u16>,
    /// The instances that may be polled.
    askable: BTreeSet<i32>,
    candidates: Vec<Candidate>,
    /// Some that were not ready at the first look: if they become so and then are not, somebody serves them.
    quiet: Vec<Quiet>,
    is_first: bool,
    /// Open fds of the process.
    pub(super) open: u64,
    pub(super) has_ring: bool,
    /// Files that were ready once, and later were not, or had changed.
    pub(super) served: u64,
    pub(super) refused: u64,
    pub(super) left_out: u64,
}

/// A file that was not ready at the first look.
struct Quiet {
    fd: i32,
    was_ready: bool,
    last: State,
    is_served: bool,
}

struct Candidate {
    facts: FileFacts,
    last: Option<State>,
}

/// What changes when somebody serves a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct State {
    unread: Option<i32>,
    unsent: Option<i32>,
    tcp: Option<TcpProgress>,
    backlog: Option<Backlog>,
}

impl Files {
    /// Lists a process's files. `wanted` are the events that each registered fd waits for.
    ///
    /// Of the instances only those in `askable` are asked: an instance with a signalfd answers by who asks.
    pub(super) fn of(
        proc: &Proc,
        pid: u32,
        wanted: BTreeMap<i32, u16>,
        askable: BTreeSet<i32>,
    ) -> Files {
        let process = proc.process(pid).ok();
        let open = process.map_or_else(Vec::new, |it| it.open);
        // Files with a path are mostly those of a disk, which are always ready, and which epoll refuses.
        let can_wait = |it: &&OpenFd| it.kind != Kind::Path || wanted.contains_key(&it.fd);
        let mut candidates: Vec<Candidate> =
            open.iter().filter(can_wait).map(Candidate::new).collect();
        let left_out = candidates.len().saturating_sub(MAX_FILES) as u64;
        candidates.truncate(MAX_FILES);
        Files {
            pid,
            wanted,
            askable,
            candidates,
            quiet: Vec::new(),
            is_first: true,
            open: open.len() as u64,
            has_ring: open.iter().any(|it| it.target == "anon_inode:[io_uring]"),
            served: 0,
            refused: 0,
            left_out,
        }
    }

    /// Asks each file once, and drops those that are not ready.
    pub(super) fn look(&mut self, proc: &Proc) {
        self.look_at_quiet();
        let (pid, is_first) = (self.pid, self.is_first);
        self.is_first = false;
        self.candidates.retain_mut(|candidate| {
            let wanted = self.wanted.get(&candidate.facts.fd).copied().unwrap_or(0);
            if candidate.facts.kind == Kind::Signalfd {
                return candidate.note(signals_ready(proc, pid, candidate.facts.fd));
            }
            if candidate.facts.kind == Kind::Epoll && !self.askable.contains(&candidate.facts.fd) {
                return false;
            }
            match FileCopy::of(pid, candidate.facts.fd) {
                Ok(copy) if candidate.look(&copy, wanted | ASKED.cast_unsigned()) => true,
                Ok(copy) => {
                    self.served += u64::from(!is_first);
                    if is_first && self.quiet.len() < MAX_QUIET {
                        self.quiet.push(Quiet::new(candidate.facts.fd, &copy));
                    }
                    false
                }
                Err(error) => {
                    self.refused += u64::from(error.raw_os_error() != Some(libc::EBADF));
                    false
                }
            }
        });
    }

    /// Asks those that were not ready at the first look whether they have been served since.
    fn look_at_quiet(&mut self) {
        for quiet in self.quiet.iter_mut().filter(|it| !it.is_served) {
            if let Ok(copy) = FileCopy::of(self.pid, quiet.fd) {
                quiet.look(&copy);
            }
        }
    }

    /// What was seen, file by file.
    pub(super) fn end(&mut self) -> Vec<FileFacts> {
        let files: Vec<FileFacts> = self.candidates.drain(..).map(|it| it.facts).collect();
        self.served += files.iter().filter(|it| it.has_moved).count() as u64;
        self.served += self.quiet.iter().filter(|it| it.is_served).count() as u64;
        files
    }
}

impl Quiet {
    fn new(fd: i32, copy: &FileCopy) -> Quiet {
        Quiet {
            fd,
            was_ready: false,
            last: State::of(copy),
            is_served: false,
        }
    }

    fn look(&mut self, copy: &FileCopy) {
        let is_ready = copy
            .ready(libc::POLLIN.cast_unsigned())
            .is_some_and(|bits| bits != 0);
        let now = State::of(copy);
        self.is_served = self.was_ready && !is_ready || now.is_served_since(&self.last);
        (self.was_ready, self.last) = (is_ready, now);
    }
}

impl Candidate {
    fn new(open: &OpenFd) -> Candidate {
        Candidate {
            facts: FileFacts {
                fd: open.fd,
                kind: open.kind,
                target: open.target.clone(),
                looks: 0,
                always: u16::MAX,
                ever: 0,
                unread: None,
                unsent: None,
                backlog: None,
                is_listener: false,
                has_moved: false,
                other_end: Vec::new(),
                other: None,
                shared_with: Vec::new(),
            },
            last: None,
        }
    }

    /// Notes what it is ready for; false if that is nothing that it was ready for before.
    fn note(&mut self, ready: u16) -> bool {
        let facts = &mut self.facts;
        facts.looks += 1;
        facts.always &= ready;
        facts.ever |= ready;
        facts.always != 0
    }

    /// False if it is not ready for anything that it was ready for before.
    fn look(&mut self, copy: &FileCopy, events: u16) -> bool {
        let is_instance = self.facts.kind == Kind::Epoll;
        let ready = if is_instance {
            copy.instance_ready()
        } else {
            copy.ready(events).unwrap_or(0)
        };
        if !self.note(ready) {
            return false;
        }
        let facts = &mut self.facts;
        let state = State::of(copy);
        facts.is_listener =
            state.backlog.is_some() || facts.kind == Kind::Socket && copy.is_listening();
        (facts.unread, facts.unsent, facts.backlog) = (state.unread, state.unsent, state.backlog);
        if let Some(last) = self.last {
            facts.has_moved |= state.is_served_since(&last);
        }
        self.last = Some(state);
        true
    }
}

/// Whether a process's signalfd is readable for that process: a signal of its set is pending. A copy would tell of the
/// asker's own signals.
fn signals_ready(proc: &Proc, pid: u32, fd: i32) -> u16 {
    let line = |text: &[u8], key: &str| {
        let text = String::from_utf8_lossy(text).into_owned();
        let value = text.lines().find_map(|line| line.strip_prefix(key))?;
        u64::from_str_radix(value.trim(), 16).ok()
    };
    let status = proc.bytes(pid, "status").unwrap_or_default();
    let pending = line(&status, "SigPnd:").unwrap_or(0) | line(&status, "ShdPnd:").unwrap_or(0);
    let info = proc.bytes(pid, &format!("fdinfo/{fd}")).unwrap_or_default();
    let mask = line(&info, "sigmask:").unwrap_or(0);
    if pending & mask == 0 {
        0
    } else {
        libc::POLLIN.cast_unsigned()
    }
}

impl State {
    /// Asks a file. A listener has a queue, and no bytes; other files have bytes, if they count them.
    fn of(copy: &FileCopy) -> State {
        if copy.is_listening() {
            let backlog = copy.backlog();
            return State {
                backlog: backlog.map(|(queued, limit)| Backlog { queued, limit }),
                ..State::default()
            };
        }
        State {
            unread: copy.unread(),
            unsent: copy.unsent(),
            tcp: copy.tcp(),
            backlog: None,
        }
    }

    /// True if the program has read, written or accepted since. What only came in from outside is no sign of it.
    fn is_served_since(&self, last: &State) -> bool {
        let consumed = |it: &State| {
            let received = it.tcp.map(|tcp| tcp.received)?;
            Some(received.saturating_sub(u64::try_from(it.unread?).ok()?))
        };
        let is_read = match (consumed(self), consumed(last)) {
            (Some(now), Some(then)) => now != then,
            _ => self.unread < last.unread,
        };
        let acknowledged = |it: &State| it.tcp.map(|tcp| tcp.acknowledged);
        let is_written = self.unsent != last.unsent || acknowledged(self) != acknowledged(last);
        is_read || is_written || self.backlog != last.backlog
    }
}

#[cfg(test)]
mod tests {
    use super::{State, TcpProgress};

    #[test]
    fn what_only_comes_in_is_not_served() {
        let at = |unread, received, acknowledged| State {
            unread: Some(unread),
            unsent: Some(0),
            tcp: Some(TcpProgress {
                received,
                acknowledged,
            }),
            backlog: None,
        };
        let first = at(10, 100, 7);
        assert!(!at(10, 100, 7).is_served_since(&first));
        assert!(!at(30, 120, 7).is_served_since(&first));
        // As much as came in was read: the same count is waiting.
        assert!(at(10, 120, 7).is_served_since(&first));
        assert!(at(0, 100, 7).is_served_since(&first));
        assert!(at(10, 100, 8).is_served_since(&first));
    }

    #[test]
    fn a_file_that_counts_its_bytes_alone_is_served_when_they_get_fewer() {
        let at = |unread| State {
            unread: Some(unread),
            unsent: None,
            tcp: None,
            backlog: None,
        };
        assert!(!at(8).is_served_since(&at(4)));
        assert!(at(4).is_served_since(&at(8)));
    }
}
