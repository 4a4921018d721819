//! Small programs, each with one of epoll's lifetime faults, for the tests to find.
