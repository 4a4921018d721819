//! The worker's code on x86-64.

use std::arch::global_asm;

use crate::sys::layout::{
    ARGS, BASE, CHILD, DOORBELL, NR, REGION_LEN, RESULT, SLOTS, STACK_TOP, STATE, STATE_DONE,
    STATE_REQUEST, STRIDE, STRIDE_SHIFT, TICKET, TICKETS, TID, WAITING,
};

/// There is one.
pub(super) const IS_THERE: bool = true;

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

/// The code. It begins where a worker begins.
pub(super) fn code() -> &'static [u8] {
    let len = offset(&raw const polter_worker_end);
    // SAFETY: the two symbols bound one section's constant bytes, above.
    unsafe { std::slice::from_raw_parts(&raw const polter_worker_start, len) }
}

/// Where the signal handler that does nothing is in it.
pub(super) fn handler() -> usize {
    offset(&raw const polter_worker_handler)
}

/// Where a signal handler returns to.
pub(super) fn restorer() -> usize {
    offset(&raw const polter_worker_restorer)
}

/// Where the keeper goes when the supervisor is gone.
pub(super) fn undertaker() -> usize {
    offset(&raw const polter_worker_undertaker)
}

fn offset(symbol: *const u8) -> usize {
    symbol.addr() - (&raw const polter_worker_start).addr()
}

// The slot's number is added to BASE by a shift, and passed as one byte.
const _: () = assert!(STRIDE == 1 << STRIDE_SHIFT && SLOTS <= 256);
