//! Hunts for differences between the model and the running kernel.
//!
//! `cargo run --release -p polter-check --example hunt -- COUNT [SEED [FIRST [SHAPE]]]`
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "figures are what it is for"
)]

use polter_check::random::{Options, check_random};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut options = Options::default();
    let number = |at: usize, otherwise: u64| match args.get(at) {
        Some(text) => text.parse(),
        None => Ok(otherwise),
    };
    options.count = number(0, options.count)?;
    options.seed = number(1, options.seed)?;
    options.first = number(2, options.first)?;
    if let Some(name) = args.get(3) {
        options.shapes = vec![name.parse()?];
    }
    let every = (options.count / 20).max(1);
    let report = check_random(&options, |report| {
        let programs = report.total().programs;
        if programs % every == 0 {
            eprintln!("{programs} programs, {:.0} a second", report.rate());
        }
    })?;
    println!("{report}");
    Ok(())
}
