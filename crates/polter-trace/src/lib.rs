//! strace's text, read and written: the format of scripts, traces and logs.
#![forbid(unsafe_code)]
