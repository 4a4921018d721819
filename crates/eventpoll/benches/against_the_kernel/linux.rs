//! The running kernel's side.
//!
//! No descriptor table here may hold a million numbers, but a registration
//! is named by its file *and* its number, so threads with tables of their own
//! fill the same instance. They sleep with their files until the end; the
//! calls that are measured come from the main thread, whose table it alone uses.
//!
//! ```text
//!   main     0 1 2 [ epfd ][ eventfd … ]        measured
//!   helper         [ epfd ][ eventfd … ]        sleeps, its files open
//!   helper         [ epfd ][ eventfd … ]
//! ```

use crate::{MANY, World};
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{UnshareFlags, unshare_unsafe};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// Numbers of a table that are left for everything else.
const SPARE: usize = 64;

pub(crate) struct Linux {
    epfd: Arc<OwnedFd>,
    files: Vec<OwnedFd>,
    helpers: Vec<Helper>,
}

/// A thread with a table of its own, and the word it waits for.
struct Helper {
    thread: JoinHandle<()>,
    release: Sender<()>,
}

impl Linux {
    /// An instance with so many eventfds, as many as possible of them the main thread's.
    pub(crate) fn registered(count: usize) -> Result<Linux, String> {
        let per_table = raise_limit().saturating_sub(SPARE).max(1);
        let epfd = epoll::create(CreateFlags::CLOEXEC).map_err(|errno| errno.to_string())?;
        let mut linux = Linux {
            epfd: Arc::new(epfd),
            files: Vec::new(),
            helpers: Vec::new(),
        };
        let own = count.min(per_table);
        let mut left = count - own;
        while left > 0 {
            let share = left.min(per_table);
            linux.spawn_helper(share)?;
            left -= share;
        }
        linux.files = register(linux.epfd.as_fd(), own)?;
        Ok(linux)
    }

    /// Has another table filled, and waits until it is.
    fn spawn_helper(&mut self, share: usize) -> Result<(), String> {
        let (release, released) = channel();
        let (report, reported) = channel();
        let epfd = Arc::clone(&self.epfd);
        let thread = std::thread::spawn(move || help(&epfd, share, &report, &released));
        self.helpers.push(Helper { thread, release });
        reported
            .recv()
            .unwrap_or_else(|_| Err("a helper died".into()))
    }
}

/// Fills a table and keeps it until the word comes.
fn help(
    epfd: &OwnedFd,
    share: usize,
    report: &Sender<Result<(), String>>,
    released: &Receiver<()>,
) {
    // SAFETY: this thread closes none of the descriptors it had in common
    // with others: it only adds to its copy of the table, which ends with it.
    let unshared = unsafe { unshare_unsafe(UnshareFlags::FILES) };
    let files = unshared
        .map_err(|errno| errno.to_string())
        .and_then(|()| register(epfd.as_fd(), share));
    let (files, result) = match files {
        Ok(files) => (files, Ok(())),
        Err(reason) => (Vec::new(), Err(reason)),
    };
    let _ = report.send(result);
    let _ = released.recv();
    drop(files);
}

impl Drop for Linux {
    fn drop(&mut self) {
        for Helper { thread, release } in self.helpers.drain(..) {
            let _ = release.send(());
            let _ = thread.join();
        }
    }
}

/// Raises the limit of open files as far as it goes, and says how far.
fn raise_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            ..limit
        },
    );
    getrlimit(Resource::Nofile).current.unwrap_or(1 << 20) as usize
}

/// So many new eventfds, registered.
fn register(epfd: BorrowedFd<'_>, count: usize) -> Result<Vec<OwnedFd>, String> {
    (0..count)
        .map(|_| {
            let file = eventfd(0, EventfdFlags::CLOEXEC)?;
            add(epfd, &file)?;
            Ok(file)
        })
        .collect::<rustix::io::Result<_>>()
        .map_err(|errno| errno.to_string())
}

fn add(epfd: BorrowedFd<'_>, file: &OwnedFd) -> rustix::io::Result<()> {
    epoll::add(epfd, file, EventData::new_u64(1), EventFlags::IN)
}

impl World for Linux {
    fn reach(&self) -> usize {
        self.files.len()
    }

    fn turn(&mut self, at: usize) {
        self.set_ready(at, true);
        assert_eq!(self.wait(8), 1, "one file is ready");
        self.set_ready(at, false);
    }

    fn del_add(&mut self, at: usize) {
        epoll::delete(&*self.epfd, &self.files[at]).expect("it is registered");
        add(self.epfd.as_fd(), &self.files[at]).expect("it was registered before");
    }

    fn wait(&mut self, maxevents: usize) -> usize {
        let none = Event {
            flags: EventFlags::empty(),
            data: EventData::new_u64(0),
        };
        let mut room = [none; MANY];
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        epoll::wait(&*self.epfd, &mut room[..maxevents], Some(&now)).expect("nothing interrupts it")
    }

    fn set_ready(&mut self, at: usize, is_ready: bool) {
        let file = &self.files[at];
        if is_ready {
            rustix::io::write(file, &1_u64.to_ne_bytes()).expect("there is room");
        } else {
            rustix::io::read(file, &mut [0; 8]).expect("it was written to");
        }
    }
}
