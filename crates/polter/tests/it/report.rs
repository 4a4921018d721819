//! `polter report`: the page, its exit codes, and what hostile logs put into it.

use std::fmt::Write as _;

use crate::polter::{GHOST, HEALTHY, Logs, TORN, polter, polter_with_stdin};

/// Markup, scripts, control characters, marks that reorder text, and the ends of whatever the page puts text into.
const HOSTILE: &str = "<img src=x onerror=alert(1)></script><script>alert(2)</script><!--\u{2028}\u{202e}\u{7}\"'&amp;";

#[test]
fn the_page_says_what_the_judge_says() {
    let logs = Logs::new();
    let (log, page) = (logs.write("log", GHOST), logs.path("page.html"));
    let ran = polter([
        "report".as_ref(),
        log.as_os_str(),
        "-o".as_ref(),
        page.as_os_str(),
    ]);
    assert_eq!((ran.code, ran.err().as_str()), (Some(1), ""));
    let page = std::fs::read_to_string(page).unwrap();
    for words in [
        "1 fault",
        "fd 4 was closed without EPOLL_CTL_DEL, and a forked process keeps the file open",
        "EPOLL_CTL_DEL 4 before closing it, or keep it from the child",
        "process 101 fd 4",
        "reported through the ghost",
        "registration of fd 4",
        "✓ mended",
        "id=\"L5\"",
        "a ghost from line 5 to the end",
    ] {
        assert!(page.contains(words), "{words} is not in\n{page}");
    }
}

#[test]
fn it_ends_as_the_judge_does() {
    let logs = Logs::new();
    let page = logs.path("page.html");
    for (name, text, code) in [("a", GHOST, 1), ("b", HEALTHY, 0), ("c", "nonsense\n", 2)] {
        let log = logs.write(name, text);
        let args = [
            "report".as_ref(),
            log.as_os_str(),
            "-o".as_ref(),
            page.as_os_str(),
        ];
        assert_eq!(polter(args).code, Some(code), "{text}");
    }
    let torn = logs.write("torn", TORN);
    let args = ["report", "--strict", torn.to_str().unwrap()];
    let ran = polter(args);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err().contains("torn:2:"), "{}", ran.err());
    assert!(ran.out().contains("What could not be followed"));
}

#[test]
fn what_is_piped_in_is_read_twice_too() {
    let ran = polter_with_stdin(&["report", "-o", "-"], GHOST.as_bytes());
    assert_eq!(ran.code, Some(1));
    assert!(ran.out().contains("registration of fd 4"), "{}", ran.out());
}

#[test]
fn a_trace_has_the_tracks_of_the_instance() {
    let ran = polter_with_stdin(&["report", "--format", "perfetto"], GHOST.as_bytes());
    assert_eq!(ran.code, Some(1), "{}", ran.err());
    // A packet is field 1 of the trace; names stand in it as they are.
    assert_eq!(ran.stdout.first(), Some(&0x0a));
    let text = String::from_utf8_lossy(&ran.stdout);
    for name in [
        "instance 3 of process 100 (line 1)",
        "fd 4",
        "registration",
        "ghost",
        "report",
        "close(4) = 0",
    ] {
        assert!(text.contains(name), "no {name}");
    }
}

#[test]
fn several_logs_are_several_pages() {
    let logs = Logs::new();
    let (a, b) = (logs.write("a", GHOST), logs.write("b", GHOST));
    let ran = polter(["report".as_ref(), a.as_os_str(), b.as_os_str()]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err().contains("about one log"), "{}", ran.err());
}

#[test]
fn nothing_of_a_hostile_log_is_markup() {
    let log = hostile_log(HOSTILE);
    let ran = polter_with_stdin(&["report"], log.as_bytes());
    assert_eq!(ran.code, Some(1), "{}", ran.err());
    let page = ran.out();
    assert!(page.contains("&lt;img"), "the text is there");
    for dangerous in [
        "<img",
        "<script>alert",
        "<!--",
        "\u{2028}",
        "\u{202e}",
        "\u{7}",
        "onerror=\"",
    ] {
        assert!(!page.contains(dangerous), "{dangerous:?}");
    }
    // The page's own two scripts, and no end of one within.
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script").count(), 2);
}

#[test]
fn names_without_an_end_are_cut() {
    let log = hostile_log(&"幽霊".repeat(160_000));
    let ran = polter_with_stdin(&["report"], log.as_bytes());
    assert_eq!(ran.code, Some(1), "{}", ran.err());
    let page = ran.out();
    assert!(page.len() < 200_000, "{} bytes", page.len());
    assert!(page.contains('…'));
}

/// The ghost's log, with a name in every place where a log can have one, written as strace does.
pub(crate) fn hostile_log(name: &str) -> String {
    let quoted = name.replace('"', "\\\"");
    let decorated = name.replace(['"', '\''], "");
    let decorated = decorated.replace('<', "\\74").replace('>', "\\76");
    let mut log = "100 getpid() = 100\n".repeat(3);
    log += &format!("100 execve(\"{quoted}\", [\"./a\"], 0x7ffe /* 1 var */) = 0\n");
    for line in GHOST.lines() {
        let line = line.replace("ADD, 4,", &format!("ADD, 4<{decorated}>,"));
        let line = line.replace("close(4)", &format!("close(4<{decorated}>)"));
        writeln!(log, "{line}").unwrap();
        writeln!(log, " > /lib/{name}(main+0x1) [0x1]").unwrap();
    }
    log
}
