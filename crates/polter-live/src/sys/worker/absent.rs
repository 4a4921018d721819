//! No worker has been written for this architecture. The keeper is not started then.

/// There is none.
pub(super) const IS_THERE: bool = false;

/// No machine.
pub(super) const MACHINE: u16 = 0;

/// No code.
pub(super) fn code() -> &'static [u8] {
    &[]
}

/// Nowhere.
pub(super) fn handler() -> usize {
    0
}

/// Nowhere.
pub(super) fn restorer() -> usize {
    0
}

/// Nowhere.
pub(super) fn undertaker() -> usize {
    0
}
