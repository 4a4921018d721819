//! What the model's things weigh, by what they allocate.

use crate::model::Model;
use crate::report::say;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, and what this thread has of it.
struct Counting;

thread_local! {
    static BYTES: Cell<usize> = const { Cell::new(0) };
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        BYTES.set(BYTES.get().wrapping_add(layout.size()));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.set(BYTES.get().wrapping_sub(layout.size()));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// How many bytes this thread has allocated and not given back.
fn bytes() -> usize {
    BYTES.get()
}

/// How many allocations a thing takes.
pub(crate) fn allocations<T>(make_fn: impl FnOnce() -> T) -> (usize, T) {
    let before = CALLS.get();
    let made = make_fn();
    (CALLS.get() - before, made)
}

/// Prints the bytes of a file and of an epitem beyond its file.
pub(crate) fn weigh() {
    say("");
    for count in [1_000, 1 << 16, 100_000, 1_000_000] {
        let before = bytes();
        let mut model = Model::empty();
        for _ in 0..count {
            model.open();
        }
        let files = bytes() - before;
        for at in 0..count {
            model.ctl(1, at);
        }
        let epitems = bytes() - before - files;
        say(&format!(
            "{count:>9}  bytes allocated for each: {} a file with its number, {} an epitem",
            files.div_ceil(count),
            epitems.div_ceil(count)
        ));
    }
}
