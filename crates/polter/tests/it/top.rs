//! `polter top` in a real terminal: tmux holds it, types, and reads the screen.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::haunted::{Haunted, can_exorcise};
use crate::polter::polter;

/// A terminal with a program in it; both end with this value.
struct Terminal {
    socket: String,
}

impl Terminal {
    /// Nothing, said aloud, where there is no tmux.
    fn start(size: (u32, u32), args: &str) -> Option<Terminal> {
        let socket = format!(
            "polter-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        );
        let terminal = Terminal {
            socket: socket.replace(['(', ')'], ""),
        };
        let program = env!("CARGO_BIN_EXE_polter");
        // The code is left on the screen when it has ended.
        let line = format!("'{program}' {args}; echo \"code $?\"; exec sleep 100");
        let (x, y) = (size.0.to_string(), size.1.to_string());
        let started = Command::new("tmux")
            .args([
                "-L",
                &terminal.socket,
                "-f",
                "/dev/null",
                "new-session",
                "-d",
                "-x",
                &x,
                "-y",
                &y,
                &line,
            ])
            .env("TERM", "xterm-256color")
            .env_remove("TMUX")
            .stdin(Stdio::null())
            .status();
        if started.is_ok_and(|it| it.success()) {
            return Some(terminal);
        }
        let _ = writeln!(std::io::stderr(), "skipped: there is no tmux");
        None
    }

    fn tmux(&self, args: &[&str]) -> String {
        let output = Command::new("tmux")
            .args(["-L", &self.socket])
            .args(args)
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn press(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    /// Waits until the screen is so, and returns it.
    #[track_caller]
    fn until(&self, what: &str, is_so: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let screen = self.tmux(&["capture-pane", "-p"]);
            if is_so(&screen) {
                return screen;
            }
            assert!(Instant::now() < end, "{what}:\n{screen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    #[track_caller]
    fn shows(&self, text: &str) -> String {
        self.until(text, |screen| screen.contains(text))
    }

    #[track_caller]
    fn shows_not(&self, text: &str) -> String {
        self.until(&format!("no {text}"), |screen| !screen.contains(text))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

#[test]
fn every_key_does_what_the_help_says() {
    let Some(terminal) = Terminal::start((80, 24), "top --interval 200ms") else {
        return;
    };
    let dir = tempfile::TempDir::new().unwrap();
    let ghost = Haunted::start_named(dir.path(), b"only-these", &["dup-ghost", "--linger", "120"]);
    let other = Haunted::start_named(
        dir.path(),
        b"only-these",
        &["fork-ghost", "--linger", "120"],
    );
    terminal.shows("NAME");
    // Other tests have haunted programs, too.
    terminal.press(&["/", "only-these"]);
    terminal.shows("/only-these_");
    terminal.press(&["Enter"]);
    terminal.shows("[only-these]");
    let screen = terminal.until("both", |screen| {
        [&ghost, &other]
            .iter()
            .all(|it| screen.contains(&format!("{}      !1", it.pid())))
    });
    assert!(
        screen.lines().all(|line| line.chars().count() <= 80),
        "{screen}"
    );
    for column in [
        "VAIN*", "WAKE/S*", "CPU*", "REGS*", "INST*", "PID*", "NAME*", "GHOSTS*", "VAIN*",
        "WAKE/S*", "CPU*", "REGS*", "INST*", "PID*",
    ] {
        terminal.press(&["s"]);
        terminal.shows(column);
    }
    let (first, second) = if ghost.child.id() < other.child.id() {
        (&ghost, &other)
    } else {
        (&other, &ghost)
    };
    terminal.until("by pid", is_before(&first.pid(), &second.pid()));
    terminal.press(&["r"]);
    terminal.until("the other way", is_before(&second.pid(), &first.pid()));
    terminal.press(&["r"]);
    terminal.shows("PID*");
    cursor(&terminal, first, second);
    terminal.press(&["Right"]);
    terminal.shows("-ghost (");
    terminal.press(&["Right"]);
    terminal.shows("the instance is held by");
    terminal.press(&["End"]);
    terminal.shows_not("the instance is held by");
    terminal.press(&["Home"]);
    terminal.shows("the instance is held by");
    terminal.press(&["Left"]);
    terminal.shows("EVENTS");
    terminal.press(&["BSpace"]);
    terminal.shows("NAME");
    terminal.press(&["?"]);
    terminal.shows("after asking");
    terminal.press(&["a"]);
    terminal.shows_not("after asking");
    terminal.press(&["p"]);
    terminal.shows("HELD");
    terminal.press(&["Space"]);
    terminal.shows_not("HELD");
    terminal.press(&["g"]);
    terminal.shows("[only-these, ghosts]");
    terminal.press(&["/", "x", "Escape"]);
    terminal.shows("[only-these, ghosts]");
    terminal.press(&["Escape"]);
    terminal.shows("[ghosts]");
    terminal.press(&["q"]);
    terminal.shows("code 0");
    drop((ghost, other));
}

/// True of a screen on which one process stands before another.
fn is_before(first: &str, second: &str) -> impl Fn(&str) -> bool {
    let [first, second] = [first, second].map(str::to_owned);
    let place = |screen: &str, pid: &str| {
        screen
            .lines()
            .position(|it| it.trim_start().starts_with(pid))
    };
    move |screen| {
        place(screen, &first)
            .zip(place(screen, &second))
            .is_some_and(|(a, b)| a < b)
    }
}

/// Moves it between two processes: the title of the registrations says where it was.
fn cursor(terminal: &Terminal, first: &Haunted, second: &Haunted) {
    for (keys, chosen) in [
        (&["End"][..], second),
        (&["Home"], first),
        (&["Down"], second),
        (&["Up"], first),
        (&["j"], second),
        (&["k"], first),
        (&["PageDown"], second),
        (&["PageUp"], first),
    ] {
        terminal.press(keys);
        terminal.press(&["Enter"]);
        terminal.shows(&format!("IN {}", chosen.pid()));
        terminal.press(&["Escape"]);
        terminal.shows("NAME");
    }
}

#[test]
fn a_ghost_is_removed_after_asking() {
    if !can_exorcise() {
        return;
    }
    let Some(terminal) = Terminal::start((80, 24), "--color never top --interval 200ms") else {
        return;
    };
    let ghost = Haunted::start(&["dup-ghost", "--linger", "120"]);
    terminal.shows("NAME");
    terminal.press(&["/", &ghost.pid(), "Enter"]);
    terminal.shows("!1");
    terminal.press(&["x"]);
    terminal.shows(&format!("Remove 1 ghost of process {}", ghost.pid()));
    terminal.press(&["n"]);
    terminal.shows("nothing was removed");
    terminal.shows("!1");
    terminal.press(&["x", "y"]);
    terminal.shows(&format!("{}: 1 removed", ghost.pid()));
    terminal.shows_not("!1");
    terminal.press(&["x"]);
    terminal.shows("has no ghost");
    let screen = terminal.tmux(&["capture-pane", "-p", "-e"]);
    assert!(
        !screen.contains("\x1b[31m") && !screen.contains("\x1b[38"),
        "{screen:?}"
    );
    terminal.press(&["C-c"]);
    terminal.shows("code 0");
}

#[test]
fn a_process_may_vanish_and_the_window_may_shrink() {
    let Some(terminal) = Terminal::start((120, 40), "top --interval 200ms") else {
        return;
    };
    let ghost = Haunted::start(&["dup-ghost", "--linger", "120"]);
    let pid = ghost.pid();
    terminal.shows("NAME");
    terminal.press(&["/", &pid, "Enter"]);
    terminal.shows("!1");
    for (x, y) in [
        ("40", "8"),
        ("1", "1"),
        ("20", "3"),
        ("200", "50"),
        ("80", "24"),
    ] {
        terminal.tmux(&["resize-window", "-x", x, "-y", y]);
        std::thread::sleep(Duration::from_millis(150));
    }
    terminal.shows("!1");
    terminal.press(&["Enter"]);
    terminal.shows(&format!("IN {pid}"));
    drop(ghost);
    terminal.shows(&format!("process {pid} has ended"));
    terminal.shows("No such process");
    for key in ["Enter", "x", "Down", "End", "s", "PageUp"] {
        terminal.press(&[key]);
    }
    terminal.press(&["q"]);
    terminal.shows("code 0");
}

#[test]
fn no_name_reaches_the_terminal_as_it_is() {
    let dir = tempfile::TempDir::new().unwrap();
    let names: [&[u8]; 4] = [
        b"\x1b[2J\x1b]0;t\x07",
        "\u{202e}rtl".as_bytes(),
        b"\xff\xfe\t\r\nx",
        b"\x9b5A",
    ];
    let start =
        |name: &&[u8]| Haunted::start_named(dir.path(), name, &["dup-ghost", "--linger", "120"]);
    let haunted: Vec<Haunted> = names.iter().map(start).collect();
    let Some(terminal) = Terminal::start((80, 24), "top --interval 200ms") else {
        return;
    };
    terminal.shows("NAME");
    terminal.press(&["g"]);
    let is_there = |screen: &str| haunted.iter().all(|it| screen.contains(&it.pid()));
    let screen = terminal.until("all of them", is_there);
    assert!(screen.contains("\\x1b[2J"), "{screen}");
    let is_plain = |it: char| it == '\n' || !it.is_control() && it != '\u{202e}';
    assert!(screen.chars().all(is_plain), "{screen:?}");
    // The frame stands where it stood.
    assert!(screen.starts_with("polter top"), "{screen}");
    terminal.press(&["Enter"]);
    terminal.shows("EVENTS");
    terminal.press(&["Enter"]);
    let screen = terminal.shows("the instance is held by");
    assert!(
        screen.chars().all(is_plain) && screen.starts_with("polter top"),
        "{screen:?}"
    );
    terminal.press(&["q"]);
    terminal.shows("code 0");
}

#[test]
fn without_a_terminal_it_says_what_else_there_is() {
    let ran = polter(["top"]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err().contains("polter scan --format json"),
        "{}",
        ran.err()
    );
}
