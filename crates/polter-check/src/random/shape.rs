//! What a random program is made of, by and large.

use std::fmt;
use std::str::FromStr;

/// The kind of a random program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// One process, and nothing that waits.
    Single,
    /// Threads that wait, and others that wake them.
    Threads,
    /// Processes: forks, execs, exits, signals, files sent about.
    Processes,
    /// Instances that watch instances.
    Nested,
}

/// How often each family of calls comes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// New files.
    Make,
    /// `epoll_ctl(2)`.
    Control,
    /// Waits for events.
    Wait,
    /// `poll(2)`.
    Poll,
    /// Bytes, messages, timers.
    Data,
    /// Descriptors: copied, closed, marked.
    Descriptors,
    /// New tasks.
    Birth,
    /// Processes: made, ended, awaited, compared.
    Process,
    /// Signals.
    Signal,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Shape; 4] = [
        Shape::Single,
        Shape::Threads,
        Shape::Processes,
        Shape::Nested,
    ];

    /// The name, as the command line has it.
    pub fn name(self) -> &'static str {
        match self {
            Shape::Single => "single",
            Shape::Threads => "threads",
            Shape::Processes => "processes",
            Shape::Nested => "nested",
        }
    }

    pub(crate) fn families(self) -> [(usize, Family); 8] {
        let [
            make,
            control,
            wait,
            poll,
            data,
            descriptors,
            process,
            signal,
        ] = match self {
            Shape::Single => [14, 28, 20, 5, 18, 12, 1, 2],
            Shape::Threads => [8, 18, 28, 7, 24, 7, 4, 4],
            Shape::Processes => [10, 16, 14, 3, 16, 13, 20, 8],
            Shape::Nested => [12, 36, 22, 8, 14, 6, 1, 1],
        };
        [
            (make, Family::Make),
            (control, Family::Control),
            (wait, Family::Wait),
            (poll, Family::Poll),
            (data, Family::Data),
            (descriptors, Family::Descriptors),
            (process, Family::Process),
            (signal, Family::Signal),
        ]
    }

    /// How often, in a hundred, a call that may wait is made to.
    pub(crate) fn blocking(self) -> usize {
        match self {
            Shape::Single => 10,
            Shape::Threads => 65,
            Shape::Processes => 35,
            Shape::Nested => 25,
        }
    }

    /// How often, in a hundred, a program begins with one more task, and another.
    pub(crate) fn company(self) -> usize {
        match self {
            Shape::Single => 0,
            Shape::Threads => 85,
            Shape::Processes => 60,
            Shape::Nested => 25,
        }
    }

    /// How often, in a hundred, a new file is an instance.
    pub(crate) fn instances(self) -> usize {
        match self {
            Shape::Nested => 65,
            _ => 30,
        }
    }
}

/// A name that no shape has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no shape of programs is called {0:?}; there are single, threads, processes, nested")]
pub struct UnknownShape(pub String);

impl FromStr for Shape {
    type Err = UnknownShape;

    fn from_str(name: &str) -> Result<Shape, UnknownShape> {
        let named = Shape::ALL.into_iter().find(|shape| shape.name() == name);
        named.ok_or_else(|| UnknownShape(name.to_string()))
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
