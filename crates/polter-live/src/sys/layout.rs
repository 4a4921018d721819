//! The region: the memory that the supervisor and its workers share.
//!
//! ```text
//!   slot 0      slot 1      slot 2      …
//!   header      the keeper  a task      …
//!
//!   one slot:  control │ small data ║ stack ║ … events ▏guard ║ large data
//!              0       0x200        0x1000  0x11000    0x20000  0x21000 … 0x400000
//! ```
//! Workers have it at one fixed address, so the supervisor can write the
//! pointers of a request itself.

/// `sizeof(struct epoll_event)`: packed on x86-64, and there only.
pub(crate) const EVENT_LEN: u64 = size_of::<libc::epoll_event>() as u64;
/// Where `data` is in it.
pub(crate) const EVENT_DATA: u64 = std::mem::offset_of!(libc::epoll_event, u64) as u64;
/// `sizeof(struct cmsghdr)`.
pub(crate) const CMSG_HEADER_LEN: u64 = 16;

/// The page size that the region and the model of a pipe are made for.
pub(crate) const PAGE: u64 = 0x1000;
/// Where workers have the region.
pub(crate) const BASE: u64 = 0x20_0000_0000;
/// The size of a slot, as a power of two.
pub(crate) const STRIDE_SHIFT: u32 = 22;
/// The size of a slot.
pub(crate) const STRIDE: u64 = 1 << STRIDE_SHIFT;
/// How many slots there are, the header's and the keeper's included.
pub(crate) const SLOTS: u32 = 66;
/// The size of the region; most of it is never touched.
pub(crate) const REGION_LEN: u64 = SLOTS as u64 * STRIDE;

/// In the header: rung when a result is ready and the supervisor sleeps.
pub(crate) const DOORBELL: u64 = 0;
/// In the header: does the supervisor sleep?
pub(crate) const WAITING: u64 = 4;
/// In the header: counts results, in the order they come.
pub(crate) const TICKETS: u64 = 8;

/// Free, [`STATE_REQUEST`] or [`STATE_DONE`]; the worker sleeps on it.
pub(crate) const STATE: u64 = 0;
/// This result's place among all results.
pub(crate) const TICKET: u64 = 4;
/// The number of the system call.
pub(crate) const NR: u64 = 8;
/// Its six arguments.
pub(crate) const ARGS: u64 = 16;
/// Its result, or a negated error.
pub(crate) const RESULT: u64 = 64;
/// The address of the child's slot, for a call that makes one; else 0.
pub(crate) const CHILD: u64 = 72;
/// The task's number, written by itself at birth.
pub(crate) const TID: u64 = 80;
/// A word for `CLONE_CHILD_SETTID` and its like, of no use to anyone.
pub(crate) const SPARE: u64 = 88;
/// Small arguments and results.
pub(crate) const SMALL: u64 = 0x200;
/// The end of small arguments and results.
pub(crate) const SMALL_END: u64 = 0x1000;
/// The top of the stack; used by signal frames only.
pub(crate) const STACK_TOP: u64 = 0x1_1000;
/// The page that is made unmapped for [`Buffer::Faults`](eventpoll::syscall::Buffer::Faults).
pub(crate) const GUARD: u64 = 0x2_0000;
/// Large arguments and results, to the end of the slot.
pub(crate) const LARGE: u64 = 0x2_1000;

/// No task has the slot, or it is not yet born.
pub(crate) const STATE_FREE: u32 = 0;
/// A call is to be made.
pub(crate) const STATE_REQUEST: u32 = 2;
/// A call has been made; also the state after birth.
pub(crate) const STATE_DONE: u32 = 3;

/// An address in a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Address(pub(crate) u64);

impl Address {
    /// The null pointer.
    pub(crate) const NULL: Address = Address(0);
    /// Never mapped, and not null: below `vm.mmap_min_addr`.
    pub(crate) const FAULTS: Address = Address(0x100);
    /// Above every user address.
    pub(crate) const KERNEL: Address = Address(0xffff_8000_0000_0000);
}

/// The number of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot(pub(crate) u32);

impl Slot {
    /// The region's own words.
    pub(crate) const HEADER: Slot = Slot(0);
    /// The first process, parent of all others.
    pub(crate) const KEEPER: Slot = Slot(1);

    /// The slots for a script's tasks.
    pub(crate) fn for_tasks() -> impl Iterator<Item = Slot> {
        (2..SLOTS).map(Slot)
    }

    /// Where in this slot.
    pub(crate) fn at(self, offset: u64) -> Address {
        Address(BASE + u64::from(self.0) * STRIDE + offset)
    }
}
