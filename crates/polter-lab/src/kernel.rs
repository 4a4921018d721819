//! Where the guests' kernel is.

use crate::error::LabError;
use std::env;
use std::path::{Path, PathBuf};

/// The kernel that `kernels/build` makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabKernel {
    path: PathBuf,
}

impl LabKernel {
    /// The one that is named; else the one that `POLTER_LAB_KERNEL` names; else `lab/linux` in the
    /// build directory that this program comes from, or in `target` from here upwards.
    pub fn find(named: Option<&Path>) -> Result<LabKernel, LabError> {
        let named = named
            .map(Path::to_owned)
            .or_else(|| env::var_os("POLTER_LAB_KERNEL").map(PathBuf::from));
        if let Some(path) = named {
            // To have none on purpose.
            if path.as_os_str().is_empty() {
                return Err(LabError::NoKernel);
            }
            // Whether it can be started is seen when it is.
            return Ok(LabKernel { path });
        }
        let path = candidates().find(|path| path.is_file());
        path.map(|path| LabKernel { path })
            .ok_or(LabError::NoKernel)
    }

    /// The executable that is this kernel.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn candidates() -> impl Iterator<Item = PathBuf> {
    let program = env::current_exe().unwrap_or_default();
    let here = env::current_dir().unwrap_or_default();
    let beside = above(&program).map(|dir| dir.join("lab/linux"));
    let within = above(&here).map(|dir| dir.join("target/lab/linux"));
    beside.chain(within).collect::<Vec<_>>().into_iter()
}

fn above(path: &Path) -> impl Iterator<Item = &Path> {
    path.ancestors()
}
