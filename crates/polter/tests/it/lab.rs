//! `polter lab`, and checks in guests: on a kernel that `kernels/build` has built.
//!
//! Without one these are skipped, aloud.
#![allow(clippy::print_stderr, reason = "what is skipped is said")]

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

const POLICIES: [&str; 7] = [
    "last-fput",
    "close",
    "close-not-exit",
    "owner",
    "owner-adopt",
    "stale",
    "not-inherited",
];

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

#[test]
fn output_and_exit_code_are_passed_on() {
    let Some(lab) = Lab::new("what is passed on") else {
        return;
    };
    let ran = lab.sh("echo out; echo err >&2; exit 7", &[]);
    assert_eq!(ran.status.code(), Some(7));
    assert_eq!(text(&ran.stdout), "out\n");
    assert_eq!(text(&ran.stderr), "err\n");
    assert_eq!(lab.sh("kill -9 $$", &[]).status.code(), Some(137));
    assert_eq!(lab.sh("cat", &[]).status.code(), Some(0), "no input");
    let none = lab.run(&["/no/such/program"], &[]);
    assert_eq!(none.status.code(), Some(2));
    assert!(text(&none.stderr).contains("/no/such/program: cannot start"));
}

#[test]
fn much_output_comes_whole() {
    let Some(lab) = Lab::new("much output") else {
        return;
    };
    let ran = lab.sh("seq 200000; seq 200000 | tr 0-9 a-j", &[]);
    let numbers: String = (1..=200_000).map(|n| format!("{n}\n")).collect();
    let letter = |c: char| {
        c.to_digit(10)
            .map_or(c, |digit| (b'a' + digit as u8) as char)
    };
    let letters: String = numbers.chars().map(letter).collect();
    assert!(text(&ran.stdout) == numbers + &letters);
}

#[test]
fn a_guest_ends_in_time() {
    let Some(lab) = Lab::new("the time limit") else {
        return;
    };
    let ran = lab.sh("sleep 1000 & sleep 1000", &["--time-limit", "1"]);
    assert_eq!(ran.status.code(), Some(124));
    lab.assert_nothing_is_left();
}

#[test]
fn what_a_guest_writes_stays_in_the_guest() {
    let Some(lab) = Lab::new("the host's files") else {
        return;
    };
    let ours = lab.place.path().join("ours");
    fs::write(&ours, "ours").unwrap();
    let script = format!(
        "cd {} && echo theirs > ours && cat ours && echo new > new && rm -r {} && ls",
        lab.place.path().display(),
        lab.place.path().join("tmp").display(),
    );
    let ran = lab.sh(&script, &[]);
    assert!(text(&ran.stdout).contains("theirs\n"), "{ran:?}");
    assert_eq!(fs::read_to_string(&ours).unwrap(), "ours");
    assert!(!lab.place.path().join("new").exists());
    assert!(lab.place.path().join("tmp").exists());
}

#[test]
fn root_of_a_guest_cannot_make_the_host_writable() {
    let Some(lab) = Lab::new("mounting the host's files") else {
        return;
    };
    if !rustix::process::getuid().is_root() {
        eprintln!("skipped: an ordinary user is no root in a guest, and cannot even try to mount");
        return;
    }
    let host = lab.place.path().display();
    // Where it cannot mount anything, it would not show anything either.
    let script = format!(
        "mkdir /m && mount -t hostfs none /m && ls /m{host} && ! touch /m{host}/new &&
         ! mount -o remount,rw /m && ! touch /m{host}/new &&
         mkdir /n && mount -t hostfs -o {host} none /n && ! touch /n/new && echo stood"
    );
    let ran = lab.sh(&script, &[]);
    assert!(text(&ran.stdout).ends_with("stood\n"), "{ran:?}");
    assert!(!lab.place.path().join("new").exists());
}

#[test]
fn a_guest_reaches_no_network() {
    let Some(lab) = Lab::new("the network") else {
        return;
    };
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let ran = lab.run(
        &[
            "bash",
            "-c",
            &format!(
                "tail -n +3 /proc/net/dev | cut -d: -f1; tail -n +2 /proc/net/route;
                 (echo > /dev/tcp/127.0.0.1/{port}) 2>/dev/null && echo reached;
                 (echo > /dev/tcp/192.0.2.1/80) 2>&1 | grep -o -m 1 'Network is unreachable'"
            ),
        ],
        &[],
    );
    assert_eq!(
        text(&ran.stdout).trim(),
        "lo\nNetwork is unreachable",
        "{ran:?}"
    );
    assert!(listener.accept().is_err());
}

#[test]
fn a_killed_polter_takes_its_guest_along() {
    let Some(lab) = Lab::new("what a killed polter leaves") else {
        return;
    };
    for signal in ["TERM", "KILL"] {
        let mut command = lab.polter();
        command
            .args(["lab", "--policy", "close", "--", "sh", "-c"])
            .arg("echo begun; while :; do :; done")
            .stdout(Stdio::piped());
        let mut polter = command.spawn().unwrap();
        let mut begun = [0; 5];
        polter
            .stdout
            .as_mut()
            .unwrap()
            .read_exact(&mut begun)
            .unwrap();
        let kill = format!("kill -{signal} {}", polter.id());
        Command::new("sh").args(["-c", &kill]).status().unwrap();
        polter.wait().unwrap();
        if signal == "TERM" {
            lab.assert_nothing_is_left();
        }
        lab.wait_for_no_guest();
    }
}

#[test]
fn several_policies_make_a_table() {
    let Some(lab) = Lab::new("the table of outcomes") else {
        return;
    };
    let mut command = lab.polter();
    command.args(["lab", "--all", "--", "sh", "-c"]);
    command.arg("read policy < /proc/sys/fs/epoll/lifetime; echo $policy; [ $policy != stale ]");
    let ran = command.output().unwrap();
    let told = text(&ran.stdout);
    assert_eq!(ran.status.code(), Some(1), "{told}");
    for policy in POLICIES {
        let row = told
            .lines()
            .find(|row| row.split(' ').next() == Some(policy));
        let row = row.unwrap_or_else(|| panic!("{policy}: {told}"));
        assert!(row.ends_with(&format!("  {policy}")), "{row}");
        assert_eq!(row.contains("exit code 1"), policy == "stale", "{row}");
    }
}

#[test]
fn an_ordinary_user_may() {
    let Some(lab) = Lab::new("an ordinary user") else {
        return;
    };
    if !rustix::process::getuid().is_root() {
        eprintln!("skipped: all the other tests have shown it");
        return;
    }
    const NOBODY: u32 = 65534;
    let everybody = fs::Permissions::from_mode(0o777);
    fs::set_permissions(lab.place.path(), everybody.clone()).unwrap();
    fs::set_permissions(lab.place.path().join("tmp"), everybody).unwrap();
    let mut command = lab.polter();
    command
        .args(["lab", "--policy", "stale", "--", "sh", "-c"])
        .arg("id -u; touch here; echo $?")
        .current_dir(lab.place.path())
        .uid(NOBODY)
        .gid(NOBODY);
    match command.output() {
        Ok(ran) => assert_eq!(text(&ran.stdout), "65534\n0\n", "{ran:?}"),
        Err(error) => eprintln!("skipped: nobody may not run what is built here: {error}"),
    }
}

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

/// The lab, with a place of its own for what guests leave behind.
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

struct Lab {
    place: TempDir,
}

impl Lab {
    /// Nothing, said aloud, where no kernel is built.
    fn new(what: &str) -> Option<Lab> {
        let place = TempDir::new().unwrap();
        fs::create_dir(place.path().join("tmp")).unwrap();
        let lab = Lab { place };
        let ran = lab.run(&["true"], &[]);
        if text(&ran.stderr).contains("is not built") {
            eprintln!("skipped: the lab's kernel is not built, which would show: {what}");
            return None;
        }
        assert_eq!(ran.status.code(), Some(0), "{ran:?}");
        Some(lab)
    }

    fn polter(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_polter"));
        command.env("TMPDIR", self.place.path().join("tmp"));
        command
    }

    fn run(&self, command: &[&str], options: &[&str]) -> Output {
        let mut polter = self.polter();
        polter.args(["lab", "--policy", "close"]).args(options);
        polter.arg("--").args(command).output().unwrap()
    }

    fn sh(&self, script: &str, options: &[&str]) -> Output {
        self.run(&["sh", "-c", script], options)
    }

    fn assert_nothing_is_left(&self) {
        let left = fs::read_dir(self.place.path().join("tmp")).unwrap();
        let left: Vec<_> = left.map(|file| file.unwrap().path()).collect();
        assert!(left.is_empty(), "{left:?}");
        self.wait_for_no_guest();
    }

    /// The kernel takes a moment to end a group of processes.
    fn wait_for_no_guest(&self) {
        for _ in 0..1000 {
            if self.guests().is_empty() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("{:?} are still there", self.guests());
    }

    /// The processes of guests: their command line names the place.
    fn guests(&self) -> Vec<u32> {
        let place = self.place.path().to_string_lossy().into_owned();
        let pids = fs::read_dir("/proc").unwrap();
        let pids = pids.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        pids.filter(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            text(&line).contains(&place) && text(&line).contains("epoll_lifetime")
        })
        .collect()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
