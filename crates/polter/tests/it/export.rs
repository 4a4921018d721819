//! `polter export`: what it serves, and how it ends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::haunted::Haunted;
use crate::polter::{command, polter};

/// An exporter on a port of its own.
struct Exporter {
    child: Child,
    address: String,
}

impl Exporter {
    fn start(more: &[&str]) -> Exporter {
        let mut child = command(["export", "--listen", "127.0.0.1:0", "--interval", "1s"])
            .args(more)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = lines.next().expect("it says where it listens").unwrap();
        let (_, rest) = line
            .split_once("http://")
            .unwrap_or_else(|| panic!("{line}"));
        let address = rest.split('/').next().unwrap().to_owned();
        // What else it says is of no interest, and must not fill the pipe.
        std::thread::spawn(move || lines.count());
        Exporter { child, address }
    }

    /// The answer to a request, head and all.
    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        // It may break off what is no request.
        let _ = stream.read_to_string(&mut answer);
        answer
    }

    fn get(&self, path: &str) -> String {
        self.ask(&format!(
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        ))
    }

    /// Asks until the metrics hold such a line.
    #[track_caller]
    fn until(&self, is_there: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let metrics = self.get("/metrics");
            if metrics.lines().any(&is_there) {
                return metrics;
            }
            assert!(Instant::now() < end, "{metrics}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A ghost of a program of this name.
fn is_ghost(line: &str) -> bool {
    let is_it = line.starts_with("polter_ghosts{class=\"") && line.contains("comm=\"haunted\"");
    is_it && !line.ends_with(" 0")
}

#[test]
fn a_ghost_is_counted_while_it_is_there_and_no_longer() {
    let exporter = Exporter::start(&["--source", "proc"]);
    let haunted = Haunted::start(&["fork-ghost", "--linger", "120"]);
    let metrics = exporter.until(is_ghost);
    for (part, why) in [
        (
            "content-type: application/openmetrics-text; version=1.0.0",
            "its kind",
        ),
        ("polter_build_info{version=\"", "what runs"),
        (
            "polter_scans_total{result=\"error\"} 0",
            "an error that has not been is known too",
        ),
        ("polter_scan_source{source=\"proc\"} 1", "how it was seen"),
        (
            "polter_processes_unseen{reason=\"refused\"}",
            "what was not seen",
        ),
        (
            "polter_scan_duration_seconds_bucket{le=\"0.1\"}",
            "how long it took",
        ),
    ] {
        assert!(metrics.contains(part), "{why}: {metrics}");
    }
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
    for label in ["pid=", "fd="] {
        assert!(!metrics.contains(label), "{label}: {metrics}");
    }
    drop(haunted);
    let is_gone = |metrics: &str| !metrics.lines().any(is_ghost);
    let end = Instant::now() + Duration::from_secs(60);
    while !is_gone(&exporter.get("/metrics")) {
        assert!(Instant::now() < end, "it is still counted");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Names as the kernel cuts them: 15 bytes.
const HOSTILE: [&[u8]; 6] = [
    b"a\"} 1\npolter_x",
    b"\x1b]0;t\x07\x1b[2J",
    "\u{202e}\u{2066}rtl".as_bytes(),
    b"<script>x<!--",
    b"\\\\\" \\n",
    b"\xff\xfe\x80\r\t",
];

#[test]
fn no_name_breaks_the_text_or_adds_a_metric() {
    let dir = tempfile::TempDir::new().unwrap();
    let start =
        |name: &&[u8]| Haunted::start_named(dir.path(), name, &["dup-ghost", "--linger", "120"]);
    let _haunted: Vec<Haunted> = HOSTILE.iter().map(start).collect();
    let exporter = Exporter::start(&["--source", "proc"]);
    let metrics = exporter.get("/metrics");
    let (_, metrics) = metrics.split_once("\r\n\r\n").unwrap();
    let is_plain =
        |it: char| it == '\n' || !it.is_control() && !('\u{202a}'..='\u{2069}').contains(&it);
    assert!(metrics.chars().all(is_plain), "{metrics:?}");
    for line in metrics.lines() {
        assert!(
            line.starts_with("polter_") || line.starts_with("# "),
            "{line}"
        );
        assert!(!line.starts_with("polter_x"), "{line}");
    }
    let ghosts = metrics
        .lines()
        .filter(|line| line.starts_with("polter_ghosts{class=\"dup-ghost\""));
    assert!(ghosts.count() >= HOSTILE.len(), "{metrics}");
}

#[test]
fn other_addresses_and_other_methods_are_answered() {
    let exporter = Exporter::start(&[]);
    let code = |answer: &str| answer.split(' ').nth(1).map(str::to_owned);
    for (path, expected) in [
        ("/", "200"),
        ("/livez", "200"),
        ("/healthz", "200"),
        ("/readyz", "200"),
        ("/metrics/", "404"),
        ("/..%2f", "404"),
    ] {
        let answer = exporter.get(path);
        assert_eq!(code(&answer).as_deref(), Some(expected), "{path}: {answer}");
    }
    let post =
        "POST /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(code(&exporter.ask(post)).as_deref(), Some("405"));
    let head = "HEAD /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = exporter.ask(head);
    assert!(
        answer.ends_with("\r\n\r\n") && answer.starts_with("HTTP/1.1 200"),
        "{answer}"
    );
    // Hostile heads get no answer or a refusal, and others are served on.
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(1 << 20));
    for hostile in ["\0\x01\x02\r\n\r\n", "GET\r\n\r\n", &long] {
        let answer = exporter.ask(hostile);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{answer}"
        );
    }
    assert_eq!(code(&exporter.get("/livez")).as_deref(), Some("200"));
}

#[test]
fn a_signal_ends_it_well() {
    let mut exporter = Exporter::start(&[]);
    // An idle connection does not hold it up for long.
    let _idle = TcpStream::connect(&exporter.address).unwrap();
    let pid = exporter.child.id().to_string();
    assert!(Command::new("kill").arg(&pid).status().unwrap().success());
    assert_eq!(exporter.child.wait().unwrap().code(), Some(0));
    assert!(TcpStream::connect(&exporter.address).is_err());
}

#[test]
fn an_address_that_is_taken_is_named() {
    let exporter = Exporter::start(&[]);
    let ran = polter(["export", "--listen", &exporter.address]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err().contains(&exporter.address), "{}", ran.err());
    let ran = polter(["export", "--interval", "1ms"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err().contains("from 1s to 1h"), "{}", ran.err());
}

/// The alerts and their tests, by Prometheus' own tool.
#[test]
fn the_alert_rules_do_what_their_tests_say() {
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/../../dist/prometheus");
    let run = |args: [&str; 3]| {
        Command::new("promtool")
            .args(args)
            .current_dir(rules)
            .output()
    };
    let Ok(checked) = run(["check", "rules", "polter.rules.yml"]) else {
        let _ = writeln!(
            std::io::stderr(),
            "skipped: there is no promtool (apt-get install prometheus)"
        );
        return;
    };
    assert!(checked.status.success(), "{checked:?}");
    let tested = run(["test", "rules", "polter.rules.test.yml"]).unwrap();
    assert!(tested.status.success(), "{tested:?}");
}
