//! Events that nobody heeds: a registration is reported again and again, and no call is made on its file.
//!
//! ```text
//!   epoll_wait ─▶ 4    epoll_wait ─▶ 4    epoll_wait ─▶ 4  …     never read(4), MOD 4, close(4)
//! ```
//! A registration with `EPOLLET` is exempt: each of its events is a new one, and needs no answer. So is a mapped
//! file, and everything once a ring is seen: what a program takes through memory or a ring is in no log.

use crate::input::{Place, fd_in_data};
use crate::judge::Judge;
use crate::state::{MAX_REMEMBERED, Streak, UnknownRegistration};
use crate::verdict::{Class, Finding, Severity, Step};
use eventpoll::{EpitemId, EpollId, Fd, Tid};

/// This many reports in a row, without a call in between, are a finding.
///
/// Not two, though the second report already shows that nothing was done: another thread may be about to answer.
/// After a hundred it is not.
pub(super) const UNHEEDED: u64 = 100;

impl Judge {
    /// A registration that is no ghost was reported.
    pub(crate) fn note_unheeded(&mut self, id: EpitemId, process: u32, place: &Place<'_>) {
        let has_ring = self.heed.has_ring;
        let Some(history) = self.registrations.get(id) else {
            return;
        };
        if history.is_edge || has_ring {
            return;
        }
        let (fd, touched) = (history.fd, self.heed.of_file(history.file));
        let Some(history) = self.registrations.get_mut(id) else {
            return;
        };
        let is_heeded = touched >= history.streak.line;
        let mut streak = std::mem::take(&mut history.streak);
        let registered = match history.steps.first() {
            Some(step) if streak.count + 1 == UNHEEDED => vec![step.clone()],
            _ => Vec::new(),
        };
        let epoll = history.epoll;
        self.go_on(&mut streak, is_heeded, place);
        if streak.count == UNHEEDED {
            let summary = format!(
                "{fd} is reported again and again, and process {process} neither reads, changes nor removes it: each \
                 wait ends at once"
            );
            let fix = format!(
                "read what fd {fd} has, or EPOLL_CTL_DEL it; a hang-up or an error is reported whatever the mask"
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
        if let Some(history) = self.registrations.get_mut(id) {
            history.streak = streak;
        }
    }

    /// An event of a registration that the log does not show. Which file it watches is not known. So every call that
    /// may take something answers it, and so does every call that may have made it ready anew.
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
        let fd = fd_in_data(data);
        let base = self.worlds.base();
        let touched = base.fd(tid, fd).map_or(0, |file| self.heed.of_file(file));
        let taken = self.heed.taken.get(&table).copied().unwrap_or(0);
        let heeded = touched.max(taken).max(self.heed.put);
        let unknown = self.heed.unknown.remove(&(epoll, data));
        let mut unknown = unknown.unwrap_or_else(|| UnknownRegistration {
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

    /// Adds a report to the streak, or begins a new one.
    fn go_on(&mut self, streak: &mut Streak, is_heeded: bool, place: &Place<'_>) {
        if is_heeded && streak.count > 0 {
            if let Some(finding) = streak.finding {
                self.findings.end(finding, place.line);
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
            self.findings.count_events(finding, 1);
        }
    }

    /// Makes a finding of a streak that is long enough.
    fn found_unheeded(
        &mut self,
        streak: &mut Streak,
        (epoll, pid, fd): (EpollId, u32, Fd),
        mut steps: Vec<Step>,
        summary: String,
        fix: String,
        place: &Place<'_>,
    ) {
        steps.extend(streak.first.take().map(|step| *step));
        steps.push(place.step("the hundredth time in a row"));
        let finding = Finding {
            class: Class::UnheededEvent,
            severity: Severity::Fault,
            pid,
            fd: fd.0,
            instance: self.instance(epoll),
            summary,
            story: steps,
            holders: Vec::new(),
            events: streak.count,
            ended: None,
            fix,
            repeated: 0,
            mended_by: Vec::new(),
        };
        streak.finding = self.findings.add(finding);
    }
}
