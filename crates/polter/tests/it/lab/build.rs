//! Without a kernel: the command says so, and `kernels/build` says what it lacks.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::text;

#[test]
fn a_missing_kernel_is_said_to_be_missing() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_polter"));
    command.env("POLTER_LAB_KERNEL", "");
    command.args(["lab", "--policy", "close", "--", "true"]);
    let ran = command.output().unwrap();
    assert_eq!(ran.status.code(), Some(2));
    assert!(text(&ran.stderr).contains("kernels/build"), "{ran:?}");
}

#[test]
fn what_the_build_lacks_is_named() {
    // The line ends there, unless this machine lacks more.
    let has_others = ["bison", "bc"]
        .iter()
        .all(|name| Path::new("/usr/bin").join(name).exists());
    let end = if has_others { "\n" } else { "" };
    check_build("flex", "", &format!("missing: flex (package flex){end}"));
    check_build("", "/no/such/file", "which cannot be read\n");
    check_build("", "/dev/null", "not enough space: ");
}

#[test]
fn a_source_package_that_no_mirror_has_is_named() {
    let is_here = Path::new("/usr/src/linux-source-6.12.tar.xz").exists();
    if is_here || Command::new("apt-get").arg("--version").output().is_err() {
        eprintln!("skipped: the package is installed, or there is no apt to ask");
        return;
    }
    check_build("", "", "linux-source-6.12 cannot be fetched: ");
}

/// Runs `kernels/build` without a program, with a source or an apt that knows
/// of none, on a disk that is full.
#[track_caller]
fn check_build(lacking: &str, source: &str, expected: &str) {
    let place = TempDir::new().unwrap();
    let apt = place.path().join("apt.conf");
    let nothing = place.path().join("lists");
    fs::create_dir_all(nothing.join("partial")).unwrap();
    let settings = format!(
        "Dir::State::lists {nothing:?};\nDir::Etc::sourcelist \"/dev/null\";\nDir::Etc::sourceparts \"/dev/null\";\n"
    );
    fs::write(&apt, settings).unwrap();
    let programs = place.path().join("bin");
    fs::create_dir(&programs).unwrap();
    for dir in ["/bin", "/usr/bin"] {
        for program in fs::read_dir(dir).unwrap() {
            let name = program.unwrap().file_name();
            if name != lacking && name != "df" {
                let _ =
                    std::os::unix::fs::symlink(Path::new(dir).join(&name), programs.join(&name));
            }
        }
    }
    let df = programs.join("df");
    fs::write(&df, "#!/bin/sh\necho Avail\necho 7\n").unwrap();
    fs::set_permissions(&df, fs::Permissions::from_mode(0o755)).unwrap();
    if lacking.is_empty()
        && !["flex", "bison", "bc"]
            .iter()
            .all(|name| programs.join(name).exists())
    {
        eprintln!(
            "skipped: flex, bison or bc are not installed, which would be the first complaint"
        );
        return;
    }
    let build = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../kernels/build");
    let mut command = Command::new(build);
    command.env("PATH", &programs);
    command.env("CARGO_TARGET_DIR", place.path().join("target"));
    command.env("POLTER_LINUX_SOURCE", source);
    command.env("APT_CONFIG", &apt);
    let ran = command.output().unwrap();
    let said = text(&ran.stderr);
    assert_eq!(ran.status.code(), Some(2), "{said}");
    assert!(said.contains(expected), "{said}");
}
