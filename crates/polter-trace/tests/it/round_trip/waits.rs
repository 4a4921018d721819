//! Calls that wait for events.

use super::values::{Case, buffer, events, fd, mask, polled, timespec};
use eventpoll::Syscall;
use proptest::prelude::*;

pub(super) fn waits() -> impl Strategy<Value = Case> {
    let wait = (fd(), buffer(), any::<i32>()).boxed();
    prop_oneof![
        (wait.clone(), any::<i32>(), events()).prop_map(
            |((epfd, buffer, maxevents), timeout_ms, (value, out))| {
                (
                    Syscall::EpollWait {
                        epfd,
                        buffer,
                        maxevents,
                        timeout_ms,
                    },
                    value,
                    out,
                )
            }
        ),
        (wait.clone(), any::<i32>(), mask(), events()).prop_map(
            |((epfd, buffer, maxevents), timeout_ms, mask, (value, out))| {
                (
                    Syscall::EpollPwait {
                        epfd,
                        buffer,
                        maxevents,
                        timeout_ms,
                        mask,
                    },
                    value,
                    out,
                )
            }
        ),
        (wait, timespec(), mask(), events()).prop_map(
            |((epfd, buffer, maxevents), timeout, mask, (value, out))| {
                (
                    Syscall::EpollPwait2 {
                        epfd,
                        buffer,
                        maxevents,
                        timeout,
                        mask,
                    },
                    value,
                    out,
                )
            }
        ),
        (polled(), any::<i32>()).prop_map(|((fds, value, out), timeout_ms)| {
            (Syscall::Poll { fds, timeout_ms }, value, out)
        }),
        (polled(), timespec(), mask()).prop_map(|((fds, value, out), timeout, mask)| {
            (Syscall::Ppoll { fds, timeout, mask }, value, out)
        }),
    ]
}
