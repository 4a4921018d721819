//! The keeper: the first process, from which all tasks descend.
//!
//! It is a worker like the others, told what to do by the executor instead of
//! a script: fork the script's first process, reap what has no other parent,
//! kill everything. What matters is that no task outlives it, and that it does
//! not outlive the thread that started it:
//!
//! ```text
//!   supervisor ends, however          PidNamespace            Subreaper
//!     └▶ the keeper is sent …         SIGKILL                 SIGTERM
//!          └▶ its descendants …       the kernel kills them   its handler kills them
//! ```

use crate::backoff::Backoff;
use crate::error::{ExecutorError, failed};
use crate::scratch::Scratch;
use crate::sys::layout::{
    ARGS, Address, CHILD, NR, PAGE, RESULT, STATE, STATE_DONE, STATE_FREE, STATE_REQUEST, Slot,
    TICKET, TID,
};
use crate::sys::{self, Launch, Region, worker};
use crate::task_state::Proc;
use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

/// How long the keeper's own calls may take.
const LIMIT: Duration = Duration::from_secs(10);
/// `FSCONFIG_CMD_CREATE`.
const FSCONFIG_CMD_CREATE: u64 = 6;
/// `FSMOUNT_CLOEXEC`.
const FSMOUNT_CLOEXEC: u64 = 1;
/// `IORING_REGISTER_FILES`.
const IORING_REGISTER_FILES: u64 = 2;
/// `sizeof(struct io_uring_params)`.
const IO_URING_PARAMS_LEN: u64 = 120;
/// `SA_RESTORER`.
const SA_RESTORER: u64 = 0x0400_0000;

/// What holds the tasks together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confinement {
    /// A pid namespace of their own, which the kernel empties when its first
    /// process ends. Needs `CAP_SYS_ADMIN`.
    PidNamespace,
    /// A subreaper that kills its descendants when it is told that the
    /// supervisor has ended. Works everywhere; only somebody who kills the
    /// subreaper itself can set the tasks free.
    Subreaper,
}

/// A call as the worker makes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawCall<'a> {
    pub(crate) nr: i64,
    pub(crate) args: &'a [u64],
    /// The slot of the task it makes.
    pub(crate) child: Option<Slot>,
}

/// The first process, and the memory it shares with its descendants.
#[derive(Debug)]
pub(crate) struct Keeper {
    region: Region,
    pidfd: OwnedFd,
    confinement: Confinement,
    is_first_come: bool,
    proc: Proc,
    paths: Paths,
    /// Held open for its path.
    _image: OwnedFd,
    regular: OwnedFd,
}

/// The supervisor's files, as a task finds them.
#[derive(Debug)]
pub(crate) struct Paths {
    pub(crate) image: CString,
    pub(crate) region: CString,
    pub(crate) regular: CString,
}

impl Keeper {
    /// Starts a keeper that has no task yet.
    pub(crate) fn start(confinement: Confinement) -> Result<Keeper, ExecutorError> {
        if !worker::IS_THERE {
            return Err(ExecutorError::OtherArchitecture);
        }
        let page = sys::page_size();
        if page != PAGE {
            return Err(ExecutorError::OtherPageSize(page));
        }
        let region = Region::new().map_err(failed("make the shared memory"))?;
        let image = image().map_err(failed("make the worker's image"))?;
        let regular = sys::memfd(c"polter-regular", false).map_err(failed("make a file"))?;
        let paths = Paths {
            image: path_of(image.as_raw_fd()),
            region: path_of(region.raw_fd()),
            regular: path_of(regular.as_raw_fd()),
        };
        let in_namespace = confinement == Confinement::PidNamespace;
        let launch = Launch {
            image: &image,
            argv: [&paths.region, c"\x01"],
            in_namespace,
            death_signal: if in_namespace {
                libc::SIGKILL
            } else {
                libc::SIGTERM
            },
        };
        let pidfd = launch.run().map_err(failed("start the keeper"))?;
        let proc = Proc(
            File::open(Path::new("/proc"))
                .map_err(failed("open /proc"))?
                .into(),
        );
        let mut keeper = Keeper {
            region,
            pidfd,
            confinement,
            is_first_come: false,
            proc,
            paths,
            _image: image,
            regular,
        };
        keeper.settle_in()?;
        Ok(keeper)
    }

    fn settle_in(&mut self) -> Result<(), ExecutorError> {
        self.wait_for(Slot::KEEPER)?;
        let name = self.scratch().put_str(c"polter-keeper")?;
        self.call(libc::SYS_prctl, &[libc::PR_SET_NAME as u64, name.0])?;
        self.schedule()?;
        match self.confinement {
            Confinement::PidNamespace => self.proc = Proc(self.own_proc()?),
            Confinement::Subreaper => {
                let duty = [
                    worker::undertaker_address(),
                    SA_RESTORER,
                    worker::restorer_address(),
                ];
                self.set_action(Slot::KEEPER, duty)?;
            }
        }
        Ok(())
    }

    /// Gives the workers a scheduling policy under which one that is woken
    /// does not interrupt one that runs.
    ///
    /// First in, first out, if that is allowed: then they also run in the
    /// order in which they were woken, and the supervisor, on the same CPU,
    /// runs when all of them sleep.
    fn schedule(&mut self) -> Result<(), ExecutorError> {
        for (policy, priority) in [(libc::SCHED_FIFO, 1), (libc::SCHED_BATCH, 0)] {
            let priority = self.scratch().put_ints(&[priority])?;
            let args = [0, policy as u64, priority.0];
            if self.call(libc::SYS_sched_setscheduler, &args)? == 0 {
                self.is_first_come = policy == libc::SCHED_FIFO;
                break;
            }
        }
        Ok(())
    }

    /// A `/proc` with the namespace's own numbers, mounted nowhere.
    fn own_proc(&self) -> Result<OwnedFd, ExecutorError> {
        let doing = "mount a /proc of the pid namespace";
        let call = |nr, args: &[u64]| {
            let result = self.call(nr, args)?;
            let error = || io::Error::from_raw_os_error(-result as i32);
            if result < 0 {
                return Err(failed(doing)(error()));
            }
            Ok(result as u64)
        };
        let name = self.scratch().put_str(c"proc")?;
        let context = call(libc::SYS_fsopen, &[name.0, 0])?;
        call(libc::SYS_fsconfig, &[context, FSCONFIG_CMD_CREATE, 0, 0, 0])?;
        let mount = call(libc::SYS_fsmount, &[context, FSMOUNT_CLOEXEC, 0])?;
        let taken = sys::take_fd(self.pidfd.as_fd(), mount as i32);
        call(libc::SYS_close, &[mount])?;
        call(libc::SYS_close, &[context])?;
        taken.map_err(failed(doing))
    }

    /// Forks a task off, with default signal actions and nothing but 0, 1, 2
    /// open; gives the kernel's number.
    pub(crate) fn fork(&self, slot: Slot) -> Result<i32, ExecutorError> {
        self.hand_over(
            Slot::KEEPER,
            RawCall {
                nr: libc::SYS_clone,
                args: &[libc::SIGCHLD as u64],
                child: Some(slot),
            },
        );
        self.wait_for(Slot::KEEPER)?;
        let real = self.result(Slot::KEEPER);
        if real < 0 {
            let error = io::Error::from_raw_os_error(-real as i32);
            return Err(failed("fork the first process")(error));
        }
        self.wait_for(slot)?;
        if self.confinement == Confinement::Subreaper {
            self.set_action(slot, [0; 3])?;
        }
        Ok(real as i32)
    }

    /// Takes the ends of tasks that no script process waits for.
    pub(crate) fn reap(&self, mut reaped_fn: impl FnMut(i32)) -> Result<(), ExecutorError> {
        let flags = (libc::WNOHANG | libc::__WALL) as u64;
        loop {
            let pid = self.call(libc::SYS_wait4, &[u64::MAX, 0, flags, 0])?;
            if pid <= 0 {
                return Ok(());
            }
            reaped_fn(pid as i32);
        }
    }

    /// Waits as long as a ring takes to let its files go, one that is closed now.
    ///
    /// Rings are taken down by the kernel's own threads, some milliseconds
    /// after their last descriptor is closed, and nothing tells when. So a
    /// witness goes the same way after them: the keeper closes a ring of its
    /// own, which holds the only writing end of a pipe, and waits for the
    /// pipe's end.
    pub(crate) fn outlast_a_ring(&self) -> Result<(), ExecutorError> {
        let mut memory = self.scratch();
        let pair = memory.reserve(8)?;
        let params = memory.reserve(IO_URING_PARAMS_LEN)?;
        self.call(libc::SYS_pipe2, &[pair.0, 0])?;
        let [reader, writer] = [0, 4].map(|offset| {
            let bytes = self.region.read(Address(pair.0 + offset));
            i32::from_ne_bytes(bytes) as u64
        });
        let ring = self.call(libc::SYS_io_uring_setup, &[1, params.0])? as u64;
        let files = Address(pair.0 + 4).0;
        let args = [ring, IORING_REGISTER_FILES, files, 1];
        self.call(libc::SYS_io_uring_register, &args)?;
        self.call(libc::SYS_close, &[writer])?;
        self.call(libc::SYS_close, &[ring])?;
        let entry = memory.put_ints(&[reader as i32, 0])?;
        let timeout = memory.put_words(&[LIMIT.as_secs(), 0])?;
        self.call(libc::SYS_ppoll, &[entry.0, 1, timeout.0, 0, 0])?;
        self.call(libc::SYS_close, &[reader]).map(drop)
    }

    /// Kills and reaps every task, and frees the slots.
    pub(crate) fn sweep(&self) -> Result<(), ExecutorError> {
        match self.confinement {
            Confinement::PidNamespace => {
                // In the namespace, -1 is everybody else.
                self.call(libc::SYS_kill, &[u64::MAX, libc::SIGKILL as u64])?;
                let flags = libc::__WALL as u64;
                while self.call(libc::SYS_wait4, &[u64::MAX, 0, flags, 0])? > 0 {}
            }
            Confinement::Subreaper => self.kill_one_by_one()?,
        }
        for slot in Slot::for_tasks() {
            self.free(slot);
        }
        sys::set_len(&self.regular, 0).map_err(failed("empty the regular file"))
    }

    /// Every task has a slot, and every orphan comes to the keeper.
    fn kill_one_by_one(&self) -> Result<(), ExecutorError> {
        let flags = (libc::WNOHANG | libc::__WALL) as u64;
        let mut backoff = Backoff::new(LIMIT);
        loop {
            for slot in Slot::for_tasks() {
                match self.tid(slot) {
                    0 => {}
                    tid => sys::kill(tid),
                }
            }
            match self.call(libc::SYS_wait4, &[u64::MAX, 0, flags, 0])? {
                reaped if reaped > 0 => self.forget(reaped as i32),
                0 if backoff.pause(&self.region) => {}
                0 => return Err(ExecutorError::KeeperGone),
                _ => return Ok(()),
            }
        }
    }

    fn forget(&self, tid: i32) {
        for slot in Slot::for_tasks() {
            if self.tid(slot) == tid {
                self.free(slot);
            }
        }
    }

    /// Hands a call over to a worker that waits for one.
    pub(crate) fn hand_over(&self, slot: Slot, call: RawCall<'_>) {
        let state = self.region.word(slot.at(STATE));
        let child = call.child.map_or(Address::NULL, |slot| slot.at(0));
        let mut words = [0u64; 7];
        words[0] = call.nr as u64;
        words[1..=call.args.len()].copy_from_slice(call.args);
        for (i, word) in words.iter().enumerate() {
            self.region
                .write(slot.at(NR + 8 * i as u64), &word.to_ne_bytes());
        }
        const { assert!(ARGS == NR + 8) };
        self.region.write(slot.at(CHILD), &child.0.to_ne_bytes());
        state.store(STATE_REQUEST, SeqCst);
        sys::wake(state);
    }

    /// Makes a call that does not wait, in a worker that waits for one.
    pub(crate) fn call_in(&self, slot: Slot, nr: i64, args: &[u64]) -> Result<i64, ExecutorError> {
        let child = None;
        self.hand_over(slot, RawCall { nr, args, child });
        self.wait_for(slot)?;
        Ok(self.result(slot))
    }

    fn call(&self, nr: i64, args: &[u64]) -> Result<i64, ExecutorError> {
        self.call_in(Slot::KEEPER, nr, args)
    }

    /// Has the slot's worker done its call, or been born?
    pub(crate) fn is_done(&self, slot: Slot) -> bool {
        self.region.word(slot.at(STATE)).load(SeqCst) == STATE_DONE
    }

    /// Is the slot without a task?
    pub(crate) fn is_free(&self, slot: Slot) -> bool {
        self.region.word(slot.at(STATE)).load(SeqCst) == STATE_FREE
    }

    /// Takes the slot from a task that has ended.
    pub(crate) fn free(&self, slot: Slot) {
        self.region.word(slot.at(TID)).store(0, SeqCst);
        self.region.word(slot.at(STATE)).store(STATE_FREE, SeqCst);
    }

    /// The last call's result.
    pub(crate) fn result(&self, slot: Slot) -> i64 {
        i64::from_ne_bytes(self.region.read(slot.at(RESULT)))
    }

    /// The last result's place among all results.
    pub(crate) fn ticket(&self, slot: Slot) -> u32 {
        self.region.word(slot.at(TICKET)).load(SeqCst)
    }

    /// The number that the slot's task has in its own pid namespace.
    pub(crate) fn tid(&self, slot: Slot) -> i32 {
        self.region.word(slot.at(TID)).load(SeqCst) as i32
    }

    /// The shared memory.
    pub(crate) fn region(&self) -> &Region {
        &self.region
    }

    /// The tasks' `/proc`.
    pub(crate) fn proc(&self) -> &Proc {
        &self.proc
    }

    /// The supervisor's files, as a task finds them.
    pub(crate) fn paths(&self) -> &Paths {
        &self.paths
    }

    /// What holds the tasks together.
    pub(crate) fn confinement(&self) -> Confinement {
        self.confinement
    }

    /// Do woken workers run at once, before the supervisor does?
    pub(crate) fn runs_first_come(&self) -> bool {
        self.is_first_come
    }

    /// Waits until the slot's worker is idle.
    pub(crate) fn wait_for(&self, slot: Slot) -> Result<(), ExecutorError> {
        let mut backoff = Backoff::new(LIMIT);
        while !self.is_done(slot) {
            if !backoff.pause(&self.region) || self.has_ended() {
                return Err(ExecutorError::KeeperGone);
            }
        }
        Ok(())
    }

    fn has_ended(&self) -> bool {
        sys::has_ended(self.pidfd.as_fd())
    }

    fn set_action(&self, slot: Slot, action: [u64; 3]) -> Result<(), ExecutorError> {
        let [handler, flags, restorer] = action;
        let mut memory = Scratch::new(&self.region, slot);
        let action = memory.put_words(&[handler, flags, restorer, 0])?;
        let args = [libc::SIGTERM as u64, action.0, 0, 8];
        self.call_in(slot, libc::SYS_rt_sigaction, &args)?;
        Ok(())
    }

    fn scratch(&self) -> Scratch<'_> {
        Scratch::new(&self.region, Slot::KEEPER)
    }
}

/// Kills and reaps everything, whatever state it is in.
impl Drop for Keeper {
    fn drop(&mut self) {
        if self.confinement == Confinement::Subreaper && !self.has_ended() {
            // Left to the keeper's own last duty if it fails.
            let _ = self.sweep();
        }
        sys::kill_process(self.pidfd.as_fd());
        // In a namespace the keeper's end is the end of all.
        let _ = sys::reap(self.pidfd.as_fd());
    }
}

fn image() -> io::Result<OwnedFd> {
    let mut image = File::from(sys::memfd(c"polter-worker", true)?);
    image.write_all(&worker::image())?;
    Ok(image.into())
}

fn path_of(fd: i32) -> CString {
    let path = format!("/proc/{}/fd/{fd}", std::process::id());
    CString::new(path).expect("a path of /proc has no NUL")
}
