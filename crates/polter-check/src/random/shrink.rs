//! The smallest program that still differs.

use super::generate::Program;
use eventpoll::syscall::{Buffer, SigMask, UserTimespec, flags};
use eventpoll::{Events, Syscall};

/// Leaves out and simplifies what it can as long as `differs_fn` says that the
/// program still differs.
pub fn shrink(program: &Program, mut differs_fn: impl FnMut(&Program) -> bool) -> Program {
    let mut smallest = program.clone();
    loop {
        let fewer = leave_out(&smallest, &mut differs_fn);
        let simpler = simplify(fewer, &mut differs_fn);
        if simpler == smallest {
            return smallest;
        }
        smallest = simpler;
    }
}

/// Leaves out runs of steps, long ones first.
fn leave_out(program: &Program, differs_fn: &mut impl FnMut(&Program) -> bool) -> Program {
    let mut kept = program.clone();
    let mut run = kept.steps.len().div_ceil(2);
    while run > 0 {
        // From the end: what comes late depends on what comes early.
        let mut end = kept.steps.len();
        while end > 0 {
            let start = end.saturating_sub(run);
            let mut fewer = kept.clone();
            fewer.steps.drain(start..end);
            if differs_fn(&fewer) {
                kept = fewer;
            }
            end = start;
        }
        run = if run == 1 { 0 } else { run.div_ceil(2) };
    }
    kept
}

/// Puts plainer calls in the place of others.
fn simplify(mut program: Program, differs_fn: &mut impl FnMut(&Program) -> bool) -> Program {
    for step in 0..program.steps.len() {
        'again: loop {
            for call in plainer(&program.steps[step].call) {
                let mut simpler = program.clone();
                simpler.steps[step].call = call;
                if differs_fn(&simpler) {
                    program = simpler;
                    continue 'again;
                }
            }
            break;
        }
    }
    program
}

/// Calls like this one with less to them; each leads to fewer in the end.
fn plainer(call: &Syscall) -> Vec<Syscall> {
    let mut plainer = plainer_waits(call);
    plainer.extend(plainer_interest(call));
    plainer.extend(plainer_data(call));
    plainer.extend(plainer_rest(call));
    plainer.retain(|other| other != call);
    plainer
}

/// A wait without a mask, and with a common buffer, size and time.
fn plainer_waits(call: &Syscall) -> Vec<Syscall> {
    let mut plainer = Vec::new();
    match call.clone() {
        Syscall::EpollPwait {
            epfd,
            buffer,
            maxevents,
            timeout_ms,
            mask,
        } => {
            plainer.push(Syscall::EpollWait {
                epfd,
                buffer,
                maxevents,
                timeout_ms,
            });
            if mask != SigMask::Null {
                plainer.push(Syscall::EpollPwait {
                    epfd,
                    buffer,
                    maxevents,
                    timeout_ms,
                    mask: SigMask::Null,
                });
            }
        }
        Syscall::EpollPwait2 {
            epfd,
            buffer,
            maxevents,
            timeout,
            ..
        } => plainer.push(Syscall::EpollWait {
            epfd,
            buffer,
            maxevents,
            timeout_ms: if timeout == UserTimespec::Null { -1 } else { 0 },
        }),
        Syscall::EpollWait {
            epfd,
            buffer,
            maxevents,
            timeout_ms,
        } => {
            let wait = |buffer, maxevents, timeout_ms| Syscall::EpollWait {
                epfd,
                buffer,
                maxevents,
                timeout_ms,
            };
            plainer.push(wait(Buffer::Mapped, maxevents, timeout_ms));
            plainer.push(wait(buffer, 8, timeout_ms));
            plainer.push(wait(buffer, maxevents, timeout_ms.max(-1)));
        }
        _ => {}
    }
    plainer
}

/// One file or event fewer to watch.
fn plainer_interest(call: &Syscall) -> Vec<Syscall> {
    let mut plainer = Vec::new();
    match call.clone() {
        Syscall::EpollCtl {
            epfd,
            op,
            fd,
            event: Some(event),
        } => {
            for bit in event.events.iter() {
                let mut event = event;
                event.events -= bit;
                plainer.push(Syscall::EpollCtl {
                    epfd,
                    op,
                    fd,
                    event: Some(event),
                });
            }
            let mut event = event;
            event.data = fd.0 as u64;
            plainer.push(Syscall::EpollCtl {
                epfd,
                op,
                fd,
                event: Some(event),
            });
        }
        Syscall::Ppoll { fds, timeout, .. } => plainer.push(Syscall::Poll {
            fds,
            timeout_ms: if timeout == UserTimespec::Null { -1 } else { 0 },
        }),
        Syscall::Poll { fds, timeout_ms } => {
            for index in 0..fds.len() {
                let mut fewer = fds.clone();
                fewer.remove(index);
                plainer.push(Syscall::Poll {
                    fds: fewer,
                    timeout_ms,
                });
                if fds[index].events != Events::IN && !fds[index].events.is_empty() {
                    let mut fds = fds.clone();
                    fds[index].events = Events::IN;
                    plainer.push(Syscall::Poll { fds, timeout_ms });
                }
            }
        }
        _ => {}
    }
    plainer
}

/// Less to send, receive, write or read.
fn plainer_data(call: &Syscall) -> Vec<Syscall> {
    let mut plainer = Vec::new();
    match call.clone() {
        Syscall::Sendmsg {
            fd,
            len,
            rights,
            flags,
        } => {
            for index in 0..rights.len() {
                let mut rights = rights.clone();
                rights.remove(index);
                plainer.push(Syscall::Sendmsg {
                    fd,
                    len,
                    rights,
                    flags,
                });
            }
            plainer.push(Syscall::Sendmsg {
                fd,
                len: len.min(1),
                rights: rights.clone(),
                flags,
            });
            plainer.push(Syscall::Sendmsg {
                fd,
                len,
                rights,
                flags: 0,
            });
        }
        Syscall::Recvmsg {
            fd,
            len,
            room,
            flags,
        } => {
            plainer.push(Syscall::Recvmsg {
                fd,
                len: len.min(1),
                room,
                flags,
            });
            plainer.push(Syscall::Recvmsg {
                fd,
                len,
                room,
                flags: 0,
            });
        }
        Syscall::Write { fd, len, first } => {
            for len in [1, 8].into_iter().filter(|shorter| *shorter < len) {
                plainer.push(Syscall::Write { fd, len, first });
            }
            plainer.push(Syscall::Write { fd, len, first: 1 });
        }
        Syscall::Read { fd, len } => {
            for shorter in [1, 8].into_iter().filter(|shorter| *shorter < len) {
                plainer.push(Syscall::Read { fd, len: shorter });
            }
        }
        _ => {}
    }
    plainer
}

/// No flags, no status, and an old call instead of a new one.
fn plainer_rest(call: &Syscall) -> Vec<Syscall> {
    let mut plainer = Vec::new();
    match call.clone() {
        Syscall::Pipe2 { .. } => plainer.push(Syscall::Pipe2 { flags: 0 }),
        Syscall::EpollCreate1 { .. } => plainer.push(Syscall::EpollCreate1 { flags: 0 }),
        Syscall::Eventfd2 { count, flags } => {
            plainer.push(Syscall::Eventfd2 { count: 0, flags });
            plainer.push(Syscall::Eventfd2 { count, flags: 0 });
        }
        Syscall::Socketpair { domain, kind, .. } => plainer.push(Syscall::Socketpair {
            domain,
            kind: kind & flags::SOCK_TYPE_MASK,
            protocol: 0,
        }),
        Syscall::Signalfd4 { fd, mask, .. } => {
            plainer.push(Syscall::Signalfd4 { fd, mask, flags: 0 });
        }
        Syscall::Dup3 { fd, new_fd, .. } => plainer.push(Syscall::Dup2 { fd, new_fd }),
        Syscall::Exit { status } if status != 0 => plainer.push(Syscall::Exit { status: 0 }),
        Syscall::ExitGroup { status } if status != 0 => {
            plainer.push(Syscall::ExitGroup { status: 0 });
        }
        Syscall::Vfork | Syscall::Clone { .. } => plainer.push(Syscall::Fork),
        _ => {}
    }
    plainer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Shape;
    use crate::random::generate;

    #[test]
    fn what_does_not_matter_is_left_out() {
        let program = generate(5, Shape::Single, 60);
        let has_wait = |program: &Program| {
            let mut calls = program.steps.iter().map(|step| &step.call);
            calls.any(|call| matches!(call, Syscall::EpollWait { .. }))
        };
        assert!(has_wait(&program), "the seed was chosen for it");
        assert_eq!(shrink(&program, has_wait).steps.len(), 1);
    }
}
