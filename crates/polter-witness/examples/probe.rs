//! probe
use polter_witness::*;
use eventpoll::Policy;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let n = |i: usize, d: usize| a.get(i).and_then(|s| s.parse().ok()).unwrap_or(d);
    let v = Vocabulary::named(&a[1]).unwrap();
    let options = Options { calls: n(2, 6), threads: n(3, 1), is_thorough: n(4, 0) == 1, ..Options::default() };
    let policies: Vec<Policy> = match a.get(5) { Some(l) if l != "all" => l.split(',').map(|p| p.parse().unwrap()).collect(), _ => Policy::ALL.to_vec() };
    let t = std::time::Instant::now();
    let r = hunt(&policies, &v, &options);
    eprintln!("{:.2}s {:?} {:?}", t.elapsed().as_secs_f64(), r.covered, r.effort());
    for p in &r.pairs {
        println!("== {} {}: {:?} alike {} compared {} {}", p.policies[0], p.policies[1], p.calls, p.alike, p.compared, p.is_cut);
        for w in p.plainest() {
            println!("  [{}] {} calls, {} forms, {} programs", w.idiom, w.acts.len(), w.forms, w.programs);
            println!("{}", script(&w.sentence, &w.acts, &p.policies).unwrap());
        }
    }
}
