//! Scans of real programs, of captured trees, and of trees nobody would write.

mod exorcise;
mod haunted;
mod hostile;
mod object;
mod scan;
mod walk;
