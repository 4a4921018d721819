//! Scans of real programs, of captured trees, and of trees nobody would write.

mod assertion;
mod every_class;
mod exorcise;
mod haunted;
mod hostile;
mod near_misses;
mod restless;
mod scan;
mod unheeded;
mod walk;
