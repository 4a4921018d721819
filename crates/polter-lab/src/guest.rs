//! One guest, from start to end, as the host sees it.

use crate::cpu::on_one_cpu;
use crate::error::LabError;
use crate::job::Job;
use crate::kernel::LabKernel;
use crate::message::{Message, Messages, Stream};
use crate::sys;
use eventpoll::Policy;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{StatVfsMountFlags, statvfs};
use rustix::process::{Pid, Signal, kill_process_group};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{env, process};
use tempfile::TempDir;

/// A command, and the guest it is to run in.
#[derive(Debug, Clone)]
pub struct Guest {
    /// The policy of the guest's kernel.
    pub policy: Policy,
    /// The program and its arguments; it finds itself in the caller's directory, with the caller's environment.
    pub command: Vec<OsString>,
    /// After so long the guest is ended.
    pub time_limit: Duration,
    /// The guest's memory, what it writes to files included.
    pub memory_mb: u64,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It ended by itself, with this code.
    Exited(u8),
    /// This signal killed it.
    Signalled(i32),
    /// It did not: the time was over.
    TimedOut,
    /// It did not: the caller wanted no more.
    Stopped,
}

/// How often a guest under way is looked after.
const LOOK: Duration = Duration::from_millis(100);

/// How long a guest may take to power off, once the command has ended.
const POWER_OFF: Duration = Duration::from_secs(5);

impl Guest {
    /// Runs the command to its end, and hands its output on as it comes.
    ///
    /// `stop` is looked at now and then; once it is true, the guest is ended. When this returns,
    /// the guest and all that was in it are gone.
    pub fn run(
        &self,
        kernel: &LabKernel,
        stop: &AtomicBool,
        mut output_fn: impl FnMut(Stream, &[u8]) -> io::Result<()>,
    ) -> Result<Ending, LabError> {
        let place = Place::new(&self.job()?)?;
        let (mut console, sent) =
            io::pipe().map_err(LabError::prepare("a pipe for the console"))?;
        let guest = Running(self.start(kernel, &place, sent.into())?);
        let deadline = Instant::now() + self.time_limit;
        let mut messages = Messages::default();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            if stop.load(Ordering::Relaxed) {
                return Ok(Ending::Stopped);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Ending::TimedOut);
            }
            if !is_readable(&console, left.min(LOOK))? {
                continue;
            }
            let count = console
                .read(&mut buffer)
                .map_err(LabError::prepare("the guest's console"))?;
            if count == 0 {
                return Err(place.ended_early());
            }
            messages.push(&buffer[..count]);
            while let Some(message) = messages.next().map_err(|_| place.ended_early())? {
                match message {
                    Message::Output(stream, bytes) => {
                        output_fn(stream, &bytes).map_err(LabError::Output)?;
                    }
                    Message::Failed(why) => return Err(LabError::Guest(why)),
                    Message::Ended(status) => {
                        guest.wait_for_power_off(&mut console, &mut buffer);
                        return Ok(Ending::of(status));
                    }
                }
            }
        }
    }

    fn job(&self) -> Result<Job, LabError> {
        Ok(Job {
            command: self.command.clone(),
            env: env::vars_os().collect(),
            dir: env::current_dir().map_err(LabError::prepare("the current directory"))?,
            uid: rustix::process::getuid().as_raw(),
            gid: rustix::process::getgid().as_raw(),
            policy: self.policy.to_string(),
            seconds: self.time_limit.as_secs().saturating_add(10),
        })
    }

    fn start(&self, kernel: &LabKernel, place: &Place, console: Stdio) -> Result<Child, LabError> {
        use std::os::unix::process::CommandExt as _;
        let log = File::create(place.log()).map_err(LabError::prepare("the guest's log"))?;
        let log_too = log
            .try_clone()
            .map_err(LabError::prepare("the guest's log"))?;
        let mut command = Command::new(kernel.path());
        command
            .arg(format!("mem={}M", self.memory_mb))
            .args(["root=/dev/root", "rootfstype=hostfs", "hostfs=,ro", "ro"])
            // No console but two, and neither takes input: 0 is the kernel's own, 1 goes to the host.
            .args(["con=null", "con0=null,fd:2", "con1=null,fd:0", "ssl=null"])
            .args(["quiet", "panic=-1"])
            .arg(format!("epoll_lifetime={}", self.policy))
            .arg(format!("uml_dir={}/", place.path()))
            .arg(format!("init={}/init", place.path()))
            .args(["--", GUEST_VERB, place.path()])
            .env_clear()
            .env("TMPDIR", memory_dir(self.memory_mb))
            .env("HOME", place.path())
            // The console is the end of a pipe: it stands at 0, since UML has 1 and 2 for its own words.
            .stdin(console)
            .stdout(log)
            .stderr(log_too)
            .process_group(0);
        sys::ends_with_us(&mut command);
        on_one_cpu(|| command.spawn()).map_err(|source| LabError::Start {
            path: kernel.path().to_owned(),
            source,
        })
    }
}

/// The verb under which this program is a guest's first process.
const GUEST_VERB: &str = "lab-guest";

/// The policy that this kernel says it has, if it is one of the lab's.
pub fn active_policy() -> Option<Policy> {
    let text = fs::read_to_string("/proc/sys/fs/epoll/lifetime").ok()?;
    text.trim().parse().ok()
}

impl Ending {
    /// As wait(2) tells it.
    fn of(status: i32) -> Ending {
        use std::os::unix::process::ExitStatusExt as _;
        let status = process::ExitStatus::from_raw(status);
        match (status.code(), status.signal()) {
            (Some(code), _) => Ending::Exited(code as u8),
            (None, signal) => Ending::Signalled(signal.unwrap_or_default()),
        }
    }
}

/// A directory for one guest: its job, its log, what it keeps for itself. Gone with this value.
#[derive(Debug)]
struct Place {
    dir: TempDir,
    path: String,
}

impl Place {
    fn new(job: &Job) -> Result<Place, LabError> {
        let dir = tempfile::Builder::new().prefix("polter-lab-").tempdir();
        let dir = dir.map_err(LabError::prepare("a directory for the guest"))?;
        let path = plain(dir.path())?;
        let program = env::current_exe().map_err(LabError::prepare("this program's own file"))?;
        // Whatever its name: the kernel's command line has no room for blanks.
        symlink(program, dir.path().join("init"))
            .map_err(LabError::prepare("the guest's first process"))?;
        let text = serde_json::to_vec(job).map_err(io::Error::other);
        text.and_then(|text| fs::write(dir.path().join("job"), text))
            .map_err(LabError::prepare("the guest's job"))?;
        Ok(Place { dir, path })
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join("log")
    }

    fn ended_early(&self) -> LabError {
        let log = fs::read(self.log()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(12)..].join("\n");
        LabError::EndedEarly { log: last }
    }
}

/// The path, if the kernel's command line takes it.
fn plain(path: &Path) -> Result<String, LabError> {
    let odd = |c: char| c.is_whitespace() || c == '"' || c == '\'' || c == ',';
    match path.to_str() {
        Some(text) if !text.contains(odd) => Ok(text.to_owned()),
        _ => Err(LabError::OddName(path.to_owned())),
    }
}

/// Where the guest's memory is kept, a file without a name: in memory if there is room.
fn memory_dir(memory_mb: u64) -> PathBuf {
    let shm = Path::new("/dev/shm");
    let fits = statvfs(shm).is_ok_and(|shm| {
        let free_mb = shm.f_bavail.saturating_mul(shm.f_frsize) >> 20;
        free_mb >= memory_mb && !shm.f_flag.contains(StatVfsMountFlags::NOEXEC)
    });
    if fits {
        shm.to_owned()
    } else {
        env::temp_dir()
    }
}

fn is_readable(console: &io::PipeReader, timeout: Duration) -> Result<bool, LabError> {
    let timeout = Timespec {
        tv_sec: timeout.as_secs() as i64,
        tv_nsec: timeout.subsec_nanos().into(),
    };
    let mut fds = [PollFd::new(console, PollFlags::IN)];
    match poll(&mut fds, Some(&timeout)) {
        Ok(ready) => Ok(ready > 0),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(LabError::prepare("the guest's console")(error.into())),
    }
}

/// A guest under way. Ended, whatever it does, with this value.
#[derive(Debug)]
struct Running(Child);

impl Running {
    /// It has told all it had to tell, and goes by itself.
    fn wait_for_power_off(&self, console: &mut io::PipeReader, buffer: &mut [u8]) {
        let deadline = Instant::now() + POWER_OFF;
        while Instant::now() < deadline && is_readable(console, LOOK).unwrap_or(true) {
            if !console.read(buffer).is_ok_and(|count| count > 0) {
                break;
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // The processes of its user space are in its group, and end with it in any case.
        let _ = kill_process_group(Pid::from_child(&self.0), Signal::KILL);
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_is_that_of_wait() {
        assert_eq!(Ending::of(0), Ending::Exited(0));
        assert_eq!(Ending::of(3 << 8), Ending::Exited(3));
        assert_eq!(Ending::of(9), Ending::Signalled(9));
    }

    #[test]
    fn a_name_with_a_blank_is_refused() {
        assert!(plain(Path::new("/tmp/polter-lab-x")).is_ok());
        assert!(plain(Path::new("/tmp/my files/polter-lab-x")).is_err());
    }
}
