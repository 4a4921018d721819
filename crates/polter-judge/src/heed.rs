//! Events that nobody heeds: a registration is reported again and again, and no call is made on what it watches.
//!
//! ```text
//!   epoll_wait ─▶ 4    epoll_wait ─▶ 4    epoll_wait ─▶ 4  …     never read(4), MOD 4, close(4)
//! ```
//! A registration with `EPOLLET` is exempt: each of its events is a new one, and need not be answered. So is a file
//! that is mapped, and everything once a ring is seen: what is taken by memory or by a ring is in no log.

use crate::judge::Judge;
use crate::sharing::MAX_REMEMBERED;
use crate::site::Place;
use crate::verdict::{Class, Finding, Severity, Step};
use eventpoll::{EpitemId, EpollId, Fd, FileId, TableId, Tid};
use polter_trace::Args;
use rustc_hash::FxHashMap;

/// Reports in a row, without a call in between, that make a finding. A level-triggered event is reported as long as
/// it lasts, so the second report already says that nothing was done; a hundred leave no room for work that another
/// thread was about to do.
pub(crate) const UNHEEDED: u64 = 100;

/// A mapped file is heeded for ever.
const ALWAYS: u64 = u64::MAX;

/// Which file a call was last made on, and what is known of registrations that the log does not show.
#[derive(Debug, Default)]
pub(crate) struct Heed {
    /// The line of the newest call on a file, by its slot.
    of_file: Vec<u64>,
    /// What the newest mark stands in place of.
    before: u64,
    /// The line of the newest call that may have taken something, by table.
    taken: FxHashMap<TableId, u64>,
    /// The line of the newest call by which anybody may have made something ready.
    put: u64,
    has_ring: bool,
    unknown: FxHashMap<(EpollId, u64), Unknown>,
}

/// A registration that the log does not show, known by the data of its events.
#[derive(Debug)]
struct Unknown {
    first: Step,
    total: u64,
    streak: Streak,
}

/// Reports of one registration without a call in between.
#[derive(Debug, Default)]
pub(crate) struct Streak {
    count: u64,
    /// The line of the newest report.
    line: u64,
    first: Option<Box<Step>>,
    /// Where its finding is in the book.
    finding: Option<usize>,
}

impl Heed {
    pub(crate) fn has_ring(&self) -> bool {
        self.has_ring
    }

    /// A file is new: it may have another's slot.
    pub(crate) fn begin_file(&mut self, file: FileId) {
        if let Some(line) = self.of_file.get_mut(file.slot()) {
            *line = 0;
        }
    }

    fn mark(&mut self, file: FileId, line: u64) {
        let slot = file.slot();
        if slot >= self.of_file.len() {
            self.of_file.resize(slot + 1, 0);
        }
        self.before = self.of_file[slot];
        self.of_file[slot] = self.before.max(line);
    }

    /// The line of the newest call on a file; 0 if there was none.
    pub(crate) fn of_file(&self, file: FileId) -> u64 {
        self.of_file.get(file.slot()).copied().unwrap_or(0)
    }

    /// The line of the newest call on a file before this line's own.
    pub(crate) fn last_use(&self, file: FileId, line: u64) -> u64 {
        match self.of_file(file) {
            newest if newest == line => self.before,
            newest => newest,
        }
    }

    /// How often a registration that the log does not show was reported, and where first.
    pub(crate) fn unknown(&self, epoll: EpollId, data: u64) -> Option<(u64, &Step)> {
        let unknown = self.unknown.get(&(epoll, data))?;
        Some((unknown.total, &unknown.first))
    }

    /// A table is gone: another may get its id.
    pub(crate) fn forget_table(&mut self, table: TableId) {
        self.taken.remove(&table);
    }

    pub(crate) fn forget_unknown(&mut self, epoll: EpollId, data: u64) {
        self.unknown.remove(&(epoll, data));
    }
}

impl Judge {
    /// A call has ended, or a close has begun: what does it heed?
    pub(crate) fn note_heed(&mut self, tid: Tid, name: &str, args: Args<'_>, line: u64) {
        let number = |at: usize| crate::deed::fd_at(args, at);
        let first = number(0);
        let other = match name {
            "sendfile" | "tee" => number(1),
            "splice" | "copy_file_range" | "epoll_ctl" => number(2),
            "mmap" | "mmap2" => {
                if let Some(file) = number(4).and_then(|fd| self.worlds.base().fd(tid, fd)) {
                    self.heed.mark(file, ALWAYS);
                }
                return;
            }
            "io_uring_setup" | "io_uring_enter" => {
                self.heed.has_ring = true;
                return;
            }
            _ => None,
        };
        for fd in [first, other].into_iter().flatten() {
            if let Some(file) = self.worlds.base().fd(tid, fd) {
                self.heed.mark(file, line);
            }
        }
        match name {
            "read" | "readv" | "pread64" | "preadv" | "preadv2" | "recv" | "recvfrom"
            | "recvmsg" | "recvmmsg" | "accept" | "accept4" | "ioctl" | "splice" | "tee"
            | "sendfile" | "close" | "shutdown" | "connect" | "epoll_ctl" | "waitid" => {
                let table = self.process_and_table(tid).1;
                if self.heed.taken.len() < MAX_REMEMBERED || self.heed.taken.contains_key(&table) {
                    self.heed.taken.insert(table, line);
                }
            }
            "write" | "writev" | "pwrite64" | "pwritev" | "pwritev2" | "send" | "sendto"
            | "sendmsg" | "sendmmsg" | "timerfd_settime" | "kill" | "tkill" | "tgkill"
                // What is printed wakes nobody.
                if !matches!(first, Some(Fd(1 | 2))) =>
            {
                self.heed.put = line;
            }
            _ => {}
        }
    }

    /// A registration was reported, and is no ghost.
    pub(crate) fn note_unheeded(&mut self, id: EpitemId, process: u32, place: &Place<'_>) {
        let has_ring = self.heed.has_ring;
        let Some(story) = self.stories.get(id) else {
            return;
        };
        if story.is_edge || has_ring {
            return;
        }
        let (fd, touched) = (story.fd, self.heed.of_file(story.file));
        let Some(story) = self.stories.get_mut(id) else {
            return;
        };
        let is_heeded = touched >= story.streak.line;
        let mut streak = std::mem::take(&mut story.streak);
        let registered = match story.steps.first() {
            Some(step) if streak.count + 1 == UNHEEDED => vec![step.clone()],
            _ => Vec::new(),
        };
        let epoll = story.epoll;
        self.go_on(&mut streak, is_heeded, place);
        if streak.count == UNHEEDED {
            let summary = format!(
                "{fd} is reported again and again, and process {process} neither reads, changes nor removes it: each \
                 wait ends at once"
            );
            let fix = format!(
                "take what {fd} has, or EPOLL_CTL_DEL it; a hang-up or an error is reported whatever the mask"
            );
            self.found_unheeded(
                &mut streak,
                (epoll, process, fd),
                registered,
                summary,
                fix,
                place,
            );
        }
        if let Some(story) = self.stories.get_mut(id) {
            story.streak = streak;
        }
    }

    /// An event of a registration that the log does not show. What a call must be about to heed it is not known, so
    /// every call that may take something counts, and every one that may have made it ready anew.
    pub(crate) fn note_unknown_unheeded(
        &mut self,
        epoll: EpollId,
        data: u64,
        tid: Tid,
        place: &Place<'_>,
    ) {
        let (process, table) = self.process_and_table(tid);
        let unknown = &mut self.heed.unknown;
        let is_full = unknown.len() >= MAX_REMEMBERED && !unknown.contains_key(&(epoll, data));
        if self.heed.has_ring || is_full {
            return;
        }
        let fd = number_in(data);
        let base = self.worlds.base();
        let touched = base.fd(tid, fd).map_or(0, |file| self.heed.of_file(file));
        let taken = self.heed.taken.get(&table).copied().unwrap_or(0);
        let heeded = touched.max(taken).max(self.heed.put);
        let unknown = self.heed.unknown.remove(&(epoll, data));
        let mut unknown = unknown.unwrap_or_else(|| Unknown {
            first: place.step("reported; the log does not show how it was registered"),
            total: 0,
            streak: Streak::default(),
        });
        unknown.total += 1;
        let is_heeded = heeded >= unknown.streak.line;
        self.go_on(&mut unknown.streak, is_heeded, place);
        if unknown.streak.count == UNHEEDED {
            let summary = format!(
                "an event with the data {data:#x} is reported again and again, and process {process} makes no call \
                 that could answer it; the log does not show its registration"
            );
            let fix = format!(
                "see with `polter scan {process}` what it is; take what it has, or EPOLL_CTL_DEL it: a hang-up or an \
                 error is reported whatever the mask"
            );
            let first = vec![unknown.first.clone()];
            let about = (epoll, process, fd);
            self.found_unheeded(&mut unknown.streak, about, first, summary, fix, place);
        }
        self.heed.unknown.insert((epoll, data), unknown);
    }

    /// One report more, or the first of a new streak.
    fn go_on(&mut self, streak: &mut Streak, is_heeded: bool, place: &Place<'_>) {
        if is_heeded && streak.count > 0 {
            if let Some(finding) = streak.finding {
                self.book.end(finding, place.line);
            }
            *streak = Streak::default();
        }
        streak.count += 1;
        streak.line = place.line;
        if streak.count == 2 {
            streak.first = Some(Box::new(
                place.step("reported again, with no call in between"),
            ));
        }
        if let Some(finding) = streak.finding {
            self.book.count_events(finding, 1);
        }
    }

    fn found_unheeded(
        &mut self,
        streak: &mut Streak,
        (epoll, pid, fd): (EpollId, u32, Fd),
        mut story: Vec<Step>,
        summary: String,
        fix: String,
        place: &Place<'_>,
    ) {
        story.extend(streak.first.take().map(|step| *step));
        story.push(place.step("the hundredth time in a row"));
        let finding = Finding {
            class: Class::UnheededEvent,
            severity: Severity::Fault,
            pid,
            fd: fd.0,
            instance: self.instance(epoll),
            summary,
            story,
            holders: Vec::new(),
            events: streak.count,
            ended: None,
            fix,
            repeated: 0,
        };
        streak.finding = self.book.find(finding);
    }
}

/// The number that data holds, if it holds one: alone, or below a generation.
pub(crate) fn number_in(data: u64) -> Fd {
    Fd(i32::try_from(data & 0xffff_ffff).unwrap_or(-1))
}
