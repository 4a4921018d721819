//! Faults of instances that several processes have, and what has to be
//! remembered until a suspicion is decided. The faults of numbers, of threads
//! and of exec are in `numbers`, `races` and `leaks`.

use crate::by_table::ByTable;
use crate::deed::Made;
use crate::judge::Judge;
use crate::site::Place;
use crate::stories::add_frame;
use crate::verdict::{Class, Finding, Instance, Severity, Step};
use eventpoll::{EpitemId, EpollId, Fd, FileId, TableId, Tid};
use rustc_hash::{FxHashMap, FxHashSet};

/// Remembered numbers, races and leaks of each kind.
pub(crate) const MAX_REMEMBERED: usize = 4096;
/// Steps of a ghost's story beyond which it gets no more.
pub(crate) const KEPT_STEPS: usize = 12;

/// What has to be remembered until it proves harmful.
#[derive(Debug, Default)]
pub(crate) struct Sharing {
    /// Which tables have waited on which instance.
    pub(crate) waited: FxHashMap<EpollId, FxHashSet<TableId>>,
    /// Numbers that named an instance and were closed.
    pub(crate) dead: ByTable<Dead>,
    pub(crate) newest_dead: Option<(TableId, Fd)>,
    /// Instances that came through an exec and were not used since.
    pub(crate) leaks: Vec<Leak>,
    /// Watched numbers closed while another thread waits.
    pub(crate) races: Vec<Race>,
    /// Reports of another process's registration, until its owner is seen to wait too.
    pub(crate) thefts: FxHashMap<(EpollId, TableId, TableId), Finding>,
    pub(crate) newest_theft: Option<(EpollId, TableId, TableId)>,
    /// Signalfds by the instance they are registered in, with their owner.
    pub(crate) signalfds: FxHashMap<EpollId, Vec<EpitemId>>,
    pub(crate) told_deaf: FxHashMap<EpollId, FxHashSet<TableId>>,
    /// The fork that made a table.
    pub(crate) copies: FxHashMap<TableId, Step>,
    /// Numbers that were made by dup: what a program that compares files does.
    pub(crate) duplicates: ByTable<()>,
    /// What another process removed, with its owner and the place of its finding.
    pub(crate) removed: FxHashMap<(EpollId, Fd), (TableId, usize)>,
    /// Processes that were told of such a removal, and the finding.
    pub(crate) hurt: FxHashMap<u32, usize>,
    /// Numbers that a call was refused for, because they are closed.
    pub(crate) refused: ByTable<Step>,
}

impl Sharing {
    /// A frame of the stack under a call that is remembered here.
    pub(crate) fn add_frame(&mut self, line: u64, frame: &[u8]) {
        if let Some(leak) = self.leaks.last_mut() {
            add_frame(&mut leak.finding.story, line, frame);
        }
        if let Some(race) = self.races.last_mut() {
            add_frame(&mut race.steps, line, frame);
        }
        if let Some(step) = self
            .newest_dead
            .and_then(|(table, fd)| self.dead.get_mut(table, fd))
        {
            add_frame(std::slice::from_mut(&mut step.closed), line, frame);
        }
        if let Some(finding) = self.newest_theft.and_then(|key| self.thefts.get_mut(&key)) {
            add_frame(&mut finding.story, line, frame);
        }
    }
}

/// A number that named an instance.
#[derive(Debug, Clone)]
pub(crate) struct Dead {
    pub(crate) closed: Step,
    pub(crate) instance: Option<Instance>,
    /// Another file got the number.
    pub(crate) reused: Option<Step>,
}

impl Dead {
    pub(crate) fn instance(&self, pid: u32, fd: Fd) -> Instance {
        let unknown = Instance {
            pid,
            fd: fd.0,
            line: None,
        };
        self.instance.clone().unwrap_or(unknown)
    }
}

#[derive(Debug)]
pub(crate) struct Leak {
    pub(crate) table: TableId,
    pub(crate) fd: Fd,
    pub(crate) finding: Finding,
}

#[derive(Debug)]
pub(crate) struct Race {
    pub(crate) table: TableId,
    pub(crate) fd: Fd,
    pub(crate) waiter: u32,
    pub(crate) wait_line: u64,
    pub(crate) epoll: EpollId,
    /// What the registration's events carried.
    pub(crate) data: u64,
    pub(crate) steps: Vec<Step>,
}

impl Sharing {
    /// True if a number of a table was made by dup there.
    pub(crate) fn is_duplicate(&self, table: TableId, fd: Fd) -> bool {
        self.duplicates.get(table, fd).is_some()
    }
}

impl Sharing {
    /// The fork that made a table, if it was one.
    pub(crate) fn copied(&self, table: TableId) -> Option<&Step> {
        self.copies.get(&table)
    }
}

impl Judge {
    /// A fork has returned: its child's table is a copy.
    pub(crate) fn note_copy(&mut self, child: u32, place: &Place<'_>) {
        let Some(tid) = self.tasks.tid(child) else {
            return;
        };
        let table = self.process_and_table(tid).1;
        if self
            .tasks
            .tid(place.pid)
            .is_some_and(|parent| self.process_and_table(parent).1 != table)
        {
            self.sharing
                .copies
                .insert(table, place.step("the child gets a copy"));
        }
    }

    /// A number was made by dup, dup2, dup3 or fcntl.
    pub(crate) fn note_duplicate(&mut self, tid: Tid, fd: Fd) {
        let table = self.process_and_table(tid).1;
        (self.sharing.duplicates).insert(table, fd, (), MAX_REMEMBERED);
    }

    /// A number was closed.
    pub(crate) fn forget_duplicate(&mut self, tid: Tid, fd: Fd) {
        let table = self.process_and_table(tid).1;
        self.sharing.duplicates.remove(table, fd);
    }

    /// An instance, by the descriptor it was made as.
    pub(crate) fn instance(&self, epoll: EpollId) -> Instance {
        let label = self
            .worlds
            .base()
            .epoll_file(epoll)
            .and_then(|file| self.labels.get(file));
        label.map_or(
            Instance {
                pid: 0,
                fd: -1,
                line: None,
            },
            |label| Instance {
                pid: label.pid,
                fd: label.fd.0,
                line: label.line,
            },
        )
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a finding")]
    pub(crate) fn find(
        &mut self,
        class: Class,
        severity: Severity,
        pid: u32,
        fd: Fd,
        instance: Instance,
        summary: String,
        story: Vec<Step>,
        fix: &str,
    ) -> Option<usize> {
        self.book.find(new_finding(
            class, severity, pid, fd, instance, summary, story, fix,
        ))
    }

    /// A wait on an instance: by whom, and is there a signalfd that is not theirs?
    pub(crate) fn note_wait(&mut self, tid: Tid, epfd: Fd, epoll: EpollId, place: &Place<'_>) {
        self.note_use(tid, epfd);
        let (process, table) = self.process_and_table(tid);
        let waited = self.sharing.waited.entry(epoll).or_default();
        if waited.len() < MAX_REMEMBERED {
            waited.insert(table);
        }
        let Some(signalfds) = self.sharing.signalfds.get(&epoll) else {
            return;
        };
        let foreign = signalfds
            .iter()
            .filter_map(|id| self.stories.get(*id))
            .find(|story| {
                story.epoll == epoll
                    && story.owner != table
                    && self
                        .labels
                        .get(story.file)
                        .is_some_and(|l| l.made == Made::Signalfd)
            });
        let Some(story) = foreign else { return };
        let (fd, owner) = (story.fd, story.pid);
        let steps = [
            story.steps.clone(),
            vec![place.step("another process waits on the instance")],
        ]
        .concat();
        let told = self.sharing.told_deaf.entry(epoll).or_default();
        if told.len() < MAX_REMEMBERED && told.insert(table) {
            let summary = format!(
                "signalfd {fd} was registered by process {owner}; process {process} is not woken by its own signals \
                 here, and its waits can make {owner} miss one"
            );
            let fix = "register the signalfd anew in the process that waits: DEL and ADD it there, or make a new \
                       instance after the fork";
            let instance = self.instance(epoll);
            self.find(
                Class::DeafSignalfd,
                Severity::Fault,
                process,
                fd,
                instance,
                summary,
                steps,
                fix,
            );
        }
    }

    /// A live registration was reported to a process that did not make it.
    pub(crate) fn note_foreign_report(&mut self, id: EpitemId, tid: Tid, place: &Place<'_>) {
        let (process, table) = self.process_and_table(tid);
        let Some(story) = self.stories.get(id) else {
            return;
        };
        let (epoll, fd, file, owner) = (story.epoll, story.fd, story.file, story.owner);
        let base = self.worlds.base();
        // The owner is gone, or has handed its number on: whoever waits is right to.
        if base.fd_in(owner, fd) != Some(file) {
            return;
        }
        let key = (epoll, owner, table);
        if self.sharing.thefts.contains_key(&key) || self.sharing.thefts.len() >= MAX_REMEMBERED {
            return;
        }
        let has_it_too = base.fd_in(table, fd) == Some(file);
        let steps = [
            story.steps.clone(),
            vec![place.step("reported to another process")],
        ]
        .concat();
        let (class, pid, summary, fix) = if has_it_too {
            let summary = format!(
                "process {process} takes events of {fd} that process {} registered for and waits for too",
                story.pid
            );
            let fix = "give each process an instance of its own, made after the fork";
            (Class::EventTheft, story.pid, summary, fix)
        } else {
            let summary = format!(
                "process {process} is told of {fd}, which only process {} has: there {fd} is closed or another file",
                story.pid
            );
            let fix =
                "make a new instance after the fork; what one process registers is reported to all";
            (Class::ForeignEntry, process, summary, fix)
        };
        let instance = self.instance(epoll);
        let finding = new_finding(
            class,
            Severity::Fault,
            pid,
            fd,
            instance,
            summary,
            steps,
            fix,
        );
        self.sharing.newest_theft = Some(key);
        self.sharing.thefts.insert(key, finding);
    }

    /// A registration by one of several processes.
    pub(crate) fn note_registration(
        &mut self,
        tid: Tid,
        id: EpitemId,
        file: FileId,
        _place: Option<&Place<'_>>,
    ) {
        let _ = tid;
        if self
            .labels
            .get(file)
            .is_some_and(|label| label.made == Made::Signalfd)
            && let Some(epoll) = self.stories.get(id).map(|story| story.epoll)
        {
            let known = self.sharing.signalfds.entry(epoll).or_default();
            known.retain(|other| *other != id);
            known.truncate(MAX_REMEMBERED);
            known.push(id);
        }
    }

    pub(crate) fn found_foreign_key(
        &mut self,
        known: Option<EpitemId>,
        process: u32,
        fd: Fd,
        place: &Place<'_>,
    ) {
        let Some(story) = known.and_then(|id| self.stories.get(id)) else {
            return;
        };
        let summary = format!(
            "process {process} cannot register {fd}: in the instance it shares, process {} has done so already",
            story.pid
        );
        let steps = [
            story.steps.clone(),
            vec![place.step("refused: the key is taken by another process")],
        ]
        .concat();
        let instance = self.instance(story.epoll);
        let fix = "make a new instance after the fork";
        self.find(
            Class::ForeignEntry,
            Severity::Fault,
            process,
            fd,
            instance,
            summary,
            steps,
            fix,
        );
    }

    pub(crate) fn found_kcmp_idiom(
        &mut self,
        known: Option<EpitemId>,
        process: u32,
        fd: Fd,
        place: &Place<'_>,
    ) {
        let Some(story) = known.and_then(|id| self.stories.get(id)) else {
            return;
        };
        let summary = format!(
            "process {process} learns from EEXIST that its {fd} and the one process {} registered are the same file",
            story.pid
        );
        let steps = [
            story.steps.clone(),
            vec![place.step("EEXIST says: the same file")],
        ]
        .concat();
        let instance = self.instance(story.epoll);
        let fix = "ask with fcntl(F_DUPFD_QUERY) or kcmp(KCMP_FILE); policies that add the table to the key break this";
        self.find(
            Class::EpollAsKcmp,
            Severity::Note,
            process,
            fd,
            instance,
            summary,
            steps,
            fix,
        );
    }

    /// The log is over: what was only suspected is decided.
    pub(crate) fn end_sharing(&mut self) {
        for leak in std::mem::take(&mut self.sharing.leaks) {
            self.book.find(leak.finding);
        }
        let mut thefts: Vec<_> = std::mem::take(&mut self.sharing.thefts)
            .into_iter()
            .collect();
        thefts.sort_by_key(|(_, finding)| finding.story.last().map(|step| step.site.line));
        for ((epoll, owner, _), finding) in thefts {
            // If the owner never waits, it left the loop to the other.
            if finding.class != Class::EventTheft
                || self
                    .sharing
                    .waited
                    .get(&epoll)
                    .is_some_and(|waited| waited.contains(&owner))
            {
                self.book.find(finding);
            }
        }
    }

    /// A new instance has the name of one that is gone.
    pub(crate) fn forget_instance(&mut self, epoll: EpollId) {
        self.sharing.waited.remove(&epoll);
        self.sharing.signalfds.remove(&epoll);
        self.sharing.told_deaf.remove(&epoll);
        if !self.sharing.thefts.keys().any(|(of, ..)| *of == epoll) {
            return;
        }
        let (gone, kept): (Vec<_>, Vec<_>) = std::mem::take(&mut self.sharing.thefts)
            .into_iter()
            .partition(|((of, ..), _)| *of == epoll);
        self.sharing.thefts = kept.into_iter().collect();
        for (_, finding) in gone {
            self.book.find(finding);
        }
    }
}

#[expect(clippy::too_many_arguments, reason = "the parts of a finding")]
pub(crate) fn new_finding(
    class: Class,
    severity: Severity,
    pid: u32,
    fd: Fd,
    instance: Instance,
    summary: String,
    story: Vec<Step>,
    fix: &str,
) -> Finding {
    Finding {
        class,
        severity,
        pid,
        fd: fd.0,
        instance,
        summary,
        story,
        holders: Vec::new(),
        events: 0,
        ended: None,
        fix: fix.to_string(),
        repeated: 0,
    }
}
