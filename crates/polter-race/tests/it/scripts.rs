//! The scripts of `scenarios/races`.

use eventpoll::stepped::{Rules, Stepped};
use polter_race::{Bounds, Progress, Race, Report, search};
use std::path::{Path, PathBuf};

/// Every script, by its name.
pub(crate) fn all() -> Vec<(String, Race)> {
    let folder = folder();
    let files = std::fs::read_dir(&folder).expect("the scripts can be listed");
    let mut paths: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    let races = paths.iter().map(|path| {
        let name = path.file_stem().expect("a name").to_string_lossy();
        (name.into_owned(), load(path))
    });
    races.collect()
}

/// One script at its start.
pub(crate) fn start(name: &str, rules: Rules) -> Stepped {
    let race = load(&folder().join(format!("{name}.strace")));
    race.start(rules).expect("it can be stepped")
}

/// Everything, on one core.
pub(crate) fn explore(start: &Stepped) -> Report {
    search(start, Bounds::default(), &Progress::default())
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios/races")
}

fn load(path: &Path) -> Race {
    let text = std::fs::read(path).expect("a script can be read");
    Race::parse(&text).unwrap_or_else(|error| panic!("{}:{error}", path.display()))
}
