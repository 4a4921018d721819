//! Finds, explains and judges what epoll leaves behind.
//!
//! | module | what it does |
//! |---|---|
//! | [`cli`] | the command line, once for parsing, help, completions and man pages |
//! | [`judge_command`], [`run`], [`check`], [`witness`], [`demo`], [`pages`] | a verb each |
//! | [`race`] | every order in which a few calls can interleave |
//! | [`scan_command`], [`exorcise_command`] | the verbs that look at running processes |
//! | [`lab`] | the verb that runs a command in guests, each with its policy |
//! | [`families`] | the files of `strace -ff`, which are one log |
//! | [`past`] | what was there before a log began |
//! | [`log`] | opens a log and shows how far its reading is |
//! | [`verdicts`] | judges one log after another: reports, warnings, the exit code |
//! | [`report`] | a verdict as text or as JSON |
//! | [`console`] | where reports and complaints go, and in which colours |
//! | [`fail_on`], [`exit`], [`failure`] | what the exit code says |
//!
//! Nothing here knows how epoll works: the judge says what is wrong, and this
//! crate alone prints.
#![forbid(unsafe_code)]

mod check;
mod cli;
mod console;
mod demo;
mod exit;
mod exorcise_command;
mod fail_on;
mod failure;
mod families;
mod judge_command;
mod lab;
mod log;
mod pages;
mod past;
mod race;
mod report;
mod run;
mod scan_command;
mod verdicts;
mod witness;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Verb};
use console::Console;
use exit::Exit;
use failure::Failure;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let console = Console::new(cli.color.into());
    let exit = start(&cli.verb, &console).unwrap_or_else(|failure| {
        // A reader that went away has seen what it wanted to see.
        if failure.is_broken_pipe() {
            return Exit::Clean;
        }
        console.complain(&failure);
        Exit::Error
    });
    exit.into()
}

fn start(verb: &Verb, console: &Console) -> Result<Exit, Failure> {
    match verb {
        Verb::Demo(demo) => demo::demo(demo, console),
        Verb::Haunt(haunt) => demo::haunt(haunt),
        Verb::Follow(follow) => run::follow(follow),
        Verb::Judge(judge) => judge_command::judge(judge, console),
        Verb::Run(run) => run::run(run, console),
        Verb::Check(check) => check::check(check, console),
        Verb::Witness(witness) => witness::witness(witness, console),
        Verb::Race(race) => race::race(race, console),
        Verb::Scan(scan) => scan_command::scan(scan, console),
        Verb::Capture { dir } => scan_command::capture(dir, console),
        Verb::Exorcise(exorcise) => exorcise_command::exorcise(exorcise, console),
        Verb::Lab(lab) => lab::lab(lab, console),
        Verb::LabGuest { place, .. } => lab::guest(place),
        Verb::Completions { shell } => pages::completions(*shell, console),
        Verb::Man { dir } => pages::man(dir.as_deref(), console),
    }
}
