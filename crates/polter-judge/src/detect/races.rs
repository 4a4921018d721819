//! Descriptors closed while another thread waits for them.

use crate::input::{Place, fd_in_data};
use crate::judge::Judge;
use crate::state::FindingDraft;
use crate::state::{MAX_REMEMBERED, Race};
use crate::verdict::{Class, Severity, Site, Step};
use eventpoll::{EpollId, Fd, Tid};

impl Judge {
    /// An fd is about to be closed. If another thread waits on an instance that has it registered, a reuse of the fd
    /// before that wait ends is a race.
    pub(crate) fn note_raced_close(&mut self, pid: u32, tid: Tid, fd: Fd, place: &Place<'_>) {
        let (_, table) = self.process_and_table(tid);
        let Some(file) = self.worlds.base().fd(tid, fd) else {
            return;
        };
        let raced = self.tasks.waits().find_map(|(waiter, wait)| {
            if waiter == pid || wait.table != table {
                return None;
            }
            let mut registrations = self.worlds.base().registrations_of_file(file);
            let registration = registrations.find(|r| r.epoll == wait.epoll && r.fd == fd)?;
            Some((waiter, wait.clone(), registration))
        });
        let Some((waiter, wait, registration)) = raced else {
            return;
        };
        if self.sharing.races.len() >= MAX_REMEMBERED {
            self.sharing.races.remove(0);
        }
        let history = self
            .registrations
            .get(registration.id)
            .map_or_else(Vec::new, |history| history.steps.clone());
        let steps = [
            history,
            vec![place.step("closed without DEL while another thread waits")],
        ]
        .concat();
        let (wait_line, epoll, data) = (wait.line, wait.epoll, registration.event.data);
        self.sharing.races.push(Race {
            table,
            fd,
            waiter,
            wait_line,
            epoll,
            data,
            steps,
        });
    }

    /// An fd is about to be closed whose event another thread got and has not handled.
    pub(crate) fn note_close_to_others(&mut self, tid: Tid, fd: Fd, place: &Place<'_>) {
        let base = self.worlds.base();
        let (threads, file) = (base.threads(tid), base.fd(tid, fd));
        let Some(file) = file.filter(|_| threads.len() > 1) else {
            return;
        };
        let touched = self.heed.last_use(file, place.line);
        let others: Vec<u32> = (threads.iter().filter(|thread| **thread != tid))
            .map(|thread| self.tasks.shown(base.pid_of(*thread)))
            .collect();
        for other in others {
            if let Some(task) = self.tasks.get_mut(other)
                && task.batch.waits(fd)
                && task.batch.line > touched
            {
                (task.batch).closed_by_another(fd, || {
                    place.step("closed by another thread before its event is handled")
                });
            }
        }
    }

    /// An fd was given out: is a wait still under way that began before its close?
    pub(crate) fn fd_reopened(&mut self, tid: Tid, fd: Fd) {
        let table = self.process_and_table(tid).1;
        self.note_dead_reused(tid, table, fd);
        self.sharing.duplicates.remove(table, fd);
        self.sharing.refused.remove(table, fd);
        let Some(at) = self
            .sharing
            .races
            .iter()
            .position(|race| (race.table, race.fd) == (table, fd))
        else {
            return;
        };
        let race = self.sharing.races.swap_remove(at);
        let still_waits = self
            .tasks
            .waits()
            .any(|(pid, wait)| pid == race.waiter && wait.line == race.wait_line);
        if !still_waits {
            return;
        }
        let (process, line) = (self.process_and_table(tid).0, self.line);
        let summary = format!(
            "{fd} was closed and its number reused while thread {} waits: an event of the old file can be taken for \
             the new one's, or find its state freed",
            race.waiter
        );
        let reuse = Site {
            line,
            time: self.clock,
            pid: process,
            text: format!("{fd} names another file"),
            stack: Vec::new(),
        };
        let mut steps = race.steps;
        steps.push(Step {
            what: "the fd is given out again".to_string(),
            site: reuse,
        });
        let instance = self.instance(race.epoll);
        // A generation above the fd lets the program tell the two files apart.
        let severity = match race.data >> 32 {
            0 => Severity::Fault,
            _ if fd_in_data(race.data) != fd => Severity::Fault,
            _ => Severity::Note,
        };
        let fix = "EPOLL_CTL_DEL first, and free the state only after the waiting thread has come back once";
        self.findings.add(
            FindingDraft {
                class: Class::CloseRacesWait,
                severity,
                pid: process,
                fd,
                instance,
                summary,
                steps,
                fix,
            }
            .finding(),
        );
    }

    /// An event has no known registration: was its fd closed while the wait was under way?
    pub(crate) fn note_unknown_event(
        &mut self,
        waiter: u32,
        epoll: EpollId,
        data: u64,
        tid: Tid,
        place: &Place<'_>,
    ) {
        let is_it = |race: &Race| (race.waiter, race.epoll, race.data) == (waiter, epoll, data);
        let Some(at) = self.sharing.races.iter().position(is_it) else {
            return;
        };
        let race = self.sharing.races.swap_remove(at);
        let process = self.process_and_table(tid).0;
        let summary = format!(
            "fd {} was closed while thread {waiter} waits, and is still reported to it: its state must still be there",
            race.fd
        );
        let steps = [race.steps, vec![place.step("reported after the close")]].concat();
        let instance = self.instance(epoll);
        let fix = "EPOLL_CTL_DEL first, and free the state only after the waiting thread has come back once";
        self.findings.add(
            FindingDraft {
                class: Class::CloseRacesWait,
                severity: Severity::Note,
                pid: process,
                fd: race.fd,
                instance,
                summary,
                steps,
                fix,
            }
            .finding(),
        );
    }
}
