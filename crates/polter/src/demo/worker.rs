//! The demo's worker: a program with a ghost.
//!
//! ```text
//!   polter demo ── worker: registers a pipe, forks, closes the pipe, waits and waits
//!                    └──── keeper: has a copy of all of that, and sleeps
//! ```
//!
//! Each ends with the process that started it, however that ends. The worker counts its wake-ups in
//! the file that is its standard output, and exits when its standard input ends.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::thread;

use fork::Fork;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Signal, getppid, set_parent_process_death_signal};

use crate::cli::WorkerArgs;
use crate::exit::Exit;
use crate::failure::Failure;

/// Runs until standard input or the parent ends.
pub(crate) fn work(args: &WorkerArgs) -> Result<Exit, Failure> {
    if follow(args.parent)? {
        make_ghost()?;
    }
    Ok(Exit::Clean)
}

/// Makes this process end with its parent; false if the parent has ended already.
///
/// The parent may end between the start and the `prctl`, so it is compared afterwards.
fn follow(parent: i32) -> io::Result<bool> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from)?;
    Ok(getppid().map(|pid| pid.as_raw_nonzero().get()) == Some(parent))
}

/// Makes the ghost, and waits for events.
fn make_ghost() -> io::Result<()> {
    let count = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let instance = epoll::create(CreateFlags::CLOEXEC).map_err(io::Error::from)?;
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).map_err(io::Error::from)?;
    let data = EventData::new_u64(reader.as_raw_fd() as u64);
    epoll::add(&instance, &reader, data, EventFlags::IN).map_err(io::Error::from)?;
    fork_a_keeper()?;
    // The keeper has its own copy. This close makes the ghost.
    drop(reader);
    rustix::io::write(&writer, b"x").map_err(io::Error::from)?;
    end_with_stdin();
    count_wake_ups(&instance, &count)
}

/// A child that has everything open, and does nothing with it.
fn fork_a_keeper() -> io::Result<()> {
    let me = std::process::id().cast_signed();
    match fork::fork()? {
        Fork::Parent(_) => Ok(()),
        Fork::Child => {
            while follow(me)? {
                thread::park();
            }
            std::process::exit(0);
        }
    }
}

/// Ends this process when its standard input ends.
fn end_with_stdin() {
    thread::spawn(|| {
        // Input, an end or an error: each means that the demo is over.
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
}

/// Waits for ever, and counts every return of the wait in the file.
fn count_wake_ups(instance: &OwnedFd, count: &File) -> io::Result<()> {
    let mut events = Vec::with_capacity(8);
    for wake_ups in 1_u64.. {
        count.write_at(&wake_ups.to_ne_bytes(), 0)?;
        events.clear();
        epoll::wait(instance, rustix::buffer::spare_capacity(&mut events), None)?;
    }
    Ok(())
}
