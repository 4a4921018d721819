//! What each policy answers where they differ.

use eventpoll::{EpollEvent, Errno, Events, Fd, Kernel, Out, Outcome, Pid, Policy, Syscall, Tid};

/// A process with an instance at 3 that watches the reading end at 4 of a pipe, and its forked child.
struct Family {
    kernel: Kernel,
    parent: Tid,
    child: Tid,
}

impl Family {
    fn new(policy: Policy) -> Family {
        let mut kernel = Kernel::new(policy);
        let parent = kernel.spawn(Pid(100));
        for fd in 0..3 {
            kernel.assume_fd(parent, Fd(fd), eventpoll::Opaque::Pollable);
        }
        let mut family = Family {
            kernel,
            parent,
            child: parent,
        };
        family
            .call(parent, Syscall::EpollCreate1 { flags: 0 })
            .unwrap();
        family.call(parent, Syscall::Pipe2 { flags: 0 }).unwrap();
        family.ctl(parent, 1, 4).unwrap();
        family.call(parent, Syscall::Fork).unwrap();
        family.child = family
            .kernel
            .tid(Pid(101))
            .expect("the child has the next number");
        family
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "calls are written where they are made"
    )]
    fn call(&mut self, tid: Tid, call: Syscall) -> Result<(i64, Out), Errno> {
        match self.kernel.call(tid, &call) {
            Outcome::Done(result) => result.map(|ret| (ret.value, ret.out)),
            outcome => panic!("{call:?} ends at once, not with {outcome:?}"),
        }
    }

    fn ctl(&mut self, tid: Tid, op: u32, fd: i32) -> Result<(), Errno> {
        let event = EpollEvent {
            events: Events::IN,
            data: fd as u64,
        };
        self.call(
            tid,
            Syscall::EpollCtl {
                epfd: Fd(3),
                op,
                fd: Fd(fd),
                event: Some(event),
            },
        )
        .map(|_| ())
    }

    /// Writes to the pipe, if the process can, and says what the wait reports.
    fn wait(&mut self, tid: Tid) -> Result<usize, Errno> {
        let _ = self.call(
            tid,
            Syscall::Write {
                fd: Fd(5),
                len: 1,
                first: 0,
            },
        );
        let wait = Syscall::EpollWait {
            epfd: Fd(3),
            buffer: Default::default(),
            maxevents: 8,
            timeout_ms: 0,
        };
        self.call(tid, wait).map(|(count, _)| count as usize)
    }
}

/// One row of the table: an answer for each policy, Linux's first.
#[track_caller]
fn check<T: std::fmt::Debug + PartialEq>(case_fn: impl Fn(&mut Family) -> T, expected: [T; 7]) {
    for (policy, expected) in Policy::ALL.into_iter().zip(expected) {
        let mut family = Family::new(policy);
        assert_eq!(case_fn(&mut family), expected, "under {policy}");
    }
}

#[test]
fn a_childs_del_takes_the_parents_registration_unless_it_is_owned() {
    use Errno::*;
    check(
        |f| (f.ctl(f.child, 2, 4), f.wait(f.parent)),
        [
            (Ok(()), Ok(0)),
            (Ok(()), Ok(0)),
            (Ok(()), Ok(0)),
            (Err(ENOENT), Ok(1)),
            (Err(ENOENT), Ok(1)),
            (Err(ESTALE), Ok(1)),
            (Err(EBADF), Ok(1)),
        ],
    );
}

#[test]
fn a_child_that_exits_leaves_the_parents_registration_unless_every_close_counts() {
    check(
        |f| {
            f.kernel.call(f.child, &Syscall::ExitGroup { status: 0 });
            f.wait(f.parent)
        },
        [Ok(1), Ok(0), Ok(1), Ok(1), Ok(1), Ok(1), Ok(1)],
    );
}

#[test]
fn a_child_that_closes_its_copy_removes_it_where_any_slot_counts() {
    check(
        |f| {
            f.call(f.child, Syscall::Close { fd: Fd(4) }).unwrap();
            f.wait(f.parent)
        },
        [Ok(1), Ok(0), Ok(0), Ok(1), Ok(1), Ok(1), Ok(1)],
    );
}

#[test]
fn a_child_takes_over_where_items_outlive_their_maker() {
    use Errno::*;
    check(
        |f| {
            f.kernel.call(f.parent, &Syscall::ExitGroup { status: 0 });
            f.wait(f.child)
        },
        [Ok(1), Ok(0), Ok(1), Ok(0), Ok(0), Err(ESTALE), Err(EBADF)],
    );
}

#[test]
fn a_file_closed_by_its_registrant_lives_on_in_the_child_as_a_ghost() {
    check(
        |f| {
            f.call(f.parent, Syscall::Close { fd: Fd(4) }).unwrap();
            (f.wait(f.parent), f.ctl(f.parent, 2, 4))
        },
        [1, 0, 0, 0, 0, 1, 0].map(|events| (Ok(events), Err(Errno::EBADF))),
    );
}

#[test]
fn a_second_table_may_add_the_same_key_where_the_table_is_part_of_it() {
    use Errno::*;
    check(
        |f| f.ctl(f.child, 1, 4),
        [
            Err(EEXIST),
            Err(EEXIST),
            Err(EEXIST),
            Ok(()),
            Ok(()),
            Err(ESTALE),
            Err(EBADF),
        ],
    );
}

#[test]
fn no_two_policies_are_the_same() {
    for (index, policy) in Policy::ALL.iter().enumerate() {
        let namesake = Policy::NAMES[index].parse::<Policy>();
        assert_eq!(namesake, Ok(*policy));
        assert!(!Policy::ALL[..index].contains(policy), "{policy}");
    }
}
