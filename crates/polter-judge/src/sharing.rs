//! Faults of instances that several processes or threads have, and of
//! numbers that outlive what they named.

use crate::batch::StaleUse;
use crate::deed::Made;
use crate::judge::Judge;
use crate::site::{Place, Site};
use crate::stories::add_frame;
use crate::verdict::{Class, Finding, Instance, Severity, Step};
use eventpoll::{EpitemId, EpollId, Fd, FileId, TableId, Tid};
use rustc_hash::{FxHashMap, FxHashSet};

/// Remembered numbers, races and leaks of each kind.
const MAX_REMEMBERED: usize = 4096;
/// Steps of a ghost's story beyond which it gets no more.
const KEPT_STEPS: usize = 12;

/// What has to be remembered until it proves harmful.
#[derive(Debug, Default)]
pub(crate) struct Sharing {
    /// Which tables have waited on which instance.
    waited: FxHashMap<EpollId, FxHashSet<TableId>>,
    /// Numbers that named an instance and were closed.
    dead: FxHashMap<(TableId, Fd), Step>,
    newest_dead: Option<(TableId, Fd)>,
    /// Instances that came through an exec and were not used since.
    leaks: Vec<Leak>,
    /// Watched numbers closed while another thread waits.
    races: Vec<Race>,
    /// Reports of another process's registration, until its owner is seen to wait too.
    thefts: FxHashMap<(EpollId, TableId, TableId), Finding>,
    newest_theft: Option<(EpollId, TableId, TableId)>,
    /// Signalfds by the instance they are registered in, with their owner.
    signalfds: FxHashMap<EpollId, Vec<EpitemId>>,
    told_deaf: FxHashMap<EpollId, FxHashSet<TableId>>,
    /// The fork that made a table.
    copies: FxHashMap<TableId, Step>,
    /// Numbers that were made by dup: what a program that compares files does.
    duplicates: FxHashSet<(TableId, Fd)>,
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
            .and_then(|number| self.dead.get_mut(&number))
        {
            add_frame(std::slice::from_mut(step), line, frame);
        }
        if let Some(finding) = self.newest_theft.and_then(|key| self.thefts.get_mut(&key)) {
            add_frame(&mut finding.story, line, frame);
        }
    }
}

#[derive(Debug)]
struct Leak {
    table: TableId,
    fd: Fd,
    finding: Finding,
}

#[derive(Debug)]
struct Race {
    table: TableId,
    fd: Fd,
    waiter: u32,
    wait_line: u64,
    epoll: EpollId,
    /// What the registration's events carried.
    data: u64,
    steps: Vec<Step>,
}

impl Sharing {
    /// True if a number of a table was made by dup there.
    pub(crate) fn is_duplicate(&self, table: TableId, fd: Fd) -> bool {
        self.duplicates.contains(&(table, fd))
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
        if self.sharing.duplicates.len() >= MAX_REMEMBERED {
            let base = self.worlds.base();
            self.sharing
                .duplicates
                .retain(|(table, fd)| base.fd_in(*table, *fd).is_some());
        }
        if self.sharing.duplicates.len() < MAX_REMEMBERED {
            let table = self.process_and_table(tid).1;
            self.sharing.duplicates.insert((table, fd));
        }
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
    ) {
        self.book.find(new_finding(
            class, severity, pid, fd, instance, summary, story, fix,
        ));
    }

    // --- instances that several processes have ---

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

    // --- numbers that outlive what they named ---

    pub(crate) fn found_number_reuse(
        &mut self,
        ghost: EpitemId,
        process: u32,
        fd: Fd,
        place: &Place<'_>,
    ) {
        let Some(story) = self.stories.get_mut(ghost) else {
            return;
        };
        let step = place.step("another file is registered under the same number");
        let (mut steps, epoll) = (story.steps.clone(), story.epoll);
        steps.push(step.clone());
        if story.steps.len() < KEPT_STEPS {
            story.steps.push(step);
        }
        let summary = format!(
            "{fd} is registered twice, for an old file that lives on and for a new one: the old one's events are \
             taken for the new one's"
        );
        let instance = self.instance(epoll);
        let fix = "EPOLL_CTL_DEL before close, and put a generation beside the number into the event's data";
        self.find(
            Class::NumberReuse,
            Severity::Fault,
            process,
            fd,
            instance,
            summary,
            steps,
            fix,
        );
    }

    pub(crate) fn found_errno_after_reuse(
        &mut self,
        epoll: EpollId,
        fd: Fd,
        known: Option<EpitemId>,
        place: &Place<'_>,
    ) {
        let told = place
            .returned
            .and_then(|returned| returned.errno)
            .unwrap_or("an error")
            .to_string();
        let mut steps = known
            .and_then(|id| self.stories.get(id))
            .map_or_else(Vec::new, |story| story.steps.clone());
        steps.push(place.step("answered for the old registration"));
        let summary =
            format!("{told} for {fd}: a registration from before {fd} was closed is still there");
        let instance = self.instance(epoll);
        let fix =
            "EPOLL_CTL_DEL before close; do not guess from EEXIST or ENOENT what is registered";
        self.find(
            Class::ErrnoAfterReuse,
            Severity::Fault,
            place.pid,
            fd,
            instance,
            summary,
            steps,
            fix,
        );
    }

    pub(crate) fn found_stale_use(
        &mut self,
        tid: Tid,
        fd: Fd,
        stale: &StaleUse,
        place: &Place<'_>,
    ) {
        let process = self.process_and_table(tid).0;
        let is_bad = Judge::has_failed_with(place, eventpoll::Errno::EBADF);
        // A new file at the number may well be used on its own account.
        let severity = if is_bad {
            Severity::Fault
        } else {
            Severity::Note
        };
        if !is_bad && !stale.is_reused {
            return;
        }
        let what = if is_bad {
            "used after it was closed"
        } else {
            "used, meaning another file by now"
        };
        let summary = format!(
            "an event of {fd} waited in the batch while {fd} was closed; it may be handled with state that is gone"
        );
        let steps = vec![stale.closed.clone(), place.step(what)];
        let instance = Instance {
            pid: process,
            fd: -1,
            line: None,
        };
        let fix =
            "look up each event's object again when its turn comes, or free it after the batch";
        self.find(
            Class::StaleBatch,
            severity,
            process,
            fd,
            instance,
            summary,
            steps,
            fix,
        );
    }

    /// A number that names an instance is about to be closed.
    pub(crate) fn note_dead_number(&mut self, tid: Tid, fd: Fd, place: &Place<'_>) {
        let base = self.worlds.base();
        let is_epoll = base
            .fd(tid, fd)
            .is_some_and(|file| base.epoll_of(file).is_some());
        if !is_epoll {
            return;
        }
        if self.sharing.dead.len() >= MAX_REMEMBERED {
            self.sharing
                .dead
                .retain(|(table, _), _| base.is_table_alive(*table));
        }
        if self.sharing.dead.len() < MAX_REMEMBERED {
            let table = self.process_and_table(tid).1;
            self.sharing.newest_dead = Some((table, fd));
            self.sharing
                .dead
                .insert((table, fd), place.step("the instance's number was closed"));
        }
    }

    pub(crate) fn found_bad_control(&mut self, tid: Tid, epfd: Fd, fd: Fd, place: &Place<'_>) {
        if self.worlds.base().fd(tid, epfd).is_none() {
            return self.found_dead_epoll(tid, epfd, place);
        }
        // A ghost cannot be removed through a number that is closed: part of its story.
        let base = self.worlds.base();
        let Some(epoll) = base.fd(tid, epfd).and_then(|file| base.epoll_of(file)) else {
            return;
        };
        if let Some(ghost) = self.ghosts.of_number(&self.stories, epoll, fd)
            && let Some(story) = self.stories.get_mut(ghost)
            && story.steps.len() < KEPT_STEPS
        {
            story
                .steps
                .push(place.step("cannot be removed: the number is closed"));
        }
    }

    pub(crate) fn found_dead_epoll(&mut self, tid: Tid, epfd: Fd, place: &Place<'_>) {
        let (process, table) = self.process_and_table(tid);
        let Some(closed) = self.sharing.dead.get(&(table, epfd)).cloned() else {
            return;
        };
        let instance = Instance {
            pid: process,
            fd: epfd.0,
            line: None,
        };
        let summary = format!(
            "{epfd} is used as an instance after it was closed; had it been reused, another file would be hit"
        );
        let steps = vec![closed, place.step("used all the same")];
        let fix = "forget the instance's number when it is closed; after a fork that closes everything, make a new one";
        self.find(
            Class::DeadEpollFd,
            Severity::Fault,
            process,
            epfd,
            instance,
            summary,
            steps,
            fix,
        );
    }

    pub(crate) fn found_double_close(&mut self, tid: Tid, fd: Fd, place: &Place<'_>) {
        let (process, table) = self.process_and_table(tid);
        let Some(closed) = self.sharing.dead.get(&(table, fd)).cloned() else {
            return;
        };
        let instance = Instance {
            pid: process,
            fd: fd.0,
            line: None,
        };
        let summary = format!(
            "instance {fd} is closed twice; a file that took the number in between would be lost"
        );
        let steps = vec![closed, place.step("closed again")];
        let fix = "close an instance once, and forget its number";
        self.find(
            Class::DeadEpollFd,
            Severity::Fault,
            process,
            fd,
            instance,
            summary,
            steps,
            fix,
        );
    }

    // --- exec ---

    /// Instances that came through an exec: leaked, unless the new program uses them.
    pub(crate) fn note_leaks(&mut self, tid: Tid, process: u32, place: &Place<'_>) {
        let base = self.worlds.base();
        let Some(view) = base.task(tid) else { return };
        let instances: Vec<(Fd, EpollId)> = base
            .fds(tid)
            .filter_map(|(fd, file, _)| Some((fd, base.epoll_of(file)?)))
            .collect();
        self.sharing.leaks.retain(|leak| leak.table != view.table);
        for (fd, epoll) in instances {
            if self.sharing.leaks.len() >= MAX_REMEMBERED {
                return;
            }
            let instance = self.instance(epoll);
            let summary = format!(
                "the program that process {process} exec'ed holds instance {fd} of process {} and never uses it: what \
                 is registered there stays alive with it",
                instance.pid
            );
            let steps =
                vec![place.step("the instance, not close-on-exec, reaches the new program")];
            let fix = "make the instance with EPOLL_CLOEXEC";
            let finding = new_finding(
                Class::LeakedEpoll,
                Severity::Fault,
                process,
                fd,
                instance,
                summary,
                steps,
                fix,
            );
            self.sharing.leaks.push(Leak {
                table: view.table,
                fd,
                finding,
            });
        }
    }

    /// A task uses an instance: it was not leaked to it.
    pub(crate) fn note_use(&mut self, tid: Tid, epfd: Fd) {
        if self.sharing.leaks.is_empty() {
            return;
        }
        let table = self.process_and_table(tid).1;
        self.sharing
            .leaks
            .retain(|leak| (leak.table, leak.fd) != (table, epfd));
    }

    /// A table is gone; what it never used was leaked.
    pub(crate) fn end_leaks_of(&mut self, table: TableId) {
        let (gone, kept) = std::mem::take(&mut self.sharing.leaks)
            .into_iter()
            .partition(|leak| leak.table == table);
        self.sharing.leaks = kept;
        let gone: Vec<Leak> = gone;
        for leak in gone {
            self.book.find(leak.finding);
        }
        self.sharing.dead.retain(|(dead, _), _| *dead != table);
        self.sharing.races.retain(|race| race.table != table);
        self.sharing.duplicates.retain(|(of, _)| *of != table);
        self.sharing.copies.remove(&table);
    }

    // --- threads ---

    /// A number is closed; if another thread waits on an instance that has it
    /// registered, a reuse of the number before the wait ends is a race.
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
        let story = self
            .stories
            .get(registration.id)
            .map_or_else(Vec::new, |story| story.steps.clone());
        let steps = [
            story,
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

    /// A number was given out: is there a wait under way from before its close?
    pub(crate) fn number_reopened(&mut self, tid: Tid, fd: Fd) {
        let table = self.process_and_table(tid).1;
        self.sharing.dead.remove(&(table, fd));
        self.sharing.duplicates.remove(&(table, fd));
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
            pid: process,
            text: format!("{fd} names another file"),
            stack: Vec::new(),
        };
        let mut steps = race.steps;
        steps.push(Step {
            what: "the number is given out again".to_string(),
            site: reuse,
        });
        let instance = self.instance(race.epoll);
        let fix = "EPOLL_CTL_DEL first, and free the state only after the waiting thread has come back once";
        self.find(
            Class::CloseRacesWait,
            Severity::Fault,
            process,
            fd,
            instance,
            summary,
            steps,
            fix,
        );
    }

    /// An event of no known registration: was its file closed while the wait was under way?
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
            "{} was closed while thread {waiter} waits, and is reported to it all the same: its state must still be there",
            race.fd
        );
        let steps = [race.steps, vec![place.step("reported after the close")]].concat();
        let instance = self.instance(epoll);
        let fix = "EPOLL_CTL_DEL first, and free the state only after the waiting thread has come back once";
        self.find(
            Class::CloseRacesWait,
            Severity::Note,
            process,
            race.fd,
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
fn new_finding(
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
