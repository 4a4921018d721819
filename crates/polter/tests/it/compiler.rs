//! Makes programs of C.

use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::Command;

/// Compiles a file; false, and said aloud, where there is no compiler. A program that does not compile is a failure.
pub(crate) fn compile(options: &[&str], source: &Path, program: &Path) -> bool {
    let made = Command::new("cc")
        .args(options)
        .arg("-o")
        .args([program, source])
        .output();
    match made {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let name = source.display();
            let _ = writeln!(std::io::stderr(), "skipped: {name}: there is no cc");
            false
        }
        made => {
            let made = made.expect("cc starts");
            let said = String::from_utf8_lossy(&made.stderr);
            assert!(made.status.success(), "{}: {said}", source.display());
            true
        }
    }
}
