//! Does a process spin, and on what? Watches it for a moment.
//!
//! | file | watches |
//! |---|---|
//! | `usage` | one process: CPU time and context switches |
//! | `ghosts` | the processes that ghosts hurt |
//! | `unheeded` | every process that holds an instance: not only ghosts make a loop spin |

mod ghosts;
mod unheeded;
mod usage;
