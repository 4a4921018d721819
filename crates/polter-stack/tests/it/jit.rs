//! Code that is compiled just in time, named by `/tmp/perf-PID.map`.

use std::fs;
use std::process::Command;

use crate::capture::{Program, Stopped, has_in_order};

const NODE: &str = r#"
const fs = require('fs');
function dropConnection(fd) { try { fs.closeSync(fd); } catch {} }
function handleRequest(fd) { dropConnection(fd); }
fs.writeSync(1, 'x');
fs.readSync(0, Buffer.alloc(1));
handleRequest(777);
"#;

#[test]
fn node() {
    if Command::new("node").arg("--version").output().is_err() {
        skipped!("there is no node");
        return;
    }
    let program = Program::of("app.js", NODE);
    let mut command = Command::new("node");
    // It leaves a log where it is started.
    command.current_dir(program.dir.path());
    command
        .args(["--perf-basic-prof", "--interpreted-frames-native-stack"])
        .arg(program.path("app.js"));
    let Some(stopped) = Stopped::run(&mut command) else {
        return;
    };
    let frames = stopped.frames();
    let map = format!("/tmp/perf-{}.map", stopped.pid());
    drop(stopped);
    let _ = fs::remove_file(&map);
    has_in_order(&frames, &[&map, "dropConnection", &map, "handleRequest"]);
}
