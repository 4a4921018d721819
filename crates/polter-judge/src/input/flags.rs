//! Flags in arguments, by name or as a number.

use super::text::{contains, find_after, leading_int};
use polter_trace::Args;

const O_CLOEXEC: i64 = 0o2000000;

pub(crate) const CLONE_VM: u64 = eventpoll::syscall::flags::CLONE_VM;

pub(crate) const CLONE_VFORK: u64 = eventpoll::syscall::flags::CLONE_VFORK;

/// The flags of a clone, whether it has returned or not.
pub(crate) fn clone_flags(args: &[u8]) -> u64 {
    match find_after(args, b"flags=") {
        Some(flags) => {
            let end = flags
                .iter()
                .position(|byte| matches!(byte, b',' | b'}' | b' ' | b')'))
                .unwrap_or(flags.len());
            flag_bits(&flags[..end])
        }
        None => flag_bits(args),
    }
}

pub(super) fn flag_bits(text: &[u8]) -> u64 {
    use eventpoll::syscall::flags;
    let named = [
        (&b"CLONE_VM"[..], flags::CLONE_VM),
        (b"CLONE_FILES", flags::CLONE_FILES),
        (b"CLONE_SIGHAND", flags::CLONE_SIGHAND),
        (b"CLONE_THREAD", flags::CLONE_THREAD),
        (b"CLONE_VFORK", flags::CLONE_VFORK),
        (b"CLONE_PARENT", flags::CLONE_PARENT),
    ];
    let words = || text.split(|byte| *byte == b'|');
    let names = named
        .iter()
        .filter(|(name, _)| words().any(|word| word == *name));
    let numbers = words()
        .filter_map(leading_int)
        .fold(0, |bits, number| bits | number as u64);
    names.fold(numbers, |bits, (_, bit)| bits | bit)
}

/// True if the flags at an argument have `O_CLOEXEC`, under any of its names.
pub(crate) fn is_cloexec(args: Args<'_>, flags_at: usize) -> bool {
    let Some(flags) = args.get(flags_at) else {
        return false;
    };
    contains(flags.raw, b"CLOEXEC")
        || leading_int(flags.raw).is_some_and(|bits| bits & O_CLOEXEC != 0)
}
