//! Which question of a policy a call asks, if any.
//!
//! Worlds that are alike but for their policies stay alike through a call that asks nothing,
//! so that one of them is enough; and through one that asks something, one for each answer.
//! Asking too often costs time and changes nothing.

use crate::act::{Act, Verb};
use eventpoll::{Dies, Fd, FileId, Inherited, Kernel, Key, Policy, Tid};

/// What a call may ask of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    /// Nothing: every policy does it alike.
    None,
    /// A slot with registrations is cleared: which of them die?
    Dies { is_exiting: bool },
    /// Is an inherited instance of use, and whose registrations are seen?
    Control,
    /// Is an inherited instance of use?
    Inherited,
    /// Is an instance copied?
    Copied,
    /// Whatever there is: this call does several of these.
    All,
}

impl Question {
    /// What this call asks in this world.
    pub(crate) fn of(act: Act, world: &Kernel, caller: Tid) -> Question {
        let is_watched = |fd: u8| is_watched(world, world.fd(caller, Fd(fd.into())));
        match act.verb {
            Verb::Close if is_watched(act.a) => Question::Dies { is_exiting: false },
            Verb::Dup2 if is_watched(act.b) => Question::Dies { is_exiting: false },
            Verb::Exit
                if world
                    .fds(caller)
                    .any(|fd| self::is_watched(world, Some(fd.1))) =>
            {
                Question::Dies { is_exiting: true }
            }
            Verb::Fork if world.fds(caller).any(|fd| world.epoll_of(fd.1).is_some()) => {
                Question::Copied
            }
            Verb::Wait if is_inherited(world, caller, act.a) => Question::Inherited,
            verb if verb.is_control()
                && (is_inherited(world, caller, act.a) || is_watched(act.b)) =>
            {
                Question::Control
            }
            Verb::Adopt | Verb::Unshare | Verb::Exec => Question::All,
            _ => Question::None,
        }
    }

    /// A policy's answer, as a number: equal answers, equal worlds.
    pub(crate) fn answer(self, policy: &Policy) -> u8 {
        match self {
            Question::None | Question::All => 0,
            Question::Dies { is_exiting } => match policy.dies {
                Dies::LastReference => 0,
                Dies::AnySlot { at_exit } if is_exiting && !at_exit => 0,
                Dies::AnySlot { .. } => 1,
                Dies::OwnersSlot => 2,
            },
            Question::Control => {
                u8::from(policy.key == Key::TableFileFd) + 2 * self.is_refused(policy)
            }
            Question::Inherited => self.is_refused(policy),
            Question::Copied => (policy.inherited == Inherited::NotCopied).into(),
        }
    }

    fn is_refused(self, policy: &Policy) -> u8 {
        (policy.inherited == Inherited::Stale).into()
    }
}

fn is_watched(world: &Kernel, file: Option<FileId>) -> bool {
    file.is_some_and(|file| world.registrations_of_file(file).next().is_some())
}

fn is_inherited(world: &Kernel, caller: Tid, fd: u8) -> bool {
    let descriptor = world.descriptor(caller, Fd(fd.into()));
    descriptor.is_some_and(|descriptor| descriptor.is_inherited)
}
