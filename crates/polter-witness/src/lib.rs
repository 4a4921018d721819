//! The shortest programs that tell two policies apart.
#![forbid(unsafe_code)]
#![allow(dead_code, missing_docs, reason = "wip")]

mod act;
mod graph;
mod question;
mod search;
mod vocabulary;
mod worlds;

pub use act::{Act, Verb};
pub use search::{Covered, Effort, Options, Shard};
pub use vocabulary::Vocabulary;

pub fn probe(vocabulary: &str, calls: usize, threads: usize, thorough: bool, numbers: usize, instances: usize) {
    let mut v = Vocabulary::named(vocabulary).unwrap();
    v.numbers = numbers;
    v.instances = instances;
    let options = Options { calls, threads, is_thorough: thorough, ..Options::default() };
    let policies = eventpoll::Policy::ALL;
    let mut pairs = vec![];
    for a in 0..7 { for b in a + 1..7 { pairs.push((a, b)); } }
    let t = std::time::Instant::now();
    let found = search::Search::new(&policies, &pairs, &v, &options).run();
    let dt = t.elapsed().as_secs_f64();
    let kernels: u64 = found.efforts.iter().map(|e| e.kernels).sum();
    eprintln!("{:?} {:#?} {dt:.2}s {:.0} kernels/s bytes {}", found.covered, found.efforts, kernels as f64 / dt, found.graph.bytes());
    eprintln!("diffs {}", found.graph.differences.len());
    for ((a, b), l) in found.lengths { eprintln!("{} {} {:?}", eventpoll::Policy::NAMES[a], eventpoll::Policy::NAMES[b], l); }
}
