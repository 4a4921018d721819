//! What is asked of the system itself.
#![expect(unsafe_code, reason = "the system is told of memory by its address")]

use rustix::mm::{Advice, madvise};
use std::ops::Range;

/// Less is not worth a call.
const LEAST: usize = 2 << 20;

/// The memory is large and its places are visited at random: large pages take fewer
/// faults and fewer walks of page tables (madvise(2), `MADV_HUGEPAGE`). It is advice:
/// where there are none, nothing changes.
pub(crate) fn advise_large_pages<T>(memory: Range<*const T>) {
    let page = rustix::param::page_size();
    let begin = memory.start.addr().next_multiple_of(page);
    let end = memory.end.addr() / page * page;
    let length = end.saturating_sub(begin);
    if length < LEAST {
        return;
    }
    let begin = memory.start.cast_mut().with_addr(begin).cast();
    // SAFETY: the advice does not change what the memory holds, whosever it is.
    let _ = unsafe { madvise(begin, length, Advice::LinuxHugepage) };
}
