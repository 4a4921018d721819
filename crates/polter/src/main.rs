//! Finds, explains and judges what epoll leaves behind.
//!
//! | module | what it does |
//! |---|---|
//! | [`cli`] | the command line, once for parsing, help, completions and man pages |
//! | [`judge_command`], [`run`], [`check`], [`witness`], [`demo`], [`pages`] | a verb each |
//! | [`drawn`] | the verb that draws a log's verdict |
//! | [`race`] | the verb that searches every interleaving of a few calls |
//! | `record` | the verb that records calls by eBPF |
//! | [`scan_command`], [`exorcise_command`] | the verbs for running processes |
//! | [`top`] | the verb that shows a live screen |
//! | [`export`] | the verb that serves counts to Prometheus |
//! | [`watch`] | the verb that tells findings while programs run |
//! | [`lab`] | the verb that runs a command in guests, each with its policy |
//! | [`families`] | the files of `strace -ff`, which are one log |
//! | [`past`] | the processes before a log began |
//! | [`ignored`] | the signals that polter was started to ignore |
//! | [`log`] | opens a log and shows the progress of reading it |
//! | [`verdicts`] | judges one log after another: reports, warnings, the exit code |
//! | [`report`] | verdicts, scans and removals, as text or as JSON |
//! | [`console`] | standard output and error, and their colours |
//! | [`fail_on`], [`exit`], [`failure`] | the exit code, and the errors |
//!
//! Nothing here knows how epoll works: the judge and the scanner say what is wrong. This crate
//! alone prints; `polter-top` draws.
#![forbid(unsafe_code)]

mod check;
mod cli;
mod console;
mod demo;
mod drawn;
mod exit;
mod exorcise_command;
mod export;
mod fail_on;
mod failure;
mod families;
mod ignored;
mod judge_command;
mod lab;
mod log;
mod pages;
mod past;
mod permission;
mod race;
#[cfg(feature = "bpf")]
mod record;
mod report;
mod run;
mod scan_command;
mod top;
mod verdicts;
mod watch;
mod why_command;
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
        // The reader has closed the pipe because it has read enough: no error.
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
        Verb::DemoWorker(worker) => demo::work(worker),
        Verb::Follow(follow) => run::follow(follow),
        Verb::Judge(judge) => judge_command::judge(judge, console),
        Verb::Report(report) => drawn::report(report, console),
        Verb::Watch(watch) => watch::watch(watch, console),
        #[cfg(feature = "bpf")]
        Verb::Record(args) => record::record(args, console),
        #[cfg(feature = "bpf")]
        Verb::Hold(hold) => record::hold(hold),
        Verb::Run(run) => run::run(run, console),
        Verb::Check(check) => check::check(check, console),
        Verb::Witness(witness) => witness::witness(witness, console),
        Verb::Race(race) => race::race(race, console),
        Verb::Scan(scan) => scan_command::scan(scan, console),
        Verb::Why(why) => why_command::why(why, console),
        Verb::Capture { dir } => scan_command::capture(dir, console),
        Verb::Exorcise(exorcise) => exorcise_command::exorcise(exorcise, console),
        Verb::Top(args) => top::top(args, console),
        Verb::Export(args) => export::export(args, console),
        Verb::Lab(lab) => lab::lab(lab, console),
        Verb::LabGuest { place, .. } => lab::guest(place),
        Verb::Completions { shell } => pages::completions(*shell, console),
        Verb::Man { dir } => pages::man(dir.as_deref(), console),
    }
}
