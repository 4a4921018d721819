//! Linux's epoll, with the files, descriptor tables and processes around it, as one value.
#![forbid(unsafe_code)]
