//! A process's files: what it has mapped, as its own mount namespace names it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::maps::Mapping;

/// How much is read of `/proc/PID/maps`.
const LARGEST_MAPS: u64 = 16 << 20;

/// Reads `/proc/PID/maps`.
pub(crate) fn maps(pid: u32) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(format!("/proc/{pid}/maps"))?
        .take(LARGEST_MAPS)
        .read_to_end(&mut text)?;
    Ok(text)
}

/// Opens a mapped file: the file itself where that is allowed, or what its path leads to, if that is
/// the same file still.
pub(crate) fn open(pid: u32, mapping: &Mapping) -> Option<File> {
    if mapping.inode == 0 {
        return None;
    }
    let itself = format!(
        "/proc/{pid}/map_files/{:x}-{:x}",
        mapping.start, mapping.end
    );
    open_regular(Path::new(&itself)).or_else(|| {
        let file = open_regular(&inside(pid, &mapping.path)?)?;
        // Another of this path has come since; or a link leads out of the process's root.
        (!mapping.is_deleted && file.metadata().ok()?.ino() == mapping.inode).then_some(file)
    })
}

/// Opens the map of compiled code that a process may have written, and tells its name.
pub(crate) fn open_perf_map(pid: u32) -> Option<(Vec<u8>, File)> {
    let name = format!("/tmp/perf-{}.map", own_id(&format!("/proc/{pid}"))?).into_bytes();
    Some((name.clone(), open_regular(&inside(pid, &name)?)?))
}

/// Reads the id that a process or thread has for itself: in a container it has another.
pub(crate) fn own_id(dir: &str) -> Option<u32> {
    let mut status = String::new();
    let file = File::open(format!("{dir}/status")).ok()?;
    file.take(16 << 10).read_to_string(&mut status).ok()?;
    let ids = status
        .lines()
        .find_map(|line| line.strip_prefix("NSpid:"))?;
    ids.split_whitespace().last()?.parse().ok()
}

fn inside(pid: u32, path: &[u8]) -> Option<std::path::PathBuf> {
    let relative = path.strip_prefix(b"/")?;
    Some(Path::new(&format!("/proc/{pid}/root")).join(std::ffi::OsStr::from_bytes(relative)))
}

/// Opens a file to be read, if it is one: a pipe in its place would never answer.
fn open_regular(path: &Path) -> Option<File> {
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
        .ok()?;
    file.metadata().ok()?.is_file().then_some(file)
}
