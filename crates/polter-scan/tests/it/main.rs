//! Scans of real programs, of captured trees, and of trees nobody would write.

mod assertion;
mod exorcise;
mod haunted;
mod hostile;
mod restless;
mod scan;
