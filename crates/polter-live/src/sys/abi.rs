//! Numbers that C libraries give other types, or that an architecture lacks: the one place that knows.

#![allow(
    clippy::unnecessary_cast,
    reason = "a cast for one C library is none for another"
)]

/// `RLIMIT_NOFILE`.
pub(crate) const RLIMIT_NOFILE: u64 = libc::RLIMIT_NOFILE as u64;
/// `FIONBIO`.
pub(crate) const FIONBIO: u64 = libc::FIONBIO as u64;
/// `FIOCLEX`.
pub(crate) const FIOCLEX: u64 = libc::FIOCLEX as u64;
/// `FIONCLEX`.
pub(crate) const FIONCLEX: u64 = libc::FIONCLEX as u64;
/// `FIONREAD`.
pub(crate) const FIONREAD: u64 = libc::FIONREAD as u64;

/// From here on there are no addresses of programs, however large the kernel makes their space.
#[cfg(not(target_arch = "aarch64"))]
pub(crate) const ADDRESSES_END: u64 = 1 << 47;
/// From here on there are no addresses of programs, however large the kernel makes their space.
#[cfg(target_arch = "aarch64")]
pub(crate) const ADDRESSES_END: u64 = 1 << 52;

/// The flags of open files that aarch64 has at other places: the model's, which are x86-64's,
/// and the kernel's.
const MOVED: &[(u32, u32)] = if cfg!(target_arch = "aarch64") {
    &[
        (0o40000, 0o200000),  // O_DIRECT
        (0o100000, 0o400000), // O_LARGEFILE
        (0o200000, 0o40000),  // O_DIRECTORY
        (0o400000, 0o100000), // O_NOFOLLOW
    ]
} else {
    &[]
};

/// The flags of an open file, as the running kernel has them.
pub(crate) fn kernel_flags(flags: u32) -> u32 {
    moved(flags, |(model, kernel)| (model, kernel))
}

/// The flags of an open file, as the model has them.
pub(crate) fn model_flags(flags: u32) -> u32 {
    moved(flags, |(model, kernel)| (kernel, model))
}

fn moved(flags: u32, from_to_fn: impl Fn((u32, u32)) -> (u32, u32)) -> u32 {
    let moves = MOVED.iter().map(|pair| from_to_fn(*pair));
    let stay = moves.clone().fold(flags, |flags, (from, _)| flags & !from);
    let go = moves.filter(|(from, _)| flags & from != 0);
    go.fold(stay, |flags, (_, to)| flags | to)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eventpoll::syscall::flags;

    #[test]
    fn flags_are_the_kernels_own_and_come_back() {
        assert_eq!(kernel_flags(flags::O_DIRECT), libc::O_DIRECT as u32);
        let all = (0..32).map(|bit| 1 << bit);
        for flags in all.chain([flags::O_DIRECT | flags::O_CLOEXEC, u32::MAX]) {
            assert_eq!(model_flags(kernel_flags(flags)), flags, "{flags:o}");
        }
    }
}
