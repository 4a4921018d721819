//! Every file under `scenarios/` says what is so.

use crate::refresh;
use eventpoll::{Policy, Version};
use polter_check::{Difference, Model, Running, Script, run};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(crate) fn all() -> BTreeMap<String, PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let files = std::fs::read_dir(folder).expect("the scenarios are there");
    let paths = files.map(|file| file.expect("a folder can be listed").path());
    let scripts = paths.filter(|path| path.extension().is_some_and(|end| end == "strace"));
    scripts
        .map(|path| {
            (
                path.file_stem().unwrap().to_string_lossy().into_owned(),
                path,
            )
        })
        .collect()
}

pub(crate) fn read(path: &Path) -> Script {
    let text = std::fs::read(path).expect("a scenario can be read");
    Script::parse(&text).unwrap_or_else(|error| panic!("{}:{error}", path.display()))
}

#[track_caller]
fn report(failures: &[(String, Policy, Difference)]) {
    let shown: Vec<String> = failures
        .iter()
        .map(|(name, policy, difference)| format!("{name} under {policy}, {difference}"))
        .collect();
    assert!(
        failures.is_empty(),
        "{} differ:\n{}",
        failures.len(),
        shown.join("\n")
    );
}

/// Every policy, on each version that the model is held against.
fn everywhere() -> impl Iterator<Item = (Policy, Version)> {
    let versions = [(6, 1), (6, 12), (6, 18)];
    let versions = versions.map(|(major, minor)| Version::new(major, minor));
    let each_fn = move |policy| versions.map(|version| (policy, version));
    Policy::ALL.into_iter().flat_map(each_fn)
}

#[test]
fn every_scenario_answers_as_written_under_every_policy() {
    let mut failures = Vec::new();
    for (name, path) in all() {
        if std::env::var_os("REFRESH").is_some() {
            refresh::rewrite(&path);
        }
        let script = read(&path);
        assert!(!script.title.is_empty(), "{name} says what it shows");
        for (policy, version) in everywhere() {
            let mut model = Model::new(policy, version, script.first());
            if let Some(difference) = run(&script, policy, &mut model).expect("a model cannot fail")
            {
                failures.push((format!("{name} on {version}"), policy, difference));
            }
        }
    }
    report(&failures);
}

/// Answers that no running kernel gives: it has none of the policies that
/// know these calls, or none of these devices.
const NOT_ON_A_KERNEL: [&str; 1] = ["device-"];

#[test]
#[expect(clippy::print_stderr, reason = "what is skipped is skipped aloud")]
fn every_scenario_answers_as_written_on_the_running_kernel() {
    let mut failures = Vec::new();
    let mut running: Option<Running> = None;
    for (name, path) in all() {
        if NOT_ON_A_KERNEL
            .iter()
            .any(|prefix| name.starts_with(prefix))
        {
            eprintln!("skipped: {name} needs a device that only the model has");
            continue;
        }
        let script = read(&path);
        match &mut running {
            Some(running) => running
                .restart(script.first())
                .expect("a world can be left"),
            None => match Running::start(script.first()) {
                Ok(started) => running = Some(started),
                Err(error) => {
                    eprintln!("skipped: no script can be run here: {error}");
                    return;
                }
            },
        }
        let backend = running.as_mut().expect("it was started above");
        match run(&script, Policy::LAST_FPUT, backend) {
            Ok(None) => {}
            Ok(Some(difference)) => failures.push((name, Policy::LAST_FPUT, difference)),
            Err(error) => panic!("{name}: {error}"),
        }
    }
    report(&failures);
}
