//! Small programs, each with one of epoll's lifetime faults, for the tests to find.
//!
//! ```text
//! haunted CLASS                          shows the fault, checks it, ends
//! haunted CLASS --linger SECONDS         … and keeps the state for a scanner to look at
//! haunted CLASS --linger SECONDS --spin  … with the loop really spinning on its ghost
//! haunted --near-miss NAME               looks like a ghost from outside, until stdin ends, and checks itself
//! haunted --restless [--steady]          changes its descriptors until stdin ends, and checks itself
//! ```
//!
//! Every class makes its calls by themselves and in a fixed order (a child and
//! its parent hand each other the turn over pipes), so that the log of
//! `strace -f haunted CLASS` tells its story and no other. When the state is
//! reached and `--linger` was given, `ready` is printed.
//!
//! | module | what it is |
//! |---|---|
//! | [`classes`] | one program a file, and the table of their names |
//! | [`near_misses`] | programs that look haunted and are not, or not so that it does harm |
//! | [`restless`] | one that nobody may disturb, however it changes its descriptors |
//! | [`child`] | a forked child, and whose turn it is |
//! | [`showing`] | what a class shows, checks and keeps up |
//! | [`sys`] | the system calls, the only unsafe code here |

mod child;
mod classes;
mod near_misses;
mod restless;
mod showing;
mod sys;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use classes::CLASSES;
use near_misses::NEAR_MISSES;
use showing::{Fault, Linger};

/// How a run ended.
#[derive(Debug, Clone, Copy)]
enum Exit {
    /// The kernel showed the fault.
    Shown = 0,
    /// The kernel did not show it, or a call failed that should not have.
    NotShown = 1,
    /// The arguments made no sense.
    Usage = 2,
}

fn main() -> ExitCode {
    // The program's own name may hold anything.
    let words = std::env::args_os().skip(1);
    let words: Vec<String> = words.map(|it| it.to_string_lossy().into_owned()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let exit = match *words {
        ["--bystander", ref numbers @ ..] => tell("bystander", child::stand_by(numbers)),
        ["--restless"] => tell("restless", restless::run(false)),
        ["--near-miss", name] => near_miss(name),
        ["--restless", "--steady"] => tell("restless", restless::run(true)),
        [class, ref options @ ..] => start(class, options),
        [] => usage(),
    };
    ExitCode::from(exit as u8)
}

fn start(name: &str, options: &[&str]) -> Exit {
    let class = CLASSES.iter().find(|class| class.name == name);
    match (class, linger(options)) {
        (Some(class), Some(linger)) => tell(class.name, (class.run)(&linger)),
        _ => usage(),
    }
}

fn near_miss(name: &str) -> Exit {
    match NEAR_MISSES.iter().find(|it| it.name == name) {
        Some(near_miss) => tell(name, (near_miss.run)()),
        None => usage(),
    }
}

fn linger(options: &[&str]) -> Option<Linger> {
    let mut linger = None;
    let mut is_spinning = false;
    let mut options = options.iter();
    while let Some(&option) = options.next() {
        match option {
            "--linger" => {
                let seconds = options.next()?.parse().ok()?;
                linger = Some(Duration::try_from_secs_f64(seconds).ok()?);
            }
            "--spin" => is_spinning = true,
            _ => return None,
        }
    }
    (linger.is_some() || !is_spinning).then_some(Linger {
        linger,
        is_spinning,
    })
}

fn tell(name: &str, outcome: Result<(), Fault>) -> Exit {
    let Err(fault) = outcome else {
        return Exit::Shown;
    };
    // Nobody is left to be told when stderr is gone.
    let _ = writeln!(std::io::stderr(), "haunted: {name}: {fault}");
    Exit::NotShown
}

fn usage() -> Exit {
    let mut text = String::from("usage: haunted CLASS [--linger SECONDS [--spin]]\n\n");
    for class in CLASSES {
        text += &format!("  {:18} {}\n", class.name, class.story);
    }
    text += "\nusage: haunted --near-miss NAME\n\n";
    for near_miss in NEAR_MISSES {
        text += &format!("\t{:24} {}\n", near_miss.name, near_miss.story);
    }
    let _ = std::io::stderr().write_all(text.as_bytes());
    Exit::Usage
}
