//! `polter lab`, and checks in guests: on a kernel that `kernels/build` has built.
//!
//! Without one these are skipped, aloud.
#![allow(clippy::print_stderr, reason = "what is skipped is said")]

mod agreement;
mod build;
mod guest;
mod walls;

use std::fs;
use std::process::{Command, Output};

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

/// The lab, with a place of its own for what guests leave behind.
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
