//! The model and the kernel that has a policy answer alike.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Lab, POLICIES, text};

#[test]
fn every_cell_of_the_table_holds_on_the_kernel_that_has_the_policy() {
    let Some(lab) = Lab::new("the table's cells, three ways") else {
        return;
    };
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scenarios");
    let files = fs::read_dir(scenarios).unwrap().map(|file| file.unwrap());
    let is_cell = |path: &PathBuf| path.to_string_lossy().contains("/table-");
    let mut cells: Vec<PathBuf> = files.map(|file| file.path()).filter(is_cell).collect();
    cells.sort();
    assert_eq!(cells.len(), 7);
    for policy in POLICIES {
        check_all_agree(&lab, policy, &cells);
    }
}

#[test]
fn every_witness_holds_on_the_kernels_of_both_its_policies() {
    let Some(lab) = Lab::new("the witnesses of every pair of policies, on both kernels") else {
        return;
    };
    let mut search = lab.polter();
    search.args([
        "witness", "--all", "--show", "longer", "--format", "json", "--every",
    ]);
    let ran = search.output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    let pairs = report["witness"]["pairs"].as_array().unwrap();
    assert_eq!(pairs.len(), 21);
    for policy in POLICIES {
        let its_own = |pair: &&serde_json::Value| {
            let policies = pair["policies"].as_array().unwrap();
            policies.iter().any(|it| it == policy)
        };
        let dir = lab.place.path().join(policy);
        fs::create_dir(&dir).unwrap();
        let witnesses = pairs
            .iter()
            .filter(its_own)
            .flat_map(|pair| pair["witnesses"].as_array().unwrap());
        let scripts: Vec<PathBuf> = witnesses
            .enumerate()
            .map(|(at, witness)| {
                let path = dir.join(format!("{at}.strace"));
                fs::write(&path, witness["script"].as_str().unwrap()).unwrap();
                path
            })
            .collect();
        assert!(scripts.len() > 100, "{policy}: {}", scripts.len());
        check_all_agree(&lab, policy, &scripts);
    }
}

#[test]
fn every_fact_holds_under_every_policy() {
    let Some(lab) = Lab::new("162 facts under seven policies") else {
        return;
    };
    for policy in POLICIES {
        let mut command = lab.polter();
        command.args(["check", "--conformance", "--policy", policy]);
        let ran = command.output().unwrap();
        let told = text(&ran.stdout);
        assert_eq!(ran.status.code(), Some(0), "{policy}: {told}");
        assert!(told.contains(" 0 broken, 2 skipped"), "{policy}: {told}");
    }
}

#[test]
fn random_programs_agree_under_every_policy() {
    let Some(lab) = Lab::new("random programs under seven policies") else {
        return;
    };
    for policy in POLICIES {
        let mut command = lab.polter();
        command.args([
            "check", "--random", "200", "--seed", "5", "--policy", policy,
        ]);
        let ran = command.output().unwrap();
        assert_eq!(
            ran.status.code(),
            Some(0),
            "{policy}: {}",
            text(&ran.stdout)
        );
    }
}

/// The model and the kernel that has the policy answer each script as it says.
#[track_caller]
fn check_all_agree(lab: &Lab, policy: &str, scripts: &[PathBuf]) {
    let mut command = lab.polter();
    command.args(["check", "--policy", policy]).args(scripts);
    let ran = command.output().unwrap();
    let told = text(&ran.stdout);
    assert_eq!(ran.status.code(), Some(0), "{policy}: {told}");
    let agreeing = told
        .lines()
        .filter(|line| line.contains("agrees") && line.contains("model and Linux"));
    assert_eq!(agreeing.count(), scripts.len(), "{policy}: {told}");
}
