//! The only unsafe code: raw system calls, the shared region, and the worker.
#![allow(unsafe_code, reason = "this module is the crate's door to the kernel")]

pub(crate) mod abi;
mod launch;
#[cfg_attr(
    not(any(target_arch = "x86_64", target_arch = "aarch64")),
    allow(dead_code, reason = "part of it is the worker's alone")
)]
pub(crate) mod layout;
mod region;
pub(crate) mod worker;

pub(crate) use launch::Launch;
pub(crate) use region::Region;

use std::ffi::{CStr, c_int};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr::{NonNull, null, null_mut};
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// A set of CPUs. Linux: `cpu_set_t`.
pub(crate) type CpuSet = libc::cpu_set_t;

/// `MFD_EXEC`, since Linux 6.3.
const MFD_EXEC: u32 = 0x10;

/// `memfd_create(2)`: a file without a name, closed on exec.
pub(crate) fn memfd(name: &CStr, executable: bool) -> io::Result<OwnedFd> {
    let create = |flags| {
        // SAFETY: `name` ends with NUL.
        owned(unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC | flags) })
    };
    match create(if executable { MFD_EXEC } else { 0 }) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => create(0),
        made => made,
    }
}

/// `ftruncate(2)`.
pub(crate) fn set_len(file: &OwnedFd, len: u64) -> io::Result<()> {
    // SAFETY: no memory is involved.
    checked(unsafe { libc::ftruncate(file.as_raw_fd(), len as i64) }).map(drop)
}

/// `mmap(2)` of a whole file, shared.
fn map_shared(file: &OwnedFd, len: usize) -> io::Result<NonNull<u8>> {
    let prot = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping, at an address the kernel chooses.
    let start = unsafe { libc::mmap(null_mut(), len, prot, libc::MAP_SHARED, file.as_raw_fd(), 0) };
    if start == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    Ok(NonNull::new(start.cast()).expect("mmap never gives page 0"))
}

/// `munmap(2)` of what [`map_shared`] gave.
fn unmap(start: NonNull<u8>, len: usize) {
    // SAFETY: the caller gives its mapping up.
    unsafe { libc::munmap(start.as_ptr().cast(), len) };
}

/// `futex(2)`, `FUTEX_WAKE`: wakes one sleeper.
pub(crate) fn wake(word: &AtomicU32) {
    // SAFETY: the word lives through the call.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, 1) };
}

/// `futex(2)`, `FUTEX_WAIT`: sleeps while the word has this value, so long at most.
pub(crate) fn wait(word: &AtomicU32, value: u32, at_most: Duration) {
    let timeout = libc::timespec {
        tv_sec: at_most.as_secs() as i64,
        tv_nsec: at_most.subsec_nanos().into(),
    };
    // SAFETY: the word and the timeout live through the call.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT,
            value,
            &raw const timeout,
        )
    };
}

/// `sysconf(3)` of `_SC_PAGESIZE`.
pub(crate) fn page_size() -> u64 {
    // SAFETY: no memory is involved.
    unsafe { libc::sysconf(libc::_SC_PAGESIZE) }.max(0) as u64
}

/// `sched_yield(2)`.
pub(crate) fn yield_now() {
    // SAFETY: no memory is involved.
    unsafe { libc::sched_yield() };
}

/// `sched_getcpu(3)`.
pub(crate) fn current_cpu() -> usize {
    // SAFETY: no memory is involved.
    unsafe { libc::sched_getcpu() }.max(0) as usize
}

/// The set of one CPU.
pub(crate) fn only(cpu: usize) -> CpuSet {
    let mut cpus = no_cpus();
    // SAFETY: the macro checks the bounds of the set.
    unsafe { libc::CPU_SET(cpu, &mut cpus) };
    cpus
}

/// `sched_getaffinity(2)` of the calling thread.
pub(crate) fn affinity() -> io::Result<CpuSet> {
    let mut cpus = no_cpus();
    // SAFETY: the set lives through the call, and its size is given.
    checked(unsafe { libc::sched_getaffinity(0, size_of::<CpuSet>(), &mut cpus) })?;
    Ok(cpus)
}

/// `sched_setaffinity(2)` of the calling thread.
pub(crate) fn set_affinity(cpus: &CpuSet) -> io::Result<()> {
    // SAFETY: the set lives through the call, and its size is given.
    checked(unsafe { libc::sched_setaffinity(0, size_of::<CpuSet>(), cpus) }).map(drop)
}

/// `getrlimit(2)` of `RLIMIT_NOFILE`: soft and hard.
pub(crate) fn nofile_limit() -> io::Result<(u64, u64)> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the limit lives through the call.
    checked(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) })?;
    Ok((limit.rlim_cur, limit.rlim_max))
}

/// `pidfd_getfd(2)`: a copy of another process's descriptor.
pub(crate) fn take_fd(process: BorrowedFd<'_>, fd: i32) -> io::Result<OwnedFd> {
    let pidfd = process.as_raw_fd();
    // SAFETY: no memory is involved.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_getfd, pidfd, fd, 0) } as c_int)
}

/// `pidfd_send_signal(2)` with `SIGKILL`.
pub(crate) fn kill_process(process: BorrowedFd<'_>) {
    let pidfd = process.as_raw_fd();
    // SAFETY: the null pointer asks for an ordinary signal.
    unsafe {
        libc::syscall(
            libc::SYS_pidfd_send_signal,
            pidfd,
            libc::SIGKILL,
            null::<libc::siginfo_t>(),
            0,
        )
    };
}

/// `kill(2)` with `SIGKILL`.
pub(crate) fn kill(pid: i32) {
    // SAFETY: no memory is involved.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}

/// `waitid(2)`: takes a child's end, waiting for it.
pub(crate) fn reap(process: BorrowedFd<'_>) -> io::Result<()> {
    loop {
        match wait_id(process, 0) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            waited => return waited.map(drop),
        }
    }
}

/// `waitid(2)`: has a child ended? Its end is left to be taken.
pub(crate) fn has_ended(process: BorrowedFd<'_>) -> bool {
    // What cannot be waited for is no child any more.
    wait_id(process, libc::WNOHANG | libc::WNOWAIT).unwrap_or(true)
}

fn wait_id(process: BorrowedFd<'_>, flags: c_int) -> io::Result<bool> {
    // SAFETY: all zero is a valid `siginfo_t`.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let id = process.as_raw_fd() as libc::id_t;
    let flags = flags | libc::WEXITED | libc::__WALL;
    // SAFETY: `info` lives through the call.
    checked(unsafe { libc::waitid(libc::P_PIDFD, id, &mut info, flags) })?;
    // SAFETY: `waitid` has filled this in, or left it zero.
    Ok(unsafe { info.si_pid() } != 0)
}

/// `openat(2)`, for reading.
pub(crate) fn open_at(directory: BorrowedFd<'_>, path: &CStr) -> io::Result<File> {
    let flags = libc::O_RDONLY | libc::O_CLOEXEC;
    // SAFETY: `path` ends with NUL.
    owned(unsafe { libc::openat(directory.as_raw_fd(), path.as_ptr(), flags) }).map(File::from)
}

/// `readlinkat(2)`: the link's first bytes.
pub(crate) fn read_link_at(directory: BorrowedFd<'_>, path: &CStr) -> io::Result<[u8; 64]> {
    let mut link = [0u8; 64];
    // SAFETY: `path` ends with NUL, and the buffer's size is given.
    checked(unsafe {
        libc::readlinkat(
            directory.as_raw_fd(),
            path.as_ptr(),
            link.as_mut_ptr().cast(),
            link.len(),
        )
    } as c_int)?;
    Ok(link)
}

fn no_cpus() -> CpuSet {
    // SAFETY: all zero is the empty set.
    unsafe { std::mem::zeroed() }
}

fn checked(result: c_int) -> io::Result<c_int> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}

fn owned(fd: c_int) -> io::Result<OwnedFd> {
    let fd = checked(fd)?;
    // SAFETY: the kernel has just made it for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}
