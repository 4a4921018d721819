//! Which calls programs are made of, and the calls that make sense in a state.

use crate::act::{Act, Verb};
use eventpoll::{Fd, FileId, Kernel, Tid};

/// The calls programs are made of, and how much there may be of things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vocabulary {
    verbs: Vec<Verb>,
    /// So many processes may live at once.
    pub processes: usize,
    /// So many numbers may be open in one table, beyond 0, 1 and 2.
    pub numbers: usize,
    /// So many instances may be open in one table, copies included.
    pub instances: usize,
}

/// The first number that is the program's own.
const FIRST: i32 = 3;

impl Vocabulary {
    /// The names of [`Vocabulary::named`], each with what it is for.
    pub const NAMED: [(&'static str, &'static str); 5] = [
        (
            "plain",
            "epoll, eventfd, add, mod, del, wait, adopt, dup, dup2, close, fork, exit",
        ),
        ("pipes", "plain, and pipe, write, read"),
        ("exec", "plain, and exec with what is closed by it"),
        ("rights", "plain, and descriptors sent over sockets"),
        ("tables", "plain, and shared tables: share, unshare"),
    ];

    const PLAIN: [Verb; 12] = [
        Verb::Instance,
        Verb::Eventfd,
        Verb::Add,
        Verb::Mod,
        Verb::Del,
        Verb::Wait,
        Verb::Adopt,
        Verb::Dup,
        Verb::Dup2,
        Verb::Close,
        Verb::Fork,
        Verb::Exit,
    ];

    /// Two processes, six numbers and two instances at most.
    pub fn new(verbs: impl IntoIterator<Item = Verb>) -> Vocabulary {
        let mut verbs: Vec<Verb> = verbs.into_iter().collect();
        verbs.sort_unstable();
        verbs.dedup();
        Vocabulary {
            verbs,
            processes: 2,
            numbers: 6,
            instances: 2,
        }
    }

    /// One of [`Vocabulary::NAMED`].
    pub fn named(name: &str) -> Option<Vocabulary> {
        let more: &[Verb] = match name {
            "plain" => &[],
            "all" => &Verb::ALL,
            "pipes" => &[Verb::Pipe, Verb::Write, Verb::Read],
            "exec" => &[Verb::InstanceCloexec, Verb::EventfdCloexec, Verb::Exec],
            "rights" => &[Verb::Socketpair, Verb::Send, Verb::Receive],
            "tables" => &[Verb::Share, Verb::Unshare],
            _ => return None,
        };
        Some(Vocabulary::new(
            Vocabulary::PLAIN.iter().chain(more).copied(),
        ))
    }

    /// The calls, in their order.
    pub fn verbs(&self) -> &[Verb] {
        &self.verbs
    }

    /// Adds calls, and takes some out.
    pub fn change(&mut self, with: &[Verb], without: &[Verb]) {
        let verbs = self.verbs.iter().chain(with).copied();
        let verbs = verbs.filter(|verb| !without.contains(verb));
        self.verbs = Vocabulary::new(verbs).verbs;
    }

    /// The calls that make sense in these worlds, in a fixed order: those that name a number
    /// open in at least one of them, of a fitting kind. What names none fails in all alike
    /// and changes nothing, so no shortest program has it.
    pub(crate) fn acts<'a>(
        &self,
        worlds: &(impl Iterator<Item = &'a Kernel> + Clone),
        acts: &mut Vec<Act>,
    ) {
        acts.clear();
        let mut tids = Vec::new();
        live(worlds.clone().next(), &mut tids);
        let may_be_born = tids.len() < self.processes;
        for (who, tid) in tids.iter().enumerate() {
            let open = Open::of(worlds.clone(), *tid);
            self.acts_of(who as u8, &open, may_be_born, acts);
        }
    }

    fn acts_of(&self, who: u8, open: &Open, may_be_born: bool, acts: &mut Vec<Act>) {
        let numbers = open.all().count();
        let instances = open.instances().count();
        for verb in &self.verbs {
            let act = |a, b| Act {
                who,
                verb: *verb,
                a,
                b,
            };
            match verb {
                Verb::Instance | Verb::InstanceCloexec => {
                    if numbers < self.numbers && instances < self.instances {
                        acts.push(act(0, 0));
                    }
                }
                Verb::Eventfd | Verb::EventfdCloexec => {
                    if numbers < self.numbers {
                        acts.push(act(0, 0));
                    }
                }
                Verb::Pipe | Verb::Socketpair => {
                    if numbers + 1 < self.numbers {
                        acts.push(act(0, 0));
                    }
                }
                Verb::Wait | Verb::Adopt => acts.extend(open.instances().map(|e| act(e, 0))),
                verb if verb.is_control() => {
                    for epfd in open.instances() {
                        let targets = open.all().filter(|fd| *fd != epfd);
                        acts.extend(targets.map(|fd| act(epfd, fd)));
                    }
                }
                Verb::Dup => {
                    if numbers < self.numbers {
                        let may_be = |fd: &u8| instances < self.instances || !open.is_instance(*fd);
                        acts.extend(open.all().filter(may_be).map(|fd| act(fd, 0)));
                    }
                }
                Verb::Dup2 => {
                    for fd in open.all() {
                        let targets = open.all().filter(|to| *to != fd);
                        acts.extend(targets.map(|to| act(fd, to)));
                    }
                }
                Verb::Close => acts.extend(open.all().map(|fd| act(fd, 0))),
                Verb::Write | Verb::Read | Verb::Receive => {
                    acts.extend(open.others().map(|fd| act(fd, 0)));
                }
                Verb::Send => {
                    for over in open.others() {
                        acts.extend(open.all().map(|fd| act(over, fd)));
                    }
                }
                Verb::Fork | Verb::Share => {
                    if may_be_born {
                        acts.push(Act::plain(who, *verb));
                    }
                }
                _ => acts.push(Act::plain(who, *verb)),
            }
        }
    }
}

/// The live tasks of a world, by their numbers.
pub(crate) fn live(world: Option<&Kernel>, tids: &mut Vec<Tid>) {
    tids.clear();
    let Some(world) = world else {
        return;
    };
    tids.extend(world.tasks().map(|(tid, _)| tid));
    tids.sort_unstable_by_key(|tid| world.pid_of(*tid));
}

/// The numbers a task has open in some world, as bits.
#[derive(Debug, Default)]
struct Open {
    all: u64,
    instances: u64,
}

impl Open {
    fn of<'a>(worlds: impl Iterator<Item = &'a Kernel>, tid: Tid) -> Open {
        let mut open = Open::default();
        for world in worlds {
            for (fd, file, _) in own_fds(world, tid) {
                let bit = 1 << (fd.0 % 64);
                open.all |= bit;
                if world.epoll_of(file).is_some() {
                    open.instances |= bit;
                }
            }
        }
        open
    }

    fn all(&self) -> impl Iterator<Item = u8> + use<> {
        bits(self.all)
    }

    fn instances(&self) -> impl Iterator<Item = u8> + use<> {
        bits(self.instances)
    }

    fn others(&self) -> impl Iterator<Item = u8> + use<> {
        bits(self.all & !self.instances)
    }

    fn is_instance(&self, fd: u8) -> bool {
        self.instances & (1 << fd) != 0
    }
}

fn own_fds(world: &Kernel, tid: Tid) -> impl Iterator<Item = (Fd, FileId, bool)> + '_ {
    world.fds(tid).filter(|(fd, ..)| fd.0 >= FIRST)
}

fn bits(mut set: u64) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        if set == 0 {
            return None;
        }
        let bit = set.trailing_zeros();
        set &= set - 1;
        Some(bit as u8)
    })
}
