//! A program as its calls mean it: by whom, and on the number that which call made.
//!
//! Numbers and places among the living depend on what went before. To leave a call out, or to
//! make two in the other order, a program is written with names instead: a number is "what call
//! 2 made", a process "whom call 4 bore".

use crate::act::{Act, Verb};
use crate::worlds::{FIRST_PID, empty_world, task};
use eventpoll::{Kernel, Out, Outcome, Pid, Policy, Syscall, Tid};

/// What a number or a process is called: the call that made it, and which of its two.
pub(crate) type Name = (u8, u8);

/// A call by names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Line {
    /// Its own name.
    pub(crate) id: u8,
    /// The call that bore the caller; none for the first process.
    pub(crate) who: Option<u8>,
    pub(crate) verb: Verb,
    pub(crate) a: Option<Name>,
    pub(crate) b: Option<Name>,
}

/// A call that was made, and its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Performed {
    /// The process that called.
    pub pid: Pid,
    /// The call, with the fds it had in this program.
    pub call: Syscall,
    /// What it was answered under this policy.
    pub outcome: Outcome,
}

/// Runs a program in an empty world.
///
/// Nothing if it lets somebody call who is not there.
pub fn run_program(policy: Policy, acts: &[Act]) -> Option<Vec<Performed>> {
    let mut world = empty_world(policy);
    let performed = acts.iter().map(|act| {
        let caller = task(&world, act.who)?;
        let (pid, call) = (world.pid_of(caller), act.syscall());
        let outcome = world.call(caller, &call);
        Some(Performed { pid, call, outcome })
    });
    performed.collect()
}

/// The names of a program's numbers and processes, while it runs.
#[derive(Debug, Default)]
struct Book {
    /// In whose table, the number, and which call made it.
    numbers: Vec<(Pid, u8, Name)>,
    born: Vec<(Pid, u8)>,
}

impl Book {
    fn note(&mut self, id: u8, pid: Pid, verb: Verb, outcome: &Outcome) {
        if verb.is_birth()
            && let Outcome::Done(Ok(child)) = outcome
        {
            let child = Pid(child.value as i32);
            self.born.push((child, id));
            let inherited = self.numbers.iter().filter(|(whose, ..)| *whose == pid);
            let inherited: Vec<_> = inherited.map(|(_, fd, name)| (child, *fd, *name)).collect();
            self.numbers.extend(inherited);
        }
        // A number put over another keeps its name.
        if verb != Verb::Dup2 {
            for (slot, fd) in made(verb, outcome).into_iter().enumerate() {
                self.numbers.push((pid, fd, (id, slot as u8)));
            }
        }
    }

    /// Who made a number of this process last; of another one, if they share a table.
    fn name(&self, pid: Pid, fd: u8) -> Option<Name> {
        let mut named = self
            .numbers
            .iter()
            .rev()
            .filter(|(_, known, _)| *known == fd);
        let own = named.clone().find(|(whose, ..)| *whose == pid);
        own.or_else(|| named.next()).map(|(.., name)| *name)
    }

    fn number(&self, name: Name) -> Option<u8> {
        let named = self.numbers.iter().find(|(.., known)| *known == name);
        named.map(|(_, number, _)| *number)
    }

    fn born_by(&self, pid: Pid) -> Option<u8> {
        let known = self.born.iter().find(|(child, _)| *child == pid);
        known.map(|(_, id)| *id)
    }

    fn pid(&self, who: Option<u8>) -> Option<Pid> {
        let Some(id) = who else {
            return Some(FIRST_PID);
        };
        let known = self.born.iter().find(|(_, known)| *known == id);
        known.map(|(pid, _)| *pid)
    }
}

/// The numbers that a call made.
fn made(verb: Verb, outcome: &Outcome) -> Vec<u8> {
    let Outcome::Done(Ok(done)) = outcome else {
        return Vec::new();
    };
    match &done.out {
        Out::Pair(pair) => pair.iter().map(|fd| fd.0 as u8).collect(),
        Out::Rights(fds) => fds.iter().map(|fd| fd.0 as u8).collect(),
        _ if verb.is_creating() || verb == Verb::Dup => vec![done.value as u8],
        _ => Vec::new(),
    }
}

/// A program by names, as it goes under a policy.
pub(crate) fn by_names(policy: Policy, acts: &[Act]) -> Option<Vec<Line>> {
    let mut book = Book::default();
    let performed = run_program(policy, acts)?;
    let lines = acts
        .iter()
        .zip(&performed)
        .enumerate()
        .map(|(id, (act, call))| {
            let operands = operands(act.verb);
            let line = Line {
                id: id as u8,
                who: book.born_by(call.pid),
                verb: act.verb,
                a: (operands > 0).then(|| book.name(call.pid, act.a)).flatten(),
                b: (operands > 1).then(|| book.name(call.pid, act.b)).flatten(),
            };
            book.note(id as u8, call.pid, act.verb, &call.outcome);
            line
        });
    Some(lines.collect())
}

/// How many descriptors a call names.
pub(crate) fn operands(verb: Verb) -> usize {
    match verb {
        verb if verb.is_control() => 2,
        Verb::Dup2 | Verb::Send => 2,
        Verb::Wait
        | Verb::Adopt
        | Verb::Dup
        | Verb::Close
        | Verb::Write
        | Verb::Read
        | Verb::Receive => 1,
        _ => 0,
    }
}

/// Plays a program by names. Nothing if a call names what no call before it has made.
pub(crate) fn perform_names(policy: Policy, lines: &[Line]) -> Option<Vec<(Act, Outcome)>> {
    let mut world = empty_world(policy);
    let mut book = Book::default();
    let mut performed = Vec::with_capacity(lines.len());
    for line in lines {
        let caller = world.tid(book.pid(line.who)?)?;
        let number = |name: Option<Name>| match name {
            None => Some(0),
            Some(name) => book.number(name),
        };
        let act = Act {
            who: place(&world, caller),
            verb: line.verb,
            a: number(line.a)?,
            b: number(line.b)?,
        };
        let pid = world.pid_of(caller);
        let outcome = world.call(caller, &act.syscall());
        book.note(line.id, pid, line.verb, &outcome);
        performed.push((act, outcome));
    }
    Some(performed)
}

fn place(world: &Kernel, caller: Tid) -> u8 {
    let pid = world.pid_of(caller);
    world.tasks().filter(|(_, task)| task.pid < pid).count() as u8
}
