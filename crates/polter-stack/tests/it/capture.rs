//! A recorder for tests: runs a program to its `close(777)`, and copies registers and stack.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::ptrace;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use polter_stack::{Modules, Registers, StackCopy};
use tempfile::TempDir;

/// The fd that a program closes where it is looked at.
const CLOSED: u64 = 777;

/// How much of a stack is copied.
const COPIED: usize = 32 << 10;

/// A program that stands in its `close(777)`, until it is dropped.
pub(crate) struct Stopped {
    child: Child,
    pub(crate) stack: StackCopy,
}

impl Stopped {
    /// Starts a program, which first writes a byte and reads one, and stops it in its main thread's
    /// `close(777)`. Nothing, and a word on why, if it cannot be traced.
    pub(crate) fn run(command: &mut Command) -> Option<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let pid = Pid::from_raw(child.id().try_into().unwrap());
        child
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut [0])
            .expect("it says that it runs");
        if let Err(errno) = ptrace::seize(pid, ptrace::Options::PTRACE_O_TRACESYSGOOD) {
            skipped!("ptrace says {errno}");
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        ptrace::interrupt(pid).unwrap();
        wait(pid);
        child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
        let mut signal = None;
        let registers = loop {
            ptrace::syscall(pid, signal).unwrap();
            signal = match wait(pid) {
                WaitStatus::Stopped(_, signal) => Some(signal),
                WaitStatus::PtraceSyscall(_) | WaitStatus::PtraceEvent(..) => None,
                status => panic!("{status:?}"),
            };
            let (registers, is_it) = registers(pid);
            if is_it {
                break registers;
            }
        };
        let mut bytes = vec![0; COPIED];
        let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
        let count = memory.read_at(&mut bytes, registers.sp).unwrap();
        bytes.truncate(count);
        Some(Self {
            child,
            stack: StackCopy { registers, bytes },
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets the program run on, until it writes another byte.
    pub(crate) fn run_on(&mut self) {
        ptrace::detach(Pid::from_raw(self.pid().cast_signed()), None).unwrap();
        self.child
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut [0])
            .expect("it runs on");
    }

    /// Ends the program.
    pub(crate) fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// The frames, one a line, as long as the process is there.
    pub(crate) fn frames(&self) -> String {
        shown(&Modules::of(self.pid()).unwrap(), &self.stack)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        self.end();
    }
}

pub(crate) fn shown(modules: &Modules, stack: &StackCopy) -> String {
    modules
        .frames(stack)
        .iter()
        .map(|frame| format!("{frame}\n"))
        .collect()
}

fn wait(pid: Pid) -> WaitStatus {
    waitpid(pid, Some(WaitPidFlag::__WALL)).unwrap()
}

/// The registers, and whether they are those of the wanted call.
#[cfg(target_arch = "x86_64")]
fn registers(pid: Pid) -> (Registers, bool) {
    let all = ptrace::getregs(pid).unwrap();
    let registers = Registers {
        ip: all.rip,
        sp: all.rsp,
        fp: all.rbp,
        lr: 0,
    };
    (
        registers,
        all.orig_rax == libc::SYS_close.cast_unsigned() && all.rdi == CLOSED,
    )
}

#[cfg(target_arch = "aarch64")]
fn registers(pid: Pid) -> (Registers, bool) {
    let all = ptrace::getregs(pid).unwrap();
    let registers = Registers {
        ip: all.pc,
        sp: all.sp,
        fp: all.regs[29],
        lr: all.regs[30],
    };
    (
        registers,
        all.regs[8] == libc::SYS_close.cast_unsigned() && all.regs[0] == CLOSED,
    )
}

/// A folder with a program, and what it is made of.
pub(crate) struct Program {
    pub(crate) dir: TempDir,
}

impl Program {
    /// Writes a source file.
    pub(crate) fn of(name: &str, source: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(name), source).unwrap();
        Self { dir }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs a compiler in the folder. False, and a word on it, if there is none.
    pub(crate) fn compile(&self, compiler: &str, args: &[&str]) -> bool {
        let mut command = Command::new(compiler);
        command
            .args(args)
            .current_dir(self.dir.path())
            .env("GOCACHE", self.path("cache"))
            .env("GO111MODULE", "off");
        match command.output() {
            Ok(output) => {
                assert!(
                    output.status.success(),
                    "{}",
                    String::from_utf8_lossy(&output.stderr)
                );
                true
            }
            Err(error) => {
                skipped!("{compiler}: {error}");
                false
            }
        }
    }
}

/// Checks that the frames name functions in this order, others between them allowed.
#[track_caller]
pub(crate) fn has_in_order(frames: &str, functions: &[&str]) {
    let mut rest = frames;
    for function in functions {
        let Some(at) = rest.find(function) else {
            panic!("no {function} in order {functions:?} in\n{frames}")
        };
        rest = &rest[at + function.len()..];
    }
}

/// The path as the kernel shows it.
pub(crate) fn canonical(path: &Path) -> String {
    path.canonicalize().unwrap().display().to_string()
}
