//! Python's own functions, in the frames of each version that is here.

use std::path::PathBuf;
use std::process::Command;

use polter_stack::Modules;

use crate::capture::{Program, Stopped, has_in_order};

const SOURCE: &str = r#"
import os


class Handler:
    def close(self, fd):
        try:
            os.close(fd)
        except OSError:
            pass


def größe(fd):
    Handler().close(fd)


os.write(1, b"x")
os.read(0, 1)
def idle():
    os.write(1, b"y")
    os.read(0, 1)


list(map(größe, [777]))
idle()
"#;

#[test]
fn functions_and_lines_of_python() {
    for_each(|stopped, path| {
        let frames = frames(stopped);
        let inner = [
            format!("{path}(Handler.close+0x0) [line 8]"),
            format!("{path}(größe+0x0) [line 14]"),
        ];
        let outer = format!("{path}(<module>+0x0) [line 24]");
        let interpreter = "(_PyEval_EvalFrameDefault+0x";
        has_in_order(
            &frames,
            &[&inner[0], &inner[1], interpreter, &outer, interpreter],
        );
        assert_eq!(frames.matches(interpreter).count(), 2, "{frames}");
    });
}

#[test]
fn what_came_after_the_copy_is_left_out() {
    for_each(|stopped, path| {
        stopped.run_on();
        let frames = frames(stopped);
        assert!(!frames.contains("(idle+0x"), "{frames}");
        let interpreter = "(_PyEval_EvalFrameDefault+0x";
        // The innermost function has returned, and the copy still tells it. The outermost one is there, where it is now.
        has_in_order(
            &frames,
            &[
                &format!("{path}(Handler.close+0x0) [line 8]"),
                interpreter,
                &format!("{path}(<module>+0x0) [line 25]"),
                interpreter,
            ],
        );
    });
}

#[test]
fn without_its_process_python_has_no_frames() {
    for_each(|stopped, path| {
        let modules = Modules::of(stopped.pid()).unwrap();
        stopped.end();
        let frames = modules.frames_of(stopped.pid(), &stopped.stack);
        assert!(
            frames
                .iter()
                .all(|frame| frame.address.is_some() && frame.module != path.as_bytes())
        );
        assert!(
            frames
                .iter()
                .any(|frame| frame.function.as_deref() == Some("_PyEval_EvalFrameDefault"))
        );
    });
}

/// Runs the program with each Python that is here and known.
fn for_each(mut check_fn: impl FnMut(&mut Stopped, &str)) {
    let program = Program::of("app.py", SOURCE);
    let mut tried = 0;
    for (python, version) in pythons() {
        if !["3.11", "3.12", "3.13"]
            .iter()
            .any(|known| version.starts_with(known))
        {
            continue;
        }
        let Some(mut stopped) = Stopped::run(Command::new(python).arg(program.path("app.py")))
        else {
            return;
        };
        check_fn(&mut stopped, &program.path("app.py").display().to_string());
        tried += 1;
    }
    if tried == 0 {
        skipped!("no Python of 3.11 to 3.13 is here");
    }
}

fn frames(stopped: &Stopped) -> String {
    let modules = Modules::of(stopped.pid()).unwrap();
    let frames = modules.frames_of(stopped.pid(), &stopped.stack);
    frames.iter().map(|frame| format!("{frame}\n")).collect()
}

/// The system's Python, the one that is called so, and those that pyenv has; with their versions.
fn pythons() -> Vec<(PathBuf, String)> {
    let pyenv = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".pyenv"));
    let versions = pyenv
        .or(home)
        .and_then(|root| std::fs::read_dir(root.join("versions")).ok());
    let others = versions
        .into_iter()
        .flatten()
        .flatten()
        .map(|dir| dir.path().join("bin/python3"));
    let all = ["/usr/bin/python3".into(), "python3".into()]
        .into_iter()
        .chain(others);
    all.filter_map(|python: PathBuf| {
        let output = Command::new(&python)
            .args(["-c", "import sys; print(sys.version)"])
            .output()
            .ok()?;
        let version = String::from_utf8_lossy(&output.stdout).into_owned();
        output.status.success().then_some((python, version))
    })
    .collect()
}
