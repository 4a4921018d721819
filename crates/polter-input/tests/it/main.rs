//! Families of files held against the log that they would have been.

mod families;
