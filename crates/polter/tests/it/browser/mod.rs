//! The pages, in a browser: nothing goes wrong, nothing is asked for, and pointer and keys do what they are for.

mod chromium;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use chromium::Chromium;
use serde_json::{Value, json};

use crate::polter::{Logs, polter};
use crate::report::hostile_log;

const DEMO: &str = include_str!("../../../demo/worker.strace");

/// The haunted programs that show something, and one that does not.
const HAUNTED: [&str; 18] = [
    "child-removes",
    "close-races-wait",
    "dead-epoll-fd",
    "deaf-signalfd",
    "dup-ghost",
    "epoll-as-kcmp",
    "errno-after-reuse",
    "event-theft",
    "foreign-entry",
    "fork-ghost",
    "handed-over-ghost",
    "healthy",
    "in-flight-ghost",
    "leaked-epoll",
    "number-reuse",
    "plain-fork",
    "stale-batch",
    "unheeded-event",
];

/// The page of a log.
fn page_of(logs: &Logs, name: &str, log: &str) -> PathBuf {
    let log = logs.write(name, log);
    let page = logs.path(&format!("{name}.html"));
    let ran = polter([
        "report".as_ref(),
        log.as_os_str(),
        "-o".as_ref(),
        page.as_os_str(),
    ]);
    assert!(page.exists(), "{}", ran.err());
    page
}

#[test]
fn pages_of_haunted_programs_are_quiet() {
    let Some(mut browser) = Chromium::start() else {
        return;
    };
    let logs = Logs::new();
    for name in HAUNTED {
        let log = logs.path(name);
        let strace = Command::new("strace")
            .args(["-f", "-yy", "-k", "-ttt", "-o"])
            .arg(&log)
            .arg(haunted::binary())
            .arg(name)
            .stderr(Stdio::null())
            .status();
        if !strace.is_ok_and(|status| status.success()) {
            let _ = writeln!(
                std::io::stderr(),
                "SKIPPED: strace is missing, or may not trace: {name}"
            );
            continue;
        }
        let page = page_of(&logs, name, &std::fs::read_to_string(log).unwrap());
        browser.open(&page);
        let findings = browser.run("return document.querySelectorAll('.finding').length");
        assert_eq!(findings == 0, name == "healthy", "{name}: {findings}");
        // Every timeline can be walked through and zoomed.
        for _ in 0..3 {
            browser.run(
                "for (const lanes of document.querySelectorAll('.lanes')) for (const key of ['ArrowRight', 'ArrowDown', '+', 'End', '-', '0']) \
                 lanes.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));",
            );
        }
        browser.check_peace(name);
    }
}

#[test]
fn pointer_and_keys_tell_and_zoom() {
    let Some(mut browser) = Chromium::start() else {
        return;
    };
    let logs = Logs::new();
    browser.open(&page_of(&logs, "demo", DEMO));
    let place = browser.run(
        "const step = document.querySelector('#f1 circle.step'); step.scrollIntoView({ block: 'center' }); \
         const box = step.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2];",
    );
    browser.click(place[0].as_f64().unwrap(), place[1].as_f64().unwrap());
    check_told(
        &mut browser,
        &["line 6", "registered", "EPOLL_CTL_ADD, 4", "in the log"],
    );
    // From the first step on, mark by mark: the fork, the close, the first report.
    browser.run("document.querySelector('#f1 .lanes').focus()");
    browser.press("ArrowRight");
    check_told(
        &mut browser,
        &["line 17", "fork() = 102", "the child gets a copy"],
    );
    browser.press("ArrowRight");
    check_told(&mut browser, &["line 18", "closed by its owner"]);
    browser.press("End");
    check_told(&mut browser, &["line 25", "report", "epoll_wait(3"]);
    let at_rest = tracks(&mut browser);
    browser.press("+");
    let zoomed = tracks(&mut browser);
    assert_ne!(zoomed, at_rest);
    browser.press("0");
    assert_eq!(tracks(&mut browser), at_rest);
    browser.press("Enter");
    assert_eq!(browser.run("return location.hash"), "#L25");
    browser.check_peace("demo");
}

#[test]
fn findings_are_filtered() {
    let Some(mut browser) = Chromium::start() else {
        return;
    };
    let logs = Logs::new();
    browser.open(&page_of(&logs, "demo", DEMO));
    let mut shown = |name: &str, value: &str| {
        let script = format!(
            "const choice = document.querySelector('.filters select[name=\"{name}\"]'); choice.value = '{value}'; \
             choice.dispatchEvent(new Event('change', {{ bubbles: true }})); \
             return [...document.querySelectorAll('.finding')].filter((it) => it.offsetHeight > 0).map((it) => it.id);"
        );
        browser.run(&script)
    };
    assert_eq!(shown("class", "fork ghost"), json!(["f1"]));
    assert_eq!(shown("class", ""), json!(["f1", "f2"]));
    assert_eq!(shown("process", "102"), json!(["f1", "f2"]));
    assert_eq!(shown("class", "child removes"), json!(["f2"]));
}

#[test]
fn texts_are_not_faint_by_day_and_by_night() {
    let Some(mut browser) = Chromium::start() else {
        return;
    };
    let logs = Logs::new();
    let page = page_of(&logs, "demo", DEMO);
    for scheme in ["light", "dark"] {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        let media = json!({ "features": features });
        browser.ask("Emulation.setEmulatedMedia", &media);
        browser.open(&page);
        let faint = browser.run(include_str!("contrast.js"));
        assert_eq!(faint, json!([true, []]), "{scheme}");
    }
}

/// What a keyboard reaches has a name, and so has each drawing that is one; headings leave out no level.
#[test]
fn everything_has_a_name() {
    let Some(mut browser) = Chromium::start() else {
        return;
    };
    let logs = Logs::new();
    browser.open(&page_of(&logs, "demo", DEMO));
    let nameless = browser.run(
        "const named = (it) => it.textContent.trim() || it.getAttribute('aria-label') || it.getAttribute('aria-labelledby') || it.closest('label'); \
         const asked = document.querySelectorAll('a[href], button, select, [tabindex=\"0\"], [role=img], [role=region], section, nav'); \
         const levels = [...document.querySelectorAll('h1, h2, h3')].map((it) => Number(it.tagName[1])); \
         const jumps = levels.filter((level, at) => at && level > levels[at - 1] + 1); \
         return [asked.length > 20, [...asked].filter((it) => !named(it)).map((it) => it.outerHTML.slice(0, 120)), jumps, \
           document.querySelectorAll('main').length, document.querySelectorAll('h1').length];",
    );
    assert_eq!(nameless, json!([true, [], [], 1, 1]));
}

#[test]
fn the_policy_of_the_page_holds() {
    let Some(mut browser) = Chromium::start() else {
        return;
    };
    let logs = Logs::new();
    browser.open(&page_of(&logs, "demo", DEMO));
    let ran = browser.run(
        "const script = document.createElement('script'); script.textContent = 'window.ran = 1'; document.body.append(script); \
         const style = document.createElement('style'); style.textContent = 'body { color: rgb(1, 2, 3) }'; document.body.append(style); \
         const fetched = await fetch('data:,x').then(() => 1, () => 0); \
         return [window.ran || 0, getComputedStyle(document.body).color === 'rgb(1, 2, 3)', fetched];",
    );
    assert_eq!(ran, json!([0, false, 0]));
    let violations = browser
        .events
        .iter()
        .filter(|event| event["method"] == "Log.entryAdded");
    assert!(violations.count() >= 3, "each attempt is reported");
}

#[test]
fn a_hostile_log_is_text_and_nothing_else() {
    let Some(mut browser) = Chromium::start() else {
        return;
    };
    let logs = Logs::new();
    let name = "<img src=x onerror=alert(1)></script><script>window.ran = 1</script><!--\u{2028}\u{202e}\"'&amp;";
    browser.open(&page_of(&logs, "hostile", &hostile_log(name)));
    let seen = browser.run(
        "return [window.ran || 0, document.images.length, document.scripts.length, document.querySelectorAll('.finding').length, \
         document.body.innerText.includes('onerror=alert(1)'), document.body.innerText.includes('\\\\u{202e}')]",
    );
    assert_eq!(seen, json!([0, 0, 2, 1, true, true]));
    browser.run(
        "for (const lanes of document.querySelectorAll('.lanes')) for (const key of ['ArrowRight', 'ArrowRight', '+']) \
         lanes.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));",
    );
    assert_eq!(browser.run("return document.images.length"), 0);
    browser.check_peace("hostile");
}

#[test]
fn the_words_are_there_without_a_script() {
    let Some(mut browser) = Chromium::start() else {
        return;
    };
    let logs = Logs::new();
    browser.ask(
        "Emulation.setScriptExecutionDisabled",
        &json!({"value": true}),
    );
    browser.open(&page_of(&logs, "demo", DEMO));
    browser.ask(
        "Emulation.setScriptExecutionDisabled",
        &json!({"value": false}),
    );
    let text = browser.run("return document.body.innerText");
    let text = text.as_str().unwrap_or_default();
    for words in [
        "2 faults",
        "fd 4 was closed without EPOLL_CTL_DEL",
        "What each policy would change",
        "close(4) = 0",
    ] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    // What needs the script is not there; the drawings are.
    let seen = browser.run("return [document.querySelector('.filters').offsetHeight, document.querySelectorAll('.b-ghost').length > 0]");
    assert_eq!(seen, json!([0, true]));
}

#[test]
fn races_and_witnesses_are_quiet_too() {
    let Some(mut browser) = Chromium::start() else {
        return;
    };
    let logs = Logs::new();
    let root = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../scenarios/races/instance-against-file.strace"
    );
    let runs = [
        vec!["race", "--fix", "removal-pin=off", root],
        vec!["witness", "owner", "stale", "--calls", "3"],
    ];
    for args in runs {
        let page = logs.path("story.html");
        let output = ["--format", "html", "-o", page.to_str().unwrap()];
        let ran = polter(args.iter().copied().chain(output));
        assert!(ran.code < Some(2), "{}", ran.err());
        browser.open(&page);
        let marked = browser.run("return document.querySelectorAll('.columns tr.marked').length");
        assert_eq!(marked, 1, "{args:?}");
        browser.check_peace(args[0]);
    }
}

#[track_caller]
fn check_told(browser: &mut Chromium, words: &[&str]) {
    let told = browser.run("return document.querySelector('#f1 .detail').innerText");
    let told = told.as_str().unwrap_or_default();
    for words in words {
        assert!(told.contains(words), "{words} is not in: {told}");
    }
}

/// What is drawn on the tracks of the first finding, but for the cursor.
fn tracks(browser: &mut Chromium) -> Value {
    browser.run(
        "const drawn = [...document.querySelectorAll('#f1 .track')]; \
         return drawn.map((track) => track.innerHTML.replace(/<rect class=\"cursor\".*/, ''));",
    )
}
