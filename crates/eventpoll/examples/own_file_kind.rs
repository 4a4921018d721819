//! A file kind of one's own: a mailbox that is readable while it holds letters.
//!
//! `cargo run -p eventpoll --example own_file_kind`
#![expect(clippy::print_stdout, reason = "an example prints")]

use eventpoll::{
    CustomFile, EpollEvent, Errno, Events, Fd, Kernel, Out, Outcome, Pid, Policy, Syscall, Tid,
};
use std::any::Any;

#[derive(Debug, Clone, Default)]
struct Mailbox {
    letters: u64,
}

impl CustomFile for Mailbox {
    fn poll(&self) -> Events {
        if self.letters > 0 {
            Events::READABLE
        } else {
            Events::empty()
        }
    }

    fn clone_file(&self) -> Box<dyn CustomFile> {
        Box::new(self.clone())
    }

    fn fingerprint(&self) -> u64 {
        self.letters
    }

    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}

/// A letter arrives: whoever waits for the mailbox is told.
fn deliver(kernel: &mut Kernel, task: Tid, mailbox: Fd) -> Result<(), Errno> {
    kernel.change_custom(task, mailbox, Events::READABLE, |file| {
        if let Some(mailbox) = file.as_any_mut().downcast_mut::<Mailbox>() {
            mailbox.letters += 1;
        }
    })
}

fn main() -> Result<(), Errno> {
    let mut kernel = Kernel::new(Policy::LAST_FPUT);
    let task = kernel.spawn(Pid(1));
    let epfd = kernel.epoll_create1(task, 0)?;
    let mailbox = kernel.open_custom(task, Box::<Mailbox>::default(), 0)?;
    let event = EpollEvent {
        events: Events::IN | Events::ET,
        data: 1,
    };
    kernel.epoll_ctl(task, epfd, 1, mailbox, Some(event))?;

    let wait = Syscall::EpollWait {
        epfd,
        buffer: Default::default(),
        maxevents: 1,
        timeout_ms: -1,
    };
    assert_eq!(kernel.call(task, &wait), Outcome::Blocked);
    // Somebody else's task delivers while this one sleeps.
    let other = kernel
        .clone_task(task, eventpoll::syscall::flags::CLONE_VM)?
        .0;
    let other = kernel.tid(other).expect("a task was made");
    deliver(&mut kernel, other, mailbox)?;

    let ended = kernel.drain_completions();
    let [(who, Outcome::Done(Ok(woken)))] = &ended[..] else {
        panic!("{ended:?}")
    };
    assert_eq!(
        (*who, &woken.out),
        (
            task,
            &Out::Events(
                [EpollEvent {
                    events: Events::IN,
                    data: 1
                }]
                .into()
            )
        )
    );
    println!(
        "{} was woken for its mailbox: {:?}",
        kernel.pid_of(task),
        woken.out
    );
    Ok(())
}

#[test]
fn a_delivery_wakes_who_waits_for_the_mailbox() {
    main().expect("the example runs");
}
