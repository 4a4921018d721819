//! `bpf(2)`, and the kernel's types mapped into memory.
#![allow(unsafe_code, reason = "this module is the crate's door to the kernel")]

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd};
use std::ptr::NonNull;

use aya_obj::generated::bpf_insn;

/// Linux: `enum bpf_cmd`.
const BPF_MAP_CREATE: libc::c_int = 0;
const BPF_PROG_LOAD: libc::c_int = 5;
const BPF_RAW_TRACEPOINT_OPEN: libc::c_int = 17;
const BPF_BTF_LOAD: libc::c_int = 18;
const BPF_LINK_CREATE: libc::c_int = 28;
const BPF_ITER_CREATE: libc::c_int = 33;

/// Linux: `enum bpf_prog_type`, `enum bpf_attach_type`.
const BPF_PROG_TYPE_TRACING: u32 = 26;
const BPF_TRACE_RAW_TP: u32 = 23;
const BPF_TRACE_ITER: u32 = 28;

/// What a program is attached to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AttachKind {
    /// An iterator, whose function the types name.
    Iterator,
    /// A tracepoint, whose arguments the types name.
    Tracepoint,
}

/// Bytes of the verifier's log.
const LOG: usize = 1 << 20;

/// A map to be made. Linux: `union bpf_attr`; the kernel takes a shorter one, whose rest is zero.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct NewMap {
    pub(crate) kind: u32,
    pub(crate) key_size: u32,
    pub(crate) value_size: u32,
    pub(crate) max_entries: u32,
    pub(crate) flags: u32,
}

/// `BPF_MAP_CREATE`: makes a map.
pub(crate) fn create_map(map: &NewMap) -> io::Result<OwnedFd> {
    // SAFETY: it holds integers and no pointer.
    unsafe { made_by(BPF_MAP_CREATE, map) }
}

/// `BPF_BTF_LOAD`: loads the types of an object's functions.
pub(crate) fn load_btf(btf: &[u8]) -> io::Result<OwnedFd> {
    #[derive(Default)]
    #[repr(C)]
    struct NewBtf {
        btf: u64,
        log: u64,
        size: u32,
        log_size: u32,
        log_level: u32,
        /// Linux before 6.4 has nothing here, and refuses what is not zero.
        pad: u32,
    }
    let new = NewBtf {
        btf: btf.as_ptr().expose_provenance() as u64,
        size: btf.len() as u32,
        ..NewBtf::default()
    };
    // SAFETY: the text is read, and outlives the call.
    unsafe { made_by(BPF_BTF_LOAD, &new) }
}

/// A program to be loaded.
#[derive(Debug)]
pub(crate) struct NewProgram<'a> {
    pub(crate) instructions: &'a [bpf_insn],
    pub(crate) license: &'a CStr,
    /// The types of its functions, and where each of them begins.
    pub(crate) btf: BorrowedFd<'a>,
    pub(crate) functions: &'a [u8],
    pub(crate) function_size: usize,
    pub(crate) kind: AttachKind,
    /// The id, among the kernel's types, of what calls it.
    pub(crate) attached_to: u32,
}

/// `BPF_PROG_LOAD`: loads a program. An error comes with the verifier's log.
///
/// The first attempt asks for no log, because writing one slows the verifier down.
pub(crate) fn load_program(program: &NewProgram<'_>) -> Result<OwnedFd, (io::Error, String)> {
    let mut log = Vec::new();
    load_with_log(program, &mut log).or_else(|error| match error.raw_os_error() {
        Some(libc::EPERM) => Err((error, String::new())),
        _ => {
            log.resize(LOG, 0);
            load_with_log(program, &mut log).map_err(|error| {
                let said = log.split(|byte| *byte == 0).next().unwrap_or_default();
                (error, String::from_utf8_lossy(said).into_owned())
            })
        }
    })
}

fn load_with_log(program: &NewProgram<'_>, log: &mut [u8]) -> io::Result<OwnedFd> {
    #[derive(Default)]
    #[repr(C)]
    struct Attributes {
        kind: u32,
        instruction_count: u32,
        instructions: u64,
        license: u64,
        log_level: u32,
        log_size: u32,
        log: u64,
        kernel_version: u32,
        flags: u32,
        name: [u8; 16],
        device: u32,
        attach_kind: u32,
        btf: u32,
        function_size: u32,
        functions: u64,
        function_count: u32,
        line_size: u32,
        lines: u64,
        line_count: u32,
        attached_to: u32,
        attached_in: u32,
        pad: u32,
    }
    let attributes = Attributes {
        kind: BPF_PROG_TYPE_TRACING,
        instruction_count: program.instructions.len() as u32,
        instructions: program.instructions.as_ptr().expose_provenance() as u64,
        license: program.license.as_ptr().expose_provenance() as u64,
        log_level: u32::from(!log.is_empty()),
        log_size: log.len() as u32,
        log: match log {
            [] => 0,
            log => log.as_mut_ptr().expose_provenance() as u64,
        },
        attach_kind: match program.kind {
            AttachKind::Iterator => BPF_TRACE_ITER,
            AttachKind::Tracepoint => BPF_TRACE_RAW_TP,
        },
        btf: program.btf.as_raw_fd().cast_unsigned(),
        function_size: program.function_size as u32,
        functions: program.functions.as_ptr().expose_provenance() as u64,
        function_count: (program.functions.len() / program.function_size.max(1)) as u32,
        attached_to: program.attached_to,
        ..Attributes::default()
    };
    // SAFETY: what it points to is read, the log written, and all outlive the call.
    unsafe { made_by(BPF_PROG_LOAD, &attributes) }
}

/// `BPF_LINK_CREATE`, `BPF_ITER_CREATE`: begins an iteration by a program.
pub(crate) fn iterate(program: BorrowedFd<'_>) -> io::Result<File> {
    #[derive(Default)]
    #[repr(C)]
    struct NewLink {
        program: u32,
        target: u32,
        attach_kind: u32,
        flags: u32,
    }
    let link = NewLink {
        program: program.as_raw_fd().cast_unsigned(),
        attach_kind: BPF_TRACE_ITER,
        ..NewLink::default()
    };
    // SAFETY: it holds integers and no pointer.
    let link = unsafe { made_by(BPF_LINK_CREATE, &link) }?;
    let iterator = [link.as_fd().as_raw_fd().cast_unsigned(), 0];
    // SAFETY: it holds integers and no pointer.
    unsafe { made_by(BPF_ITER_CREATE, &iterator) }.map(File::from)
}

/// `BPF_RAW_TRACEPOINT_OPEN`: attaches a program to the tracepoint that it was loaded for.
pub(crate) fn attach(program: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    #[derive(Default)]
    #[repr(C)]
    struct NewTracepoint {
        /// None: the program's types name it.
        name: u64,
        program: u32,
        pad: u32,
    }
    let tracepoint = NewTracepoint {
        program: program.as_raw_fd().cast_unsigned(),
        ..NewTracepoint::default()
    };
    // SAFETY: it holds integers and no pointer.
    unsafe { made_by(BPF_RAW_TRACEPOINT_OPEN, &tracepoint) }
}

/// A call of `bpf(2)` that returns a new fd.
///
/// Before Linux 5.11 maps and programs count as locked memory, of which a process may have 64 KiB, and more is EPERM. So
/// after EPERM the limit is raised, which an ordinary user may not do, and the call is made again.
///
/// # Safety
///
/// `attributes` are this command's, have no gaps, and point to what the kernel may read or write.
unsafe fn made_by<T>(command: libc::c_int, attributes: &T) -> io::Result<OwnedFd> {
    let attributes: *const T = attributes;
    let make = || {
        // SAFETY: as the caller promises.
        let fd = unsafe { libc::syscall(libc::SYS_bpf, command, attributes, size_of::<T>()) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: just made, and nobody else knows of it.
        Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) })
    };
    match make() {
        Err(error) if error.raw_os_error() == Some(libc::EPERM) && may_lock_all() => make(),
        made => made,
    }
}

/// Raises this process's limit of locked memory; false if it is not allowed to.
fn may_lock_all() -> bool {
    let all = libc::rlimit {
        rlim_cur: libc::RLIM_INFINITY,
        rlim_max: libc::RLIM_INFINITY,
    };
    // SAFETY: the limit lives through the call.
    unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &all) == 0 }
}

/// A file of the kernel that never changes, mapped into memory.
#[derive(Debug)]
pub(crate) struct Mapped {
    start: NonNull<libc::c_void>,
    len: usize,
}

impl Mapped {
    /// Maps a file. Linux allows that for its types since 6.16.
    pub(crate) fn of(file: &File) -> io::Result<Mapped> {
        let len = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
        let fd = file.as_raw_fd();
        // SAFETY: a new place is asked for.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                libc::PROT_READ,
                libc::MAP_PRIVATE,
                fd,
                0,
            )
        };
        match NonNull::new(start) {
            Some(start) if start.as_ptr() != libc::MAP_FAILED => Ok(Mapped { start, len }),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

impl Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: it is mapped as long as this value lives, and nobody writes to it.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr().cast(), self.len) }
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: it was mapped so, and nobody borrows it any more.
        unsafe { libc::munmap(self.start.as_ptr(), self.len) };
    }
}
