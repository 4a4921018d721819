//! probe
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let n = |i: usize, d: usize| a.get(i).and_then(|s| s.parse().ok()).unwrap_or(d);
    polter_witness::probe(&a[1], n(2, 5), n(3, 1), n(4, 0) == 1, n(5, 6), n(6, 2));
}
