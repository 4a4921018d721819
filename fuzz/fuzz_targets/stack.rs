//! A mapping, a file and a stack of anything: the walk ends, and each frame is one line.
//!
//! An input is the four registers, the lengths of the stack and of the maps (16 bits each), both of them,
//! and the file. Without maps the whole file is mapped as code, at 0.
#![no_main]

use std::fs::File;
use std::io::Write as _;
use std::os::fd::FromRawFd as _;

use libfuzzer_sys::fuzz_target;
use polter_stack::{Modules, Registers, StackCopy};

const WHOLE: &[u8] = b"0-7fffffffffff r-xp 00000000 00:01 1 /file\n";

fuzz_target!(|input: &[u8]| {
    let Some((head, rest)) = input.split_at_checked(36) else { return };
    let word = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().unwrap());
    let length = |at: usize| usize::from(u16::from_le_bytes([head[at], head[at + 1]])).min(rest.len());
    let (bytes, rest) = rest.split_at(length(32));
    let Some((maps, file)) = rest.split_at_checked(length(34)) else { return };
    let maps = if maps.is_empty() { WHOLE } else { maps };
    let modules = Modules::of_text(maps, |_| {
        // SAFETY: makes a file of its own, which only the returned value owns.
        let mut copy = unsafe { File::from_raw_fd(libc::memfd_create(c"file".as_ptr(), 0)) };
        copy.write_all(file).unwrap();
        Some(copy)
    });
    let registers = Registers { ip: word(0), sp: word(8), fp: word(16), lr: word(24) };
    let stack = StackCopy { registers, bytes: bytes.to_vec() };
    modules.is_lost_in(&stack);
    let frames = modules.frames(&stack);
    assert!(frames.len() <= 256 * 33);
    for frame in frames {
        let line = frame.to_string();
        assert!(!line.contains(char::is_control) && line.starts_with(" > "), "{line:?}");
    }
});
