//! A guest's first process: prepares the world, runs the command, powers off.
//!
//! ```text
//!   /  overlay ─┬─ upper: tmpfs, the scratch space
//!               └─ lower: hostfs, the host's files, read-only
//!   /proc /sys /dev /dev/pts /dev/shm   the guest's own
//! ```

use crate::guest::active_policy;
use crate::job::Job;
use crate::loopback;
use crate::message::{MAX_PAYLOAD, Message, Stream};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::statfs;
use rustix::mount::{MountFlags, mount, mount_move};
use rustix::process::{Pid, WaitOptions, chdir, chroot, getpid, wait};
use rustix::system::{RebootCommand, reboot};
use rustix::termios::{OptionalActions, tcdrain, tcgetattr, tcsetattr};
use std::ffi::CStr;
use std::fs::{self, File, OpenOptions, create_dir};
use std::io::{self, Read, Write as _};
use std::os::fd::AsFd;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where the world is put together before it becomes the root: this guest's own directory.
struct Scaffold<'p>(&'p Path);

/// How long to look for output or an end before looking again.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 10_000_000,
};

/// Linux: `HOSTFS_SUPER_MAGIC`.
const HOSTFS_SUPER_MAGIC: i64 = 0x00c0_ffee;

/// Does the job that lies in `place`, as process 1 of a guest, and powers the guest off.
///
/// Returns only where there is nothing to be done: outside of a guest.
pub fn init(place: &Path) -> Result<(), String> {
    // What follows would be no good anywhere else, in a container's first process least of all.
    let is_guest = statfs("/").is_ok_and(|root| root.f_type == HOSTFS_SUPER_MAGIC);
    if getpid() != Pid::INIT || !is_guest {
        return Err("this is no guest's first process".to_owned());
    }
    let ended = prepare(place).and_then(|(job, mut console)| {
        let message = match work(&job, &mut console) {
            Ok(status) => Message::Ended(status),
            Err(why) => Message::Failed(why),
        };
        console
            .send(&message)
            .map_err(|error| format!("the console: {error}"))
    });
    if let Err(why) = &ended {
        // Nobody else is there to be told: it goes to the guest's log.
        let _ = fs::write("/dev/console", format!("polter: {why}\n"));
    }
    rustix::fs::sync();
    let _ = reboot(RebootCommand::PowerOff);
    ended
}

/// Puts the world together; from here on there is somebody to talk to.
fn prepare(place: &Path) -> Result<(Job, Console), String> {
    let text = fs::read(place.join("job")).map_err(|error| format!("the job: {error}"))?;
    let job: Job = serde_json::from_slice(&text).map_err(|error| format!("the job: {error}"))?;
    Scaffold(place)
        .raise()
        .map_err(|(what, error)| format!("{what}: {error}"))?;
    let console = Console::open().map_err(|error| format!("the console: {error}"))?;
    Ok((job, console))
}

type Raised = Result<(), (&'static str, io::Error)>;

impl Scaffold<'_> {
    fn raise(&self) -> Raised {
        let step = |what| move |error: rustix::io::Errno| (what, error.into());
        self.mount("tmpfs", "", "tmpfs", c"size=80%,mode=755")?;
        for dir in ["upper", "work", "root"] {
            create_dir(self.0.join(dir)).map_err(|error| ("scratch space", error))?;
        }
        let layers = format!(
            "lowerdir=/,upperdir={0}/upper,workdir={0}/work\0",
            self.0.display()
        );
        let layers = CStr::from_bytes_with_nul(layers.as_bytes())
            .map_err(|_| ("the overlay", io::ErrorKind::InvalidInput.into()))?;
        self.mount("overlay", "root", "overlay", layers)?;
        self.mount("proc", "root/proc", "proc", c"")?;
        self.mount("sysfs", "root/sys", "sysfs", c"")?;
        self.mount("devtmpfs", "root/dev", "devtmpfs", c"")?;
        for dir in ["pts", "shm", "mqueue"] {
            create_dir(self.0.join("root/dev").join(dir)).map_err(|error| ("/dev", error))?;
        }
        self.mount("devpts", "root/dev/pts", "devpts", c"mode=620,ptmxmode=666")?;
        self.mount("tmpfs", "root/dev/shm", "tmpfs", c"mode=1777")?;
        self.mount("mqueue", "root/dev/mqueue", "mqueue", c"")?;
        chdir(self.0.join("root")).map_err(step("the root"))?;
        mount_move(".", "/").map_err(step("the root"))?;
        chroot(".").map_err(step("the root"))?;
        chdir("/").map_err(step("the root"))?;
        for (name, target) in [
            ("fd", ""),
            ("stdin", "/0"),
            ("stdout", "/1"),
            ("stderr", "/2"),
        ] {
            symlink(format!("/proc/self/fd{target}"), format!("/dev/{name}"))
                .map_err(|error| ("/dev", error))?;
        }
        loopback::up().map_err(step("the loopback"))
    }

    fn mount(&self, source: &'static str, at: &str, kind: &str, options: &CStr) -> Raised {
        mount(source, self.0.join(at), kind, MountFlags::empty(), options)
            .map_err(|error| (source, error.into()))
    }
}

/// The way to the host.
struct Console(File);

impl Console {
    /// A terminal that passes every byte as it is.
    fn open() -> io::Result<Console> {
        let tty = OpenOptions::new().write(true).open("/dev/tty1")?;
        let mut settings = tcgetattr(&tty)?;
        settings.make_raw();
        tcsetattr(&tty, OptionalActions::Now, &settings)?;
        Ok(Console(tty))
    }

    fn send(&mut self, message: &Message) -> io::Result<()> {
        self.0.write_all(&message.encode())?;
        Ok(tcdrain(&self.0)?)
    }
}

/// Runs the command; its wait status, or why there is none.
fn work(job: &Job, console: &mut Console) -> Result<i32, String> {
    let policy = active_policy().map(|policy| policy.to_string());
    if policy.as_deref() != Some(&job.policy) {
        return Err(format!(
            "this kernel has the policy {}, not {}: build it anew",
            policy.as_deref().unwrap_or("of Linux"),
            job.policy
        ));
    }
    let mut child = start(job)?;
    relay(&mut child, Duration::from_secs(job.seconds), console)
        .map_err(|error| format!("the command's output: {error}"))
}

fn start(job: &Job) -> Result<Child, String> {
    let [program, args @ ..] = &job.command[..] else {
        return Err("there is no command".to_owned());
    };
    let mut command = Command::new(program);
    command
        .args(args)
        .env_clear()
        .envs(job.env.iter().cloned())
        .current_dir(&job.dir)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if job.uid != 0 {
        command.uid(job.uid).gid(job.gid);
    }
    // A session of its own: it has no terminal, and its groups are not ours.
    command.process_group(0);
    let program = program.to_string_lossy();
    command
        .spawn()
        .map_err(|error| format!("{program}: cannot start: {error}"))
}

/// Passes output on until the command has ended and has nothing left to say; reaps whoever else ends.
fn relay(child: &mut Child, limit: Duration, console: &mut Console) -> io::Result<i32> {
    let pid = Pid::from_child(child);
    let deadline = Instant::now() + limit;
    let mut out = child.stdout.take();
    let mut err = child.stderr.take();
    let mut status = None;
    loop {
        while let Ok(Some((ended, how))) = wait(WaitOptions::NOHANG) {
            if ended == pid {
                status = Some(how.as_raw());
            }
        }
        // What it wrote before it ended is there by now.
        let is_quiet =
            !pass(&mut out, Stream::Out, console)? & !pass(&mut err, Stream::Err, console)?;
        match status {
            Some(status) if is_quiet => return Ok(status),
            None if is_quiet => wait_for_output(&out, &err),
            _ => {}
        }
        if Instant::now() > deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
}

/// Passes on what is there now; says whether anything was.
fn pass(
    source: &mut Option<impl Read + AsFd>,
    stream: Stream,
    console: &mut Console,
) -> io::Result<bool> {
    let Some(pipe) = source else {
        return Ok(false);
    };
    let mut fds = [PollFd::new(pipe, PollFlags::IN)];
    if poll(
        &mut fds,
        Some(&Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        }),
    )? == 0
    {
        return Ok(false);
    }
    let mut bytes = vec![0; MAX_PAYLOAD];
    let count = pipe.read(&mut bytes)?;
    if count == 0 {
        *source = None;
        return Ok(false);
    }
    bytes.truncate(count);
    console.send(&Message::Output(stream, bytes))?;
    Ok(true)
}

fn wait_for_output(out: &Option<impl AsFd>, err: &Option<impl AsFd>) {
    let mut fds = Vec::new();
    fds.extend(out.as_ref().map(|fd| PollFd::new(fd, PollFlags::IN)));
    fds.extend(err.as_ref().map(|fd| PollFd::new(fd, PollFlags::IN)));
    // Interrupted or not, the next look tells.
    let _ = poll(&mut fds, Some(&LOOK));
}
