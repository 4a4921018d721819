//! Where the worker's code begins, ends, and may be entered: the symbols that each architecture's
//! assembly defines.

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
