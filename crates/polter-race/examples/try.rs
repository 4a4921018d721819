//! Tries a script.
#![expect(clippy::print_stdout, reason = "a tool")]
use eventpoll::steps::{Fix, Rules, Seed};
use polter_race::{Bounds, Progress, Race, replay, search};
fn main() {
    let mut args = std::env::args().skip(1);
    let path = args.next().expect("a script");
    let mut rules = Rules::LINUX;
    let mut cores = 1;
    for arg in args {
        if let Ok(fix) = arg.parse::<Fix>() {
            rules = rules.without(fix);
        } else if let Ok(seed) = arg.parse::<Seed>() {
            rules = rules.with(seed);
        } else {
            cores = arg.parse().expect("a rule or cores");
        }
    }
    let text = std::fs::read(&path).expect("readable");
    let race = Race::parse(&text).expect("a race");
    let start = race.start(rules).expect("steppable");
    let begun = std::time::Instant::now();
    let bounds = Bounds {
        cores,
        ..Bounds::default()
    };
    let report = search(&start, bounds, &Progress::default());
    let took = begun.elapsed();
    println!(
        "{:?} {:?} in {took:?}: {:.0} states/s, {:.0} steps/s",
        report.covered,
        report.limit,
        report.covered.states as f64 / took.as_secs_f64(),
        report.covered.steps as f64 / took.as_secs_f64()
    );
    if let Some(found) = report.found {
        let run = replay(&start, &found.schedule);
        for told in &run.story.told {
            println!(
                "{:3} {}{} {}: {}",
                told.step,
                "\t\t\t\t\t".repeat(told.task),
                start.pid(told.task),
                told.function,
                told.text
            );
        }
        println!("{}", found.schedule.text(&start));
        println!("{:?}", run.found);
    }
}
