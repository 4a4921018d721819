//! The files of `strace -ff` among the logs named: `log.100`, `log.101`, …, one for each task.

use std::fs::File;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use polter_input::{Damage, Family, FamilyError, Input, InputError, Opener, Packing};

use crate::console::Console;
use crate::failure::Failure;
use crate::log::Log;

/// A path, or several, that are judged as one log.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Named<'a> {
    /// A file, or standard input.
    One(&'a Path),
    /// Files that may belong together: their common name, and each file with its tid.
    Several(PathBuf, Vec<(u32, &'a Path)>),
}

/// Groups files whose names differ only in a number at the end. A group stands where its first file
/// stood.
pub(crate) fn group(paths: &[PathBuf]) -> Vec<Named<'_>> {
    let mut groups: Vec<Named<'_>> = Vec::new();
    for path in paths {
        let Some((stem, number)) = split(path) else {
            groups.push(Named::One(path));
            continue;
        };
        let known = groups.iter_mut().find_map(|group| match group {
            Named::Several(other, files) if *other == stem => Some(files),
            _ => None,
        });
        match known {
            Some(files) => files.push((number, path)),
            None => groups.push(Named::Several(stem, vec![(number, path)])),
        }
    }
    let alone = |group| match group {
        Named::Several(_, files) if files.len() == 1 => Named::One(files[0].1),
        group => group,
    };
    groups.into_iter().map(alone).collect()
}

/// Splits `dir/log.100` and `dir/log.100.gz` into `dir/log` and 100.
fn split(path: &Path) -> Option<(PathBuf, u32)> {
    let extension = path.extension()?.to_str()?;
    let packings = [Packing::Gzip, Packing::Xz, Packing::Zstd];
    if packings
        .iter()
        .any(|packing| packing.extension() == extension)
    {
        return split(&path.with_extension(""));
    }
    let is_number = extension.bytes().all(|byte| byte.is_ascii_digit());
    let number = extension.parse().ok().filter(|_| is_number)?;
    Some((path.with_extension(""), number))
}

/// Merges the files of a group; `None` if each of them is a log by itself.
pub(crate) fn open(
    stem: &Path,
    files: &[(u32, &Path)],
    console: &Console,
) -> Result<Option<Log>, Failure> {
    let damage = Damage::default();
    let openers = files
        .iter()
        .map(|(pid, path)| (*pid, opener(path, &damage)));
    let family = match Family::new(openers.collect()) {
        Ok(family) => family,
        Err(FamilyError::HasNumbers | FamilyError::NoLog | FamilyError::Read(_)) => {
            return Ok(None);
        }
        Err(error @ (FamilyError::NoTimes | FamilyError::CoarseTimes)) => {
            return Err(Failure::Family {
                path: name(stem),
                count: files.len(),
                what: match error {
                    FamilyError::NoTimes => "have no time stamps",
                    _ => "have time stamps that are too coarse",
                },
            });
        }
    };
    let input = Input::of_family(family, damage);
    Ok(Some(Log::of_input(name(stem), input, console)))
}

fn name(stem: &Path) -> PathBuf {
    let mut name = stem.as_os_str().to_owned();
    name.push(".*");
    PathBuf::from(name)
}

fn opener(path: &Path, damage: &Damage) -> Opener {
    let (path, damage) = (path.to_owned(), damage.clone());
    Box::new(move || {
        let file = File::open(&path)?;
        match Input::with_damage(file, damage.clone()) {
            Ok(input) => Ok(input.lines),
            Err(InputError::Empty) => {
                let nothing: Box<dyn BufRead> = Box::new(io::empty());
                Ok(nothing)
            }
            Err(InputError::Read(error)) => Err(error),
            Err(_) => Err(io::ErrorKind::InvalidData.into()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_differ_in_a_number_belong_together() {
        check(&["log.7", "a", "log.12", "log.9.gz"], &["log: 7 12 9", "a"]);
        check(&["x/log.7", "y/log.8"], &["x/log.7", "y/log.8"]);
        check(&["log.7", "other.7"], &["log.7", "other.7"]);
        check(&["log.+7", "log.8a", "log."], &["log.+7", "log.8a", "log."]);
    }

    #[track_caller]
    fn check(names: &[&str], expected: &[&str]) {
        let paths: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
        let groups = group(&paths).into_iter().map(|group| match group {
            Named::One(path) => path.display().to_string(),
            Named::Several(stem, files) => {
                let numbers = files.iter().map(|(number, _)| format!(" {number}"));
                format!("{}:{}", stem.display(), numbers.collect::<String>())
            }
        });
        assert_eq!(groups.collect::<Vec<_>>(), expected);
    }
}
