//! The running kernel: executes scripts with real processes.
