//! A loop that spins on an event nobody acts on is named, ghost or not; a program that
//! computes is not accused.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use polter_scan::{Class, Proc, Report, Scope, Snapshot, Sureness};
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::pipe::{PipeFlags, pipe_with};

/// Set in the process that is watched: which loop it runs.
const LOOP: &str = "POLTER_TEST_LOOP";

#[test]
fn a_hang_up_that_nobody_acts_on_is_named() {
    check("hang-up", "its other end is gone");
}

#[test]
fn bytes_that_nobody_reads_are_named() {
    check("unread", "nobody reads it");
}

#[test]
fn an_interest_in_writing_that_was_left_on_is_named() {
    check("writable", "nobody writes");
}

#[test]
fn who_computes_is_busy_and_not_accused() {
    let looping = Looping::start("compute");
    let report = looping.watched(|report| !report.busy.is_empty());
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    assert_eq!(report.busy[0].pid, looping.0.id());
}

#[track_caller]
fn check(name: &str, says: &str) {
    let looping = Looping::start(name);
    let report = looping.watched(|report| !report.findings.is_empty());
    let [finding] = &report.findings[..] else {
        panic!("one finding: {:#?}", report.findings)
    };
    assert_eq!(finding.class, Class::UnheededEvent);
    assert_eq!(finding.sureness, Sureness::Likely);
    assert_eq!(finding.pid, looping.0.id());
    assert!(finding.summary.contains(says), "{}", finding.summary);
}

/// A loop in a process of its own; it ends with this value.
struct Looping(Child);

impl Looping {
    fn start(name: &str) -> Looping {
        let test = std::env::current_exe().unwrap();
        let child = Command::new(test)
            .args(["--exact", "unheeded::a_loop_that_spins", "--nocapture"])
            .env(LOOP, name)
            .stdout(Stdio::null())
            .spawn();
        Looping(child.unwrap())
    }

    /// Looks until it has come so far, and has had a CPU.
    fn watched(&self, is_so_fn: impl Fn(&Report) -> bool) -> Report {
        let scope = Scope::Pids(vec![self.0.id()]);
        loop {
            let snapshot = Snapshot::take(&Proc::live(), &scope).unwrap();
            let mut report = Report::of(&snapshot);
            report.watch_for_unheeded(&Proc::live(), &snapshot, Duration::from_millis(400));
            if is_so_fn(&report) {
                return report;
            }
        }
    }
}

impl Drop for Looping {
    fn drop(&mut self) {
        // It never ends by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// No test by itself: the loops.
#[test]
fn a_loop_that_spins() {
    let Ok(name) = std::env::var(LOOP) else {
        return;
    };
    let instance = epoll::create(CreateFlags::CLOEXEC).unwrap();
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).unwrap();
    let data = EventData::new_u64(0);
    let (file, events) = match &*name {
        "hang-up" => (&reader, EventFlags::empty()),
        "writable" => (&writer, EventFlags::OUT),
        _ => (&reader, EventFlags::IN),
    };
    epoll::add(&instance, file, data, events).unwrap();
    rustix::io::write(&writer, b"x").unwrap();
    let _writer = (name != "hang-up").then_some(writer);
    let mut told = Vec::with_capacity(8);
    for number in 0_u64.. {
        std::hint::black_box(number);
        if name != "compute" {
            told.clear();
            epoll::wait(&instance, rustix::buffer::spare_capacity(&mut told), None).unwrap();
        }
    }
}
