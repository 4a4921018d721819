//! Records this very process.

use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;

use polter_record::{Recorder, Refusal, Scope};

#[test]
fn ones_own_calls_are_recorded() {
    let scope = Scope::Processes {
        pids: vec![std::process::id()],
        follows: true,
    };
    let mut text = Vec::new();
    let mut recorder = match Recorder::start(&scope, &mut text, "a test") {
        Err(Refusal::NotPermitted) => {
            let _ = writeln!(io::stderr(), "skipped: {}", Refusal::NotPermitted);
            return;
        }
        recorder => recorder.expect("the kernel takes the programs"),
    };
    let (mut reader, mut writer) = io::pipe().expect("a pipe");
    let fd = reader.as_raw_fd();
    writer.write_all(b"x").expect("room");
    reader.read_exact(&mut [0]).expect("it");
    drop(reader);
    recorder.drain().expect("a vector takes all");
    recorder.finish().expect("the counts");
    let text = String::from_utf8(text).expect("text");
    assert!(text.contains(&format!("read({fd}<pipe:[")), "{text}");
    assert!(text.contains(&format!("close({fd}<pipe:[")), "{text}");
}
