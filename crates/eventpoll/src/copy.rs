//! Copies of a whole kernel, as searches make them.
//!
//! A copy over another keeps the other's memory: [`Clone::clone_from`]
//! allocates only where the source is larger than what was there.

use crate::Kernel;

/// Each field by its name, so that none is forgotten.
macro_rules! clone_by_field {
    ($($field:ident)*) => {
        impl Clone for Kernel {
            fn clone(&self) -> Kernel {
                Kernel {
                    $($field: Clone::clone(&self.$field),)*
                }
            }

            fn clone_from(&mut self, source: &Kernel) {
                let Kernel { $($field,)* } = self;
                $(Clone::clone_from($field, &source.$field);)*
            }
        }
    };
}

clone_by_field! {
    policy
    version
    max_user_watches
    is_privileged
    tasks
    processes
    sighands
    tables
    files
    pipes
    sockets
    devices
    buffers
    epolls
    epitems
    waits
    clock
    keys
    pids
    next_pid
    sockets_in_flight
    is_collection_due
    holds
    task_work
    woken
    running
    orphans
    signalled
    completions
    dictated_fds
    dictated_pid
    deferred
    harvest
}
