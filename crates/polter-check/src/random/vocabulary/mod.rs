//! The words of random programs: a call for a task, with arguments that
//! mostly mean something to it.

mod data;
mod descriptors;
mod epoll;
mod process;

use super::kinds::Kind;
use super::model_run::ModelRun;
use super::rng::Rng;
use super::shape::{Family, Shape};
use eventpoll::{Fd, Pid, Syscall, Tid};

/// A task about to make a call.
pub(crate) struct Scene<'a> {
    pub(crate) rng: &'a mut Rng,
    pub(crate) model_run: &'a ModelRun,
    pub(crate) shape: Shape,
    pub(crate) tid: Tid,
    /// Every number that a task was given.
    pub(crate) known: &'a [Pid],
}

/// How often, in a hundred, an argument is meant to be refused.
const HOSTILE: usize = 4;
/// So many numbers in use are enough.
const CROWD: usize = 14;

impl Scene<'_> {
    pub(crate) fn invent(mut self, family: Family) -> Syscall {
        let has_few = self.open().len() < 6;
        let family = match family {
            Family::Control | Family::Wait | Family::Data | Family::Poll if has_few => Family::Make,
            family => family,
        };
        match family {
            Family::Make if self.open().len() >= CROWD => Syscall::Close { fd: self.any_fd() },
            Family::Make => self.make(),
            Family::Control => self.control(),
            Family::Wait => self.wait(),
            Family::Poll => self.poll(),
            Family::Data => self.data(),
            Family::Descriptors => self.descriptors(),
            Family::Birth => self.birth(),
            Family::Process => self.process(),
            Family::Signal => self.signal(),
        }
    }

    /// The caller's numbers, each with the kind of its file.
    fn open(&self) -> Vec<(Fd, Kind)> {
        let kernel = self.model_run.kernel();
        let fds = kernel.fds(self.tid);
        fds.map(|(fd, file, _)| (fd, self.model_run.kinds.of(file)))
            .collect()
    }

    /// A number of one of these kinds, seldom of another one, or of none.
    fn fd(&mut self, is_meant: impl Fn(Kind) -> bool) -> Fd {
        let open = self.open();
        let meant: Vec<Fd> = (open.iter())
            .filter(|(_, kind)| is_meant(*kind))
            .map(|(fd, _)| *fd)
            .collect();
        if self.rng.chance(HOSTILE) {
            self.hostile_fd()
        } else if meant.is_empty() {
            self.any_fd()
        } else {
            self.rng.pick(&meant)
        }
    }

    fn epfd(&mut self) -> Fd {
        self.fd(|kind| kind == Kind::Epoll)
    }

    /// Some number the program has made.
    fn any_fd(&mut self) -> Fd {
        let open = self.open();
        let made: Vec<Fd> = (open.iter())
            .filter(|(_, kind)| *kind != Kind::Null)
            .map(|(fd, _)| *fd)
            .collect();
        match made.len() {
            0 => Fd(3),
            _ => self.rng.pick(&made),
        }
    }

    fn hostile_fd(&mut self) -> Fd {
        match self.rng.below(8) {
            0 => Fd(-1),
            1 => self
                .rng
                .pick(&[Fd(1023), Fd(1024), Fd(i32::MAX), Fd(i32::MIN), Fd(-100)]),
            2 => Fd(self.rng.below(3) as i32),
            3 | 4 => self.any_fd(),
            _ => self.small_fd(),
        }
    }

    /// A number that may be open or not.
    fn small_fd(&mut self) -> Fd {
        Fd(self.rng.below(CROWD + 3) as i32)
    }

    fn pid(&mut self) -> Pid {
        match self.rng.below(40) {
            0 => self
                .rng
                .pick(&[Pid(99_999), Pid(1), Pid(0), Pid(-1), Pid(i32::MIN)]),
            _ => self.rng.pick(self.known),
        }
    }

    /// Nothing, mostly; else one of these, or both.
    fn flags(&mut self, one: u32, other: u32) -> u32 {
        let odd = self.rng.pick(&[0x8000_0000, 0x100, 0x4, 0x20]);
        self.rng
            .weigh(&[(50, 0), (20, one), (20, other), (7, one | other), (1, odd)])
    }
}
