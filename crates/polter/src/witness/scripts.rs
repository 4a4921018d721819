//! Writes witnesses as files that `polter check` runs, with the answers of every policy.

use std::fs;
use std::path::Path;

use eventpoll::Policy;
use polter_witness::{Pair, Report, Witness};

use crate::failure::Failure;

/// Writes a file for each witness that the report shows, named after the pair and the witness's
/// idiom.
pub(super) fn write(dir: &Path, report: &Report, every: bool) -> Result<(), Failure> {
    fs::create_dir_all(dir).map_err(Failure::write_file(dir))?;
    for pair in &report.pairs {
        let shown: Vec<&Witness> = if every {
            pair.witnesses.iter().collect()
        } else {
            pair.plainest()
        };
        for (place, witness) in shown.into_iter().enumerate() {
            let path = dir.join(name(pair, witness, every.then_some(place)));
            let script = witness.script(&Policy::ALL);
            fs::write(&path, script).map_err(Failure::write_file(&path))?;
        }
    }
    Ok(())
}

/// `last-fput-close-the-childs-exit.strace`.
fn name(pair: &Pair, witness: &Witness, place: Option<usize>) -> String {
    let [a, b] = pair.policies;
    let idiom = witness.idiom.replace('\'', "");
    let words = idiom.split(|letter: char| !letter.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let place = place.map_or(String::new(), |place| format!("-{}", place + 1));
    format!("{a}-{b}-{}{place}.strace", words.join("-"))
}
