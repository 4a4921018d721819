//! Scripts on the model and on the running kernel, where one can be asked.

use std::ffi::OsStr;

use serde_json::Value;

use crate::polter::{GHOST, HEALTHY, Logs, Ran, TORN, command, polter};

/// The last answer is wrong: the child still has the file.
const WRONG: &str = "\
# A belief: closing is removing.
100 epoll_create1(EPOLL_CLOEXEC) = 3
100 pipe2([4, 5], 0) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLIN, data={u32=4, u64=4}}) = 0
100 fork() = 101
100 close(4) = 0
100 write(5, \"x\", 1) = 1
100 epoll_wait(3, [], 8, 0) = 0
";

#[test]
fn right_answers_agree() {
    let ran = check(HEALTHY, &["--no-kernel"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err());
    assert!(ran.out().contains(": agrees (7 calls: "), "{}", ran.out());
}

#[test]
fn a_wrong_answer_is_shown_with_the_registrations() {
    let ran = check(WRONG, &["--no-kernel"]);
    assert_eq!(ran.code, Some(1));
    let out = ran.out();
    assert!(out.contains(": differs at line 8 "), "{out}");
    assert!(
        out.contains("  written   100 epoll_wait(3, [], 8, 0) = 0\n"),
        "{out}"
    );
    assert!(
        out.contains("≠ model     100 epoll_wait(3, [{events=EPOLLIN,"),
        "{out}"
    );
    assert!(out.contains("tfd: 4 events: 19 data: 4"), "{out}");
}

#[test]
fn a_policy_that_no_kernel_has_is_the_models_alone() {
    let logs = Logs::new();
    let script = logs.write("script.strace", WRONG);
    let args = ["check", "--policy", "close"].map(OsStr::new);
    let mut command = command(args.into_iter().chain([script.as_os_str()]));
    // Nor a kernel of the lab's.
    let ran: Ran = command
        .env("POLTER_LAB_KERNEL", "")
        .output()
        .unwrap()
        .into();
    assert_eq!(ran.code, Some(0), "{}", ran.out());
    assert!(ran.out().contains("no kernel has the policy close"));
}

#[test]
fn a_version_has_its_own_answers() {
    let script = "\
100 eventfd2(0, 0) = 3
100 epoll_wait(3, NULL, 0, 0) = -1 EINVAL (Invalid argument)
100 epoll_wait(9, NULL, 0, 0) = -1 EBADF (Bad file descriptor)
# before 6.15: = -1 EINVAL (Invalid argument)
";
    for version in ["6.1", "6.12", "6.15", "6.18"] {
        let ran = check(script, &["--no-kernel", "--kernel-version", version]);
        assert_eq!(ran.code, Some(0), "{version}\n{}", ran.out());
    }
}

#[test]
fn an_unreadable_script_is_an_error_with_its_place_and_the_others_are_checked() {
    let logs = Logs::new();
    let (torn, healthy) = (logs.write("torn", TORN), logs.write("healthy", HEALTHY));
    let missing = logs.path("missing");
    let args = ["check", "--no-kernel"].map(OsStr::new);
    let files = [&torn, &missing, &healthy].map(|path| path.as_os_str());
    let ran = polter(args.into_iter().chain(files));
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err().contains(&format!("{}:2:", torn.display())),
        "{}",
        ran.err()
    );
    assert!(
        ran.err()
            .contains(&format!("{}: No such file", missing.display()))
    );
    assert!(ran.out().contains(": agrees"));
}

#[test]
fn json_is_an_object_a_script() {
    let ran = check(WRONG, &["--no-kernel", "--format", "json"]);
    let value: Value = serde_json::from_str(&ran.out()).unwrap();
    check_keys(&value);
    assert_eq!(value["verdict"], "differs");
    assert_eq!(value["difference"]["line"], 8);
    assert_eq!(value["difference"]["instances"][0]["fd"], 3);
    assert_eq!(value["difference"]["kernel"], Value::Null);
}

#[test]
fn junit_is_well_formed() {
    let ran = check(WRONG, &["--no-kernel", "--format", "junit"]);
    assert_eq!(ran.code, Some(1));
    check_xml(&ran.out());
    assert!(
        ran.out().contains(r#"tests="1" failures="1""#),
        "{}",
        ran.out()
    );
}

#[test]
fn the_model_and_the_kernel_answer_the_same() {
    let Some(ran) = on_the_kernel(check(GHOST, &[])) else {
        return;
    };
    assert_eq!(ran.code, Some(0), "{}{}", ran.out(), ran.err());
    assert!(ran.out().contains("model and Linux"), "{}", ran.out());
}

#[test]
fn both_sides_are_shown_where_they_differ_from_what_is_written() {
    let Some(ran) = on_the_kernel(check(WRONG, &[])) else {
        return;
    };
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out().contains("≠ kernel    100 epoll_wait("),
        "{}",
        ran.out()
    );
    let rows = "tfd: 4 events: 19 data: 4";
    assert_eq!(ran.out().matches(rows).count(), 2, "{}", ran.out());
}

#[test]
fn a_call_that_no_kernel_has_ends_the_kernels_side() {
    let script = "100 openat(AT_FDCWD, \"/dev/polter\", O_RDWR) = 3\n100 close(3) = 0\n";
    let Some(ran) = on_the_kernel(check(script, &[])) else {
        return;
    };
    assert_eq!(ran.code, Some(0), "{}{}", ran.out(), ran.err());
    assert!(
        ran.out().contains("Linux up to line 1: not available"),
        "{}",
        ran.out()
    );
}

#[test]
fn what_was_not_asked_is_no_agreement() {
    let logs = Logs::new();
    let open = logs.write(
        "open.strace",
        "100 fork() = 101\n100 kill(-99999, 0) = -1 ESRCH (No such process)\n",
    );
    let right = logs.write("right.strace", "100 epoll_create1(0) = 3\n");
    let args = |options: &[&str]| {
        let options = options.iter().map(|option| (*option).to_owned().into());
        let paths = [
            open.clone().into_os_string(),
            right.clone().into_os_string(),
        ];
        ["check".into()]
            .into_iter()
            .chain(options)
            .chain(paths)
            .collect::<Vec<_>>()
    };
    let ran = polter(args(&["--no-kernel"]));
    assert_eq!(ran.code, Some(0), "{}{}", ran.out(), ran.err());
    let why =
        "not asked from line 2 on (1 call: nobody from line 2 on: signals to more than one process";
    assert!(ran.out().contains(why), "{}", ran.out());
    let sum = "2 scripts: 1 agree, 0 differ, 1 not asked to the end\n";
    assert!(ran.out().ends_with(sum), "{}", ran.out());
    assert_eq!(polter(args(&["--no-kernel", "--strict"])).code, Some(2));

    let ran = polter(args(&["--no-kernel", "--format", "json"]));
    let objects: Vec<Value> = ran
        .out()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(objects[0]["verdict"], "not-asked");
    assert_eq!(objects[0]["not_asked"]["line"], 2);
    assert_eq!(objects[1]["verdict"], "agrees");
    assert_eq!(objects[1]["not_asked"], Value::Null);

    let ran = polter(args(&["--no-kernel", "--format", "junit"]));
    assert!(
        ran.out()
            .contains("failures=\"0\" errors=\"0\" skipped=\"1\""),
        "{}",
        ran.out()
    );
}

#[test]
fn what_is_cut_out_of_a_call_hides_no_difference() {
    let script = "\
100 epoll_create1(0) = 3
100 eventfd2(0, 0) = 4
100 eventfd2(0, 0) = 5
100 epoll_ctl(3, EPOLL_CTL_ADD, 4, {events=EPOLLOUT, data={u32=4, u64=4}}) = 0
100 epoll_ctl(3, EPOLL_CTL_ADD, 5, {events=EPOLLOUT, data={u32=5, u64=5}}) = 0
100 epoll_wait(3, [{events=EPOLLOUT, data={u32=5, u64=5}}, {events=EPOLLOUT, data={u32=4, u64=4}}], 8, 0) = 2
";
    let ran = check(script, &["--no-kernel"]);
    assert_eq!(ran.code, Some(1));
    let first = |who: &str| format!("{who} 100 epoll_wait(3, [{{events=EPOLLOUT, data=");
    assert!(
        ran.out()
            .contains(&format!("{}{{u32=5", first("written  "))),
        "{}",
        ran.out()
    );
    assert!(
        ran.out()
            .contains(&format!("{}{{u32=4", first("model    "))),
        "{}",
        ran.out()
    );
}

#[test]
fn every_fact_holds_on_this_kernel() {
    let Some(ran) = on_the_kernel(polter(["check", "--conformance"])) else {
        return;
    };
    assert_eq!(ran.code, Some(0), "{}", ran.out());
    assert!(ran.out().contains(", 0 broken, "), "{}", ran.out());
}

#[test]
fn the_suite_comes_as_json_and_junit() {
    let Some(ran) = on_the_kernel(polter(["check", "--conformance", "--format", "json"])) else {
        return;
    };
    let value: Value = serde_json::from_str(&ran.out()).unwrap();
    check_keys(&value);
    let facts = value["facts"].as_array().unwrap();
    assert!(facts.iter().any(|fact| fact["standing"] == "held"));
    let ran = polter(["check", "--conformance", "--format", "junit"]);
    check_xml(&ran.out());
    let tests = format!(r#"tests="{}""#, facts.len());
    assert!(ran.out().contains(&tests));
}

#[test]
fn random_programs_are_run_and_counted() {
    let args = [
        "check",
        "--random",
        "24",
        "--calls",
        "12",
        "--shape",
        "single,nested",
    ];
    let Some(ran) = on_the_kernel(polter(args)) else {
        return;
    };
    let differs = ran.code == Some(1);
    assert_eq!(differs, ran.out().contains("# Program "), "{}", ran.out());
    assert!(
        ran.out().contains("single     12 programs, "),
        "{}",
        ran.out()
    );
    assert!(!ran.out().contains("threads "), "{}", ran.out());
    let again = polter(args.into_iter().chain(["--format", "json"]));
    let value: Value = serde_json::from_str(&again.out()).unwrap();
    check_keys(&value);
    assert_eq!(value["programs"], 24);
    assert_eq!(value["found"].as_array().unwrap().is_empty(), !differs);
    check_xml(&polter(args.into_iter().chain(["--format", "junit"])).out());
}

#[test]
fn a_wrong_command_line_is_an_error() {
    for args in [
        &["check"][..],
        &["check", "--random", "9", "x"],
        &["check", "--random", "9", "--shape", "round"],
        &["check", "--seed", "2", "x"],
        &["check", "--conformance", "x"],
        &["check", "--kernel-version", "six", "x"],
        &["check", "--policy", "close,owner", "x"],
    ] {
        assert_eq!(polter(args).code, Some(2), "{args:?}");
    }
}

fn check(script: &str, options: &[&str]) -> Ran {
    let logs = Logs::new();
    let script = logs.write("script.strace", script);
    let args = ["check".as_ref(), script.as_os_str()];
    polter(args.into_iter().chain(options.iter().map(OsStr::new)))
}

/// Nothing, and a word about it, where no script can be run.
#[expect(clippy::print_stderr, reason = "what is skipped is skipped aloud")]
fn on_the_kernel(ran: Ran) -> Option<Ran> {
    if ran.err().contains("no script can be run on this kernel") {
        eprintln!("skipped: {}", ran.err());
        return None;
    }
    Some(ran)
}

#[track_caller]
fn check_keys(value: &Value) {
    let docs = include_str!("../../../../docs/json.md");
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let is_known = docs.contains(&format!("`{key}`"));
                assert!(is_known, "{key} is not in docs/json.md");
                check_keys(value);
            }
        }
        Value::Array(values) => values.iter().for_each(check_keys),
        _ => {}
    }
}

/// Every tag is closed by its own name, and nothing else holds `<` or `&`.
#[track_caller]
pub(crate) fn check_xml(text: &str) {
    assert!(text.is_ascii());
    let body = text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let mut open = Vec::new();
    for piece in body.expect("a declaration").split('<').skip(1) {
        let (tag, rest) = piece.split_once('>').expect("a tag ends");
        let name = tag.split(' ').next().unwrap_or_default();
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.push(name),
        }
        assert!(tag.matches('"').count().is_multiple_of(2), "{tag}");
        assert!(!rest.contains('>'), "{rest}");
        for entity in piece.split('&').skip(1) {
            let (entity, _) = entity.split_once(';').expect("an entity ends");
            let is_known = ["amp", "lt", "gt", "quot"].contains(&entity) || entity.starts_with('#');
            assert!(is_known, "{entity}");
        }
    }
    assert!(open.is_empty(), "{open:?}");
}
