//! Which source the arguments mean. A recorder of its own has its place here.

use std::path::Path;

use super::log_source::{Growing, Piped, Whole};
#[cfg(feature = "bpf")]
use super::recorder_source::Recorded;
use super::source::Source;
use crate::cli::WatchArgs;
use crate::console::Console;
use crate::failure::Failure;
use crate::log;

/// The source that the arguments name.
pub(super) fn open(args: &WatchArgs, console: &Console) -> Result<Box<dyn Source>, Failure> {
    #[cfg(feature = "bpf")]
    if args.targets.are_named() {
        return Ok(Box::new(Recorded::start(&args.targets, args.exorcise)?));
    }
    let path = match &args.log {
        Some(path) => path.as_path(),
        None if log::is_stdin_a_log() => Path::new("-"),
        None => return Err(Failure::NothingToWatch),
    };
    if path.as_os_str() == "-" {
        return Ok(Box::new(Piped::stdin(args.local)));
    }
    if args.follow {
        return Ok(Box::new(Growing::open(path, args.local)?));
    }
    let kind = std::fs::metadata(path).map_err(Failure::read(path))?;
    if kind.is_file() || kind.is_dir() {
        return Ok(Box::new(Whole::open(path, args.local, console)?));
    }
    Ok(Box::new(Piped::open(path, args.local)?))
}
