//! Observations about a registration that some holders can name, and an elder cannot.

use serde::Serialize;

use super::counters::Threads;

/// How sure a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sureness {
    /// The kernel has said so.
    Certain,
    /// Everything observed speaks for it, and nothing against it.
    Likely,
    /// It cannot be told from outside.
    Open,
}

/// Observations about one registration, over a window of time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    /// The eldest holder that cannot name it.
    pub elder: u32,
    /// The length of the window.
    pub window_ms: u64,
    /// How many looks were taken in it.
    pub looks: u32,
    /// The holders that can name it, and what each did.
    pub namers: Vec<Use>,
    /// The elders that cannot name it, and what each did.
    pub elders: Vec<Use>,
    /// Whether the file had something to report at every look; `None` if it cannot be asked.
    pub is_ready: Option<bool>,
    /// False if the fd came or went meanwhile.
    pub is_steady: bool,
    /// Where the file came from, as far as that shows.
    pub origin: Origin,
    /// Descendants of the holders that may not be read.
    pub hidden_kin: Vec<u32>,
}

/// What a process did with an instance while it was watched.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Use {
    /// A process that holds the instance.
    pub pid: u32,
    /// Its use of the instance.
    #[serde(flatten)]
    pub how: How,
    /// The share of the window in which its busiest thread had a CPU or wanted one.
    pub busy: f64,
    /// The share of that thread's time that was the kernel's: none without calls.
    pub in_kernel: f64,
    /// The ticks that this share comes from: a removal wants more of them than a report.
    #[serde(skip)]
    pub(crate) kernel_ticks: u64,
    /// Its threads' counters at the end. A removal compares it with the state just before.
    #[serde(skip)]
    pub(crate) threads: Option<Threads>,
}

/// What a process does with an instance, as far as that shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "how")]
pub enum How {
    /// It was seen to wait on it.
    Waits {
        /// The call it waits in.
        call: &'static str,
        /// The number of looks that saw it wait.
        looks: u32,
    },
    /// It slept all the time in another call.
    Sleeps {
        /// The call.
        call: String,
    },
    /// It sleeps for a short time, and may wait on the instance in between.
    Naps {
        /// The call.
        call: String,
        /// The longest it sleeps.
        for_ms: u64,
    },
    /// It came to a CPU, and nobody saw what it did there.
    Ran,
    /// It has the instance inside another one, and may wait on that.
    Nested {
        /// The fd of the outer instance.
        fd: i32,
    },
    /// It cannot be told.
    Unknown {
        /// A clause for the report that says why not.
        why: &'static str,
    },
}

/// Signs of where a file came from: a copied table, or the process's own open.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The process that has the file; of several, the eldest.
    pub namer: u32,
    /// It has the instance under an fd that the elder has it under, as in a copied table.
    #[serde(rename = "has_same_instance_number")]
    pub has_same_instance_fd: bool,
    /// The elder's fd for the other end of the pipe.
    pub other_end: Option<i32>,
    /// The elder made the file: a pair of sockets tells its maker.
    pub is_made_by_elder: bool,
    /// The file is older than the process that has it.
    pub is_older: bool,
    /// Every time stamp of the file is later than that process's start.
    pub seems_younger: bool,
    /// The first fd above that names one file in both tables, with no gap up to it.
    pub neighbour: Option<i32>,
    /// The process has become another program since it was forked.
    pub has_changed_program: bool,
}

impl Origin {
    /// True if the file was there at the fork: by a fact, or by a likeness that nothing
    /// contradicts.
    pub(crate) fn is_inherited(&self) -> bool {
        let is_known = self.other_end.is_some() || self.is_made_by_elder || self.is_older;
        let is_like = self.neighbour.is_some() || self.has_changed_program;
        self.has_same_instance_fd && (is_known || is_like && !self.seems_younger)
    }
}
