//! What is shown.

use std::cmp::Ordering;

use crate::sample::{Registered, Row, Sample, holders, registered};

use super::list::Cursor;

/// By which column processes are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Ghosts,
    InVain,
    Wakes,
    Cpu,
    Registrations,
    Instances,
    Pid,
    Name,
}

impl Sort {
    const ALL: [Sort; 8] = [
        Sort::Ghosts,
        Sort::InVain,
        Sort::Wakes,
        Sort::Cpu,
        Sort::Registrations,
        Sort::Instances,
        Sort::Pid,
        Sort::Name,
    ];

    pub(super) fn next(self) -> Sort {
        let at = Sort::ALL.iter().position(|it| *it == self).unwrap_or(0);
        Sort::ALL[(at + 1) % Sort::ALL.len()]
    }

    /// The largest first; names and pids ascend.
    fn order(self, a: &Row, b: &Row) -> Ordering {
        // Wake-ups in vain count by how many they are, not by their share: one of one is nothing.
        let in_vain = |row: &Row| {
            row.wakes
                .zip(row.in_vain)
                .map_or(0.0, |(wakes, part)| wakes * part)
        };
        let most = |a: f64, b: f64| b.total_cmp(&a);
        match self {
            Sort::Ghosts => b.ghosts.cmp(&a.ghosts).then(most(in_vain(a), in_vain(b))),
            Sort::InVain => most(in_vain(a), in_vain(b)),
            Sort::Wakes => most(a.wakes.unwrap_or(0.0), b.wakes.unwrap_or(0.0)),
            Sort::Cpu => most(a.cpu.unwrap_or(0.0), b.cpu.unwrap_or(0.0)),
            Sort::Registrations => b.registrations.cmp(&a.registrations),
            Sort::Instances => b.instances.cmp(&a.instances),
            Sort::Pid => Ordering::Equal,
            Sort::Name => a.comm.cmp(&b.comm),
        }
        .then(a.pid.cmp(&b.pid))
    }
}

/// How deep the user has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Processes,
    /// The registrations of a process.
    Registrations(u32),
    /// Who has one of them.
    Holders(u32),
}

/// What the keys go to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mode {
    Normal,
    /// A filter is typed; what stood before comes back with Escape.
    Filter {
        before: String,
    },
    /// A removal is to be agreed to.
    Ask {
        pid: u32,
        ghosts: usize,
    },
    Help,
}

/// What the program has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Do {
    Nothing,
    Quit,
    Exorcise(u32),
}

/// A registration, as the cursor knows it: instance, fd and which one.
pub(super) type Key = (i32, i32, u32);

/// All that the screen knows.
pub(super) struct State {
    pub(super) is_coloured: bool,
    pub(super) sample: Option<Sample>,
    /// Counts that came while the screen was held.
    held: Option<Sample>,
    pub(super) is_held: bool,
    pub(super) sort: Sort,
    pub(super) is_reversed: bool,
    pub(super) only_ghosts: bool,
    pub(super) filter: String,
    pub(super) mode: Mode,
    pub(super) level: Level,
    pub(super) process: Cursor<u32>,
    pub(super) registration: Cursor<Key>,
    /// The first line of the holders that is shown.
    pub(super) scroll: usize,
    pub(super) message: Option<String>,
    /// Lines that a page has; the drawing tells.
    pub(super) page: usize,
}

impl State {
    pub(super) fn new(is_coloured: bool) -> State {
        State {
            is_coloured,
            sample: None,
            held: None,
            is_held: false,
            sort: Sort::Ghosts,
            is_reversed: false,
            only_ghosts: false,
            filter: String::new(),
            mode: Mode::Normal,
            level: Level::Processes,
            process: Cursor::default(),
            registration: Cursor::default(),
            scroll: 0,
            message: None,
            page: 10,
        }
    }

    /// A new look at the processes.
    pub(super) fn take(&mut self, sample: Sample) {
        if self.is_held {
            self.held = Some(sample);
            return;
        }
        self.sample = Some(sample);
        if let Level::Registrations(pid) | Level::Holders(pid) = self.level
            && !self.has(pid)
        {
            self.level = Level::Processes;
            self.message = Some(format!(
                "process {pid} has ended, or has no instance any more"
            ));
        }
    }

    /// Holds what is shown, or shows what has come since.
    pub(super) fn hold(&mut self) {
        self.is_held = !self.is_held;
        if let Some(sample) = self.held.take().filter(|_| !self.is_held) {
            self.take(sample);
        }
    }

    pub(super) fn say(&mut self, said: String) {
        self.message = Some(said);
    }

    fn has(&self, pid: u32) -> bool {
        self.sample
            .iter()
            .any(|it| it.rows.iter().any(|row| row.pid == pid))
    }

    /// The processes that are shown, in their order.
    pub(super) fn rows(&self) -> Vec<&Row> {
        let Some(sample) = &self.sample else {
            return Vec::new();
        };
        let filter = self.filter.to_lowercase();
        let is_shown = |row: &&Row| {
            let is_named =
                row.comm.to_lowercase().contains(&filter) || row.pid.to_string().contains(&filter);
            is_named && (!self.only_ghosts || row.ghosts > 0)
        };
        let mut rows: Vec<&Row> = sample.rows.iter().filter(is_shown).collect();
        rows.sort_by(|a, b| self.sort.order(a, b));
        if self.is_reversed {
            rows.reverse();
        }
        rows
    }

    /// The registrations of the process that is looked at.
    pub(super) fn registrations(&self, pid: u32) -> Vec<Registered> {
        let sample = self.sample.as_ref();
        sample.map_or_else(Vec::new, |it| registered(&it.snapshot, &it.report, pid))
    }

    /// Lines on the registration under the cursor.
    pub(super) fn holders(&self, pid: u32) -> Vec<String> {
        let all = self.registrations(pid);
        let chosen = all
            .iter()
            .find(|it| Some(&key(it)) == self.registration.key());
        let sample = self.sample.as_ref().zip(chosen);
        let lines = sample.map(|(it, of)| holders(&it.snapshot, &it.report, pid, of));
        lines.unwrap_or_else(|| vec!["The registration is gone.".to_owned()])
    }

    /// The process that keys are about.
    pub(super) fn chosen(&mut self) -> Option<u32> {
        match self.level {
            Level::Registrations(pid) | Level::Holders(pid) => Some(pid),
            Level::Processes => {
                let pids: Vec<u32> = self.rows().iter().map(|row| row.pid).collect();
                self.process.place(&pids)?;
                self.process.key().copied()
            }
        }
    }
}

/// How the cursor knows a registration.
pub(super) fn key(registered: &Registered) -> Key {
    (registered.instance, registered.fd, registered.occurrence)
}
