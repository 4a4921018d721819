//! Chromium without a window, asked over a pipe.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

/// A browser with one page; it ends with this value.
pub(super) struct Chromium {
    child: Child,
    to_it: ChildStdin,
    from_it: BufReader<ChildStdout>,
    session: Option<String>,
    last: u64,
    /// What it told while an answer was awaited.
    pub(super) events: Vec<Value>,
    _profile: TempDir,
}

impl Chromium {
    /// Starts it; says aloud if there is none.
    pub(super) fn start() -> Option<Chromium> {
        let Some(program) = program() else {
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: no page is looked at, because there is no Chromium"
            );
            return None;
        };
        let profile = TempDir::new().expect("a temporary directory");
        // It reads its pipe 3 and writes to 4.
        let mut child = Command::new("sh")
            .args([
                "-c",
                "exec \"$0\" \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null 2>&1",
            ])
            .arg(program)
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
            ])
            .args([
                "--disable-background-networking",
                "--disable-component-update",
            ])
            .args(["--remote-debugging-pipe", "about:blank"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a browser starts");
        let to_it = child.stdin.take().expect("piped");
        let from_it = BufReader::new(child.stdout.take().expect("piped"));
        let mut browser = Chromium {
            child,
            to_it,
            from_it,
            session: None,
            last: 0,
            events: Vec::new(),
            _profile: profile,
        };
        browser.attach();
        Some(browser)
    }

    fn attach(&mut self) {
        let targets = self.ask("Target.getTargets", &json!({}));
        let targets = targets["targetInfos"].as_array().expect("a list").clone();
        let page = targets.iter().find(|target| target["type"] == "page");
        let id = &page.expect("there is a page")["targetId"];
        let attached = self.ask(
            "Target.attachToTarget",
            &json!({"targetId": id, "flatten": true}),
        );
        self.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            self.ask(&format!("{domain}.enable"), &json!({}));
        }
    }

    /// Asks, and waits for the answer.
    pub(super) fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.last += 1;
        let mut message = json!({"id": self.last, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        write!(self.to_it, "{message}\0").expect("the browser listens");
        loop {
            let answer = self.read();
            if answer["id"] == self.last {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.events.push(answer);
        }
    }

    fn read(&mut self) -> Value {
        let mut bytes = Vec::new();
        self.from_it
            .read_until(0, &mut bytes)
            .expect("the browser talks");
        assert_eq!(bytes.pop(), Some(0), "the browser has ended");
        serde_json::from_slice(&bytes).expect("JSON")
    }

    /// Opens a page, and waits until it is loaded.
    pub(super) fn open(&mut self, page: &Path) {
        self.events.clear();
        let url = format!("file://{}", page.display());
        self.ask("Page.navigate", &json!({"url": url}));
        while !self
            .events
            .iter()
            .any(|event| event["method"] == "Page.loadEventFired")
        {
            let event = self.read();
            self.events.push(event);
        }
    }

    /// What a script comes to; two frames are drawn after it.
    pub(super) fn run(&mut self, script: &str) -> Value {
        let script = format!(
            "(async () => {{ const value = await (async () => {{ {script} }})(); \
             await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))); return value; }})()"
        );
        let asked = json!({"expression": script, "awaitPromise": true, "returnByValue": true});
        let answer = self.ask("Runtime.evaluate", &asked);
        assert!(answer["exceptionDetails"].is_null(), "{answer}");
        answer["result"]["value"].clone()
    }

    /// Presses a key.
    pub(super) fn press(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let text = if key.len() == 1 { key } else { "" };
            let event = json!({"type": kind, "key": key, "text": text});
            self.ask("Input.dispatchKeyEvent", &event);
        }
        self.run("");
    }

    /// Clicks a place of the window.
    pub(super) fn click(&mut self, x: f64, y: f64) {
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1});
            self.ask("Input.dispatchMouseEvent", &event);
        }
        self.run("");
    }

    /// Checks that nothing went wrong on the page, and that it asked for nothing but itself.
    #[track_caller]
    pub(super) fn check_peace(&self, what: &str) {
        for event in &self.events {
            let method = event["method"].as_str().unwrap_or_default();
            let is_wrong = match method {
                "Runtime.exceptionThrown" | "Log.entryAdded" | "Runtime.consoleAPICalled" => true,
                "Network.requestWillBeSent" => {
                    let url = event["params"]["request"]["url"]
                        .as_str()
                        .unwrap_or_default();
                    !url.starts_with("file://") && !url.starts_with("data:")
                }
                _ => false,
            };
            assert!(!is_wrong, "{what}: {event}");
        }
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let found = NAMES
        .iter()
        .flat_map(|name| places.iter().map(move |place| place.join(name)));
    found.into_iter().find(|program| program.is_file())
}
