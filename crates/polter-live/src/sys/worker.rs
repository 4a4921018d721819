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

use super::layout::{
    ARGS, BASE, CHILD, DOORBELL, NR, REGION_LEN, RESULT, SLOTS, STACK_TOP, STATE, STATE_DONE,
    STATE_REQUEST, STRIDE, STRIDE_SHIFT, TICKET, TICKETS, TID, WAITING,
};
use std::arch::global_asm;

/// Where the image is loaded.
const IMAGE_BASE: u64 = 0x40_0000;
/// The ELF header and two program headers.
const HEADER_LEN: usize = 64 + 2 * 56;

global_asm!(
    ".pushsection .rodata.polter_worker, \"a\", @progbits",
    ".balign 16",
    ".globl polter_worker_start",
    ".hidden polter_worker_start",
    "polter_worker_start:",
    // argv[0] is the region's path, argv[1] one byte: the slot's number.
    "mov rdi, [rsp + 8]",
    "mov rax, [rsp + 16]",
    "movzx r13d, byte ptr [rax]",
    "mov eax, {open}",
    "mov esi, {open_flags}",
    "xor edx, edx",
    "syscall",
    "test eax, eax",
    "js 9f",
    "mov r14d, eax",
    "mov eax, {mmap}",
    "movabs rdi, {base}",
    "mov esi, {region_len}",
    "mov edx, {prot}",
    "mov r10d, {map_flags}",
    "mov r8d, r14d",
    "xor r9d, r9d",
    "syscall",
    "movabs r12, {base}",
    "cmp rax, r12",
    "jne 9f",
    // Opened, mapped, closed: no number of the script's is taken.
    "mov eax, {close}",
    "mov edi, r14d",
    "syscall",
    "shl r13, {stride_shift}",
    "add r12, r13",
    // Born, by exec or by clone: r12 is the own slot from here on.
    "2:",
    "lea rsp, [r12 + {stack_top}]",
    "mov eax, {gettid}",
    "syscall",
    "mov [r12 + {tid}], eax",
    "xor eax, eax",
    // Done: rax is the result. xchg is a full barrier, so that either the
    // supervisor sees the state or this sees it waiting.
    "3:",
    "mov [r12 + {result}], rax",
    "movabs rbx, {base}",
    "mov eax, 1",
    "lock xadd [rbx + {tickets}], eax",
    "mov [r12 + {ticket}], eax",
    "mov eax, {state_done}",
    "xchg [r12 + {state}], eax",
    "cmp dword ptr [rbx + {waiting}], 0",
    "je 4f",
    "lock add dword ptr [rbx + {doorbell}], 1",
    "lea rdi, [rbx + {doorbell}]",
    "mov eax, {futex}",
    "mov esi, {futex_wake}",
    "mov edx, 1",
    "syscall",
    // Serve: sleep until there is a request. A signal only goes round.
    "4:",
    "mov edx, [r12 + {state}]",
    "cmp edx, {state_request}",
    "je 5f",
    "lea rdi, [r12 + {state}]",
    "mov eax, {futex}",
    "mov esi, {futex_wait}",
    "xor r10d, r10d",
    "syscall",
    "jmp 4b",
    "5:",
    "mov r15, [r12 + {child}]",
    "mov rax, [r12 + {nr}]",
    "mov rdi, [r12 + {args}]",
    "mov rsi, [r12 + {args} + 8]",
    "mov rdx, [r12 + {args} + 16]",
    "mov r10, [r12 + {args} + 24]",
    "mov r8, [r12 + {args} + 32]",
    "mov r9, [r12 + {args} + 40]",
    "syscall",
    "test r15, r15",
    "jz 3b",
    "test rax, rax",
    "jnz 3b",
    "mov r12, r15",
    "jmp 2b",
    "9:",
    "mov eax, {exit_group}",
    "mov edi, 1",
    "syscall",
    "ud2",
    // A handler that does nothing, and the way back from it.
    ".globl polter_worker_handler",
    ".hidden polter_worker_handler",
    "polter_worker_handler:",
    "ret",
    ".globl polter_worker_restorer",
    ".hidden polter_worker_restorer",
    "polter_worker_restorer:",
    "mov eax, {rt_sigreturn}",
    "syscall",
    // The keeper's last duty, where no namespace does it: kill every task
    // with a slot, and go on until no child is left.
    ".globl polter_worker_undertaker",
    ".hidden polter_worker_undertaker",
    "polter_worker_undertaker:",
    "mov ebx, {slots}",
    "6:",
    "sub ebx, 1",
    "cmp ebx, 1",
    "jle 7f",
    "mov rax, rbx",
    "shl rax, {stride_shift}",
    "movabs rdi, {base}",
    "add rax, rdi",
    "mov edi, [rax + {tid}]",
    "test edi, edi",
    "jz 6b",
    "mov eax, {kill}",
    "mov esi, 9",
    "syscall",
    "jmp 6b",
    "7:",
    "mov eax, {wait4}",
    "mov rdi, -1",
    "xor esi, esi",
    "mov edx, {wait_flags}",
    "xor r10d, r10d",
    "syscall",
    "test rax, rax",
    "jg 7b",
    "js 9b",
    "mov eax, {sched_yield}",
    "syscall",
    "jmp polter_worker_undertaker",
    ".globl polter_worker_end",
    ".hidden polter_worker_end",
    "polter_worker_end:",
    ".popsection",
    open = const libc::SYS_open,
    open_flags = const libc::O_RDWR | libc::O_CLOEXEC,
    mmap = const libc::SYS_mmap,
    base = const BASE,
    region_len = const REGION_LEN,
    prot = const libc::PROT_READ | libc::PROT_WRITE,
    map_flags = const libc::MAP_SHARED | libc::MAP_FIXED_NOREPLACE,
    close = const libc::SYS_close,
    stride_shift = const STRIDE_SHIFT,
    stack_top = const STACK_TOP,
    gettid = const libc::SYS_gettid,
    tid = const TID,
    result = const RESULT,
    tickets = const TICKETS,
    ticket = const TICKET,
    state = const STATE,
    state_done = const STATE_DONE,
    state_request = const STATE_REQUEST,
    waiting = const WAITING,
    doorbell = const DOORBELL,
    futex = const libc::SYS_futex,
    futex_wake = const libc::FUTEX_WAKE,
    futex_wait = const libc::FUTEX_WAIT,
    child = const CHILD,
    nr = const NR,
    args = const ARGS,
    exit_group = const libc::SYS_exit_group,
    rt_sigreturn = const libc::SYS_rt_sigreturn,
    slots = const SLOTS,
    kill = const libc::SYS_kill,
    wait4 = const libc::SYS_wait4,
    wait_flags = const libc::WNOHANG | libc::__WALL,
    sched_yield = const libc::SYS_sched_yield,
);

#[allow(
    unreachable_pub,
    reason = "the symbols are this module's own; the lint does not know foreign items"
)]
unsafe extern "C" {
    safe static polter_worker_start: u8;
    safe static polter_worker_handler: u8;
    safe static polter_worker_restorer: u8;
    safe static polter_worker_undertaker: u8;
    safe static polter_worker_end: u8;
}

/// Where the signal handler that does nothing is, in a worker.
pub(crate) fn handler_address() -> u64 {
    address(&raw const polter_worker_handler)
}

/// Where a signal handler returns to, in a worker.
pub(crate) fn restorer_address() -> u64 {
    address(&raw const polter_worker_restorer)
}

/// Where the keeper goes when the supervisor is gone.
pub(crate) fn undertaker_address() -> u64 {
    address(&raw const polter_worker_undertaker)
}

/// The worker as an ELF file: one segment, readable and executable.
pub(crate) fn image() -> Vec<u8> {
    let code = code();
    let len = (HEADER_LEN + code.len()) as u64;
    let mut image = Vec::with_capacity(HEADER_LEN + code.len());
    // e_ident: 64 bits, little-endian, version 1.
    image.extend(b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    image.extend(2u16.to_le_bytes()); // ET_EXEC
    image.extend(62u16.to_le_bytes()); // EM_X86_64
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

fn code() -> &'static [u8] {
    let start = &raw const polter_worker_start;
    let len = (&raw const polter_worker_end).addr() - start.addr();
    // SAFETY: the two symbols bound one section's constant bytes, above.
    unsafe { std::slice::from_raw_parts(start, len) }
}

fn address(symbol: *const u8) -> u64 {
    let offset = symbol.addr() - (&raw const polter_worker_start).addr();
    IMAGE_BASE + (HEADER_LEN + offset) as u64
}

// The slot's number is added to BASE by a shift, and passed as one byte.
const _: () = assert!(STRIDE == 1 << STRIDE_SHIFT && SLOTS <= 256);
