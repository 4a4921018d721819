//! What needs `unsafe`: a child that ends with its parent.

use rustix::process::{Signal, set_parent_process_death_signal};
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Makes the command's process end when the thread that starts it does, however that ends.
pub(crate) fn ends_with_us(command: &mut Command) {
    // SAFETY: between fork and exec the closure makes one system call, which is async-signal-safe,
    // and neither allocates nor touches anything of the parent's.
    unsafe {
        command.pre_exec(|| {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            Ok(())
        });
    }
}
