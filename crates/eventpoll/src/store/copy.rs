//! Copies of a whole kernel, as searches make them.
//!
//! A copy over another keeps the other's memory: [`Clone::clone_from`]
//! allocates only where the source is larger than what was there. A copy that
//! has made a call or two becomes one again at the cost of what they wrote to
//! ([`Kernel::revert_to`]).

use super::written::Written;
use crate::Kernel;

/// Each field by its name, so that none is forgotten: large ones, which know
/// whether they were written to, and small ones.
macro_rules! clone_by_field {
    (large { $($large:ident)* } small { $($small:ident)* }) => {
        impl Clone for Kernel {
            fn clone(&self) -> Kernel {
                Kernel {
                    $($large: Clone::clone(&self.$large),)*
                    $($small: Clone::clone(&self.$small),)*
                }
            }

            fn clone_from(&mut self, source: &Kernel) {
                let Kernel { $($large,)* $($small,)* } = self;
                $(Clone::clone_from($large, &source.$large);)*
                $(Clone::clone_from($small, &source.$small);)*
            }
        }

        impl Kernel {
            /// Becomes a copy of `original` again: it must have been made one by
            /// [`clone`](Clone::clone), [`clone_from`](Clone::clone_from) or this, and
            /// `original` must still be as it was then.
            ///
            /// Only what was written to in between is copied.
            pub fn revert_to(&mut self, original: &Kernel) {
                let Kernel { $($large,)* $($small,)* } = self;
                $($large.revert_to(&original.$large);)*
                $(Clone::clone_from($small, &original.$small);)*
            }
        }
    };
}

clone_by_field! {
    large {
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
        holds
    }
    small {
        policy
        version
        max_user_watches
        is_privileged
        has_collected
        next_pid
        sockets_in_flight
        is_collection_due
        task_work
        woken
        running
        orphans
        signalled
        completions
        dictated_fds
        dictated_pid
        deferred
        reported
    }
}
