//! The demo's haunted program.
//!
//! ```text
//!   polter demo ── worker: registers a pipe, starts a child, closes the pipe, waits and waits
//!                    └──── keeper: has the pipe as its standard input, and sleeps
//! ```
//!
//! Both end with whoever started them, however that ends. The worker counts its
//! wake-ups in the file that is its standard output, and leaves when its own
//! standard input ends.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::process::{Command, Stdio};
use std::thread;

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Signal, getppid, set_parent_process_death_signal};

use crate::cli::HauntArgs;
use crate::exit::Exit;
use crate::failure::Failure;

/// Plays the part, until it is over.
pub(crate) fn haunt(args: &HauntArgs) -> Result<Exit, Failure> {
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from)?;
    if getppid().map(|pid| pid.as_raw_nonzero().get()) != Some(args.parent) {
        // It has gone before it could be followed.
        return Ok(Exit::Clean);
    }
    if args.keeper { keep() } else { work() }
}

/// Has a file open, and does nothing with it.
fn keep() -> ! {
    loop {
        thread::park();
    }
}

fn work() -> Result<Exit, Failure> {
    let count = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let instance = epoll::create(CreateFlags::CLOEXEC).map_err(io::Error::from)?;
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).map_err(io::Error::from)?;
    let data = EventData::new_u64(reader.as_raw_fd() as u64);
    epoll::add(&instance, &reader, data, EventFlags::IN).map_err(io::Error::from)?;
    // The child is given the file, and the worker has no more use for it.
    let child = keeper(File::from(reader))?;
    rustix::io::write(&writer, b"x").map_err(io::Error::from)?;
    end_with_stdin();
    count_wake_ups(&instance, &count)?;
    drop(child);
    Ok(Exit::Clean)
}

fn keeper(file: File) -> io::Result<std::process::Child> {
    let me = std::process::id().to_string();
    Command::new(std::env::current_exe()?)
        .args(["haunt", "--keeper", &me])
        .stdin(file)
        .stdout(Stdio::null())
        .spawn()
}

/// Ends this process when its standard input ends.
fn end_with_stdin() {
    thread::spawn(|| {
        // Whatever comes, it is the end.
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
}

/// Waits for ever; every return is written down, ready or not.
fn count_wake_ups(instance: &OwnedFd, count: &File) -> io::Result<()> {
    let mut events = Vec::with_capacity(8);
    for wake_ups in 1_u64.. {
        count.write_at(&wake_ups.to_ne_bytes(), 0)?;
        events.clear();
        epoll::wait(instance, rustix::buffer::spare_capacity(&mut events), None)?;
    }
    Ok(())
}
