//! The worker: the whole program that every task of a script runs.
//!
//! It is a page of assembly, wrapped into an ELF file that lives in memory,
//! so that it needs no libc, no heap, no thread-local storage, and no stack
//! but for signal frames. Such a task forks in a few microseconds, may share
//! its memory with its child, and after `execve(2)` is the same again.
//!
//! ```text
//!   supervisor                              worker
//!   fill nr, args; state = REQUEST ──────▶  syscall
//!   (yields the CPU)                        result, ticket; state = DONE
//!   read result             ◀────────────── sleeps on `state`
//! ```
//!
//! A call that makes a task names the child's slot. The child, which returns
//! from the same instruction with 0, moves to that slot before anything else:
//! parent and child never share a stack, whatever `clone(2)` made them share.

use super::layout::{SLOTS, STRIDE, STRIDE_SHIFT};

#[cfg_attr(target_arch = "x86_64", path = "worker/x86_64.rs")]
#[cfg_attr(target_arch = "aarch64", path = "worker/aarch64.rs")]
#[cfg_attr(
    not(any(target_arch = "x86_64", target_arch = "aarch64")),
    path = "worker/absent.rs"
)]
mod code;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod symbols;

// The slot's number is added to BASE by a shift, and passed as one byte.
const _: () = assert!(STRIDE == 1 << STRIDE_SHIFT && SLOTS <= 256);

/// True if there is a worker for this architecture.
pub(crate) const IS_THERE: bool = code::IS_THERE;

/// Where the image is loaded.
const IMAGE_BASE: u64 = 0x40_0000;
/// The ELF header and two program headers.
const HEADER_LEN: usize = 64 + 2 * 56;

/// Where the signal handler that does nothing is, in a worker.
pub(crate) fn handler_address() -> u64 {
    address(code::handler())
}

/// Where a signal handler returns to, in a worker.
pub(crate) fn restorer_address() -> u64 {
    address(code::restorer())
}

/// Where the keeper goes when the supervisor is gone.
pub(crate) fn undertaker_address() -> u64 {
    address(code::undertaker())
}

/// The worker as an ELF file: one segment, readable and executable.
pub(crate) fn image() -> Vec<u8> {
    let code = code::code();
    let len = (HEADER_LEN + code.len()) as u64;
    let mut image = Vec::with_capacity(HEADER_LEN + code.len());
    // e_ident: 64 bits, little-endian, version 1.
    image.extend(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    image.extend(2u16.to_le_bytes()); // ET_EXEC
    image.extend(code::MACHINE.to_le_bytes());
    image.extend(1u32.to_le_bytes());
    image.extend((IMAGE_BASE + HEADER_LEN as u64).to_le_bytes()); // entry
    image.extend(64u64.to_le_bytes()); // program headers
    image.extend(0u64.to_le_bytes()); // no sections
    image.extend(0u32.to_le_bytes());
    for half in [64u16, 56, 2, 64, 0, 0] {
        image.extend(half.to_le_bytes());
    }
    program_header(
        &mut image,
        libc::PT_LOAD,
        libc::PF_R | libc::PF_X,
        IMAGE_BASE,
        len,
    );
    program_header(
        &mut image,
        libc::PT_GNU_STACK,
        libc::PF_R | libc::PF_W,
        0,
        0,
    );
    image.extend(code);
    image
}

fn program_header(image: &mut Vec<u8>, kind: u32, flags: u32, address: u64, len: u64) {
    image.extend(kind.to_le_bytes());
    image.extend(flags.to_le_bytes());
    for word in [0, address, address, len, len, 0x1000] {
        image.extend(word.to_le_bytes());
    }
}

fn address(offset: usize) -> u64 {
    IMAGE_BASE + (HEADER_LEN + offset) as u64
}
