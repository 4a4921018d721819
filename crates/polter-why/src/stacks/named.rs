//! Names the frames of copied stacks.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use polter_scan::Proc;
use polter_stack::{Frame, Modules, StackCopy};

use super::chosen::chosen;
use super::copy::copy;
use crate::facts::{Facts, Origin, UserFrame};

/// The time after which no further process is begun: many of them must not delay the answer.
const BUDGET: Duration = Duration::from_millis(400);

/// The function that every function of a script runs in.
const INTERPRETER: &str = "_PyEval_EvalFrameDefault";

/// Names the frames of one process after another; what several have mapped is read once.
pub(crate) struct Namer {
    known: Modules,
    until: Instant,
}

/// What one process has mapped.
struct Process<'a> {
    modules: &'a Modules,
    exe: Option<&'a str>,
}

impl Namer {
    pub(crate) fn new() -> Namer {
        Namer {
            known: Modules::default(),
            until: Instant::now() + BUDGET,
        }
    }

    /// Adds the stacks of the threads that tell something, of those that were copied or sleep now; none if they may not
    /// be read, or too much time has gone by.
    pub(crate) fn add(
        &mut self,
        proc: &Proc,
        facts: &mut Facts,
        copies: &BTreeMap<u32, StackCopy>,
    ) {
        let pid = facts.pid;
        let copy_of = |tid: u32| {
            Some((
                tid,
                copies.get(&tid).cloned().or_else(|| copy(proc, pid, tid))?,
            ))
        };
        let copied: BTreeMap<u32, StackCopy> =
            chosen(facts).into_iter().filter_map(copy_of).collect();
        if copied.is_empty() || Instant::now() > self.until {
            return;
        }
        let Ok(modules) = self.known.again(pid) else {
            return;
        };
        self.known = modules;
        let process = Process {
            modules: &self.known,
            exe: facts.exe.as_deref(),
        };
        for thread in &mut facts.threads {
            if let Some(copy) = copied.get(&thread.tid) {
                thread.user_stack = process.frames(thread.tid, copy);
            }
        }
    }
}

impl Process<'_> {
    /// The frames of a thread's stack, the innermost first.
    fn frames(&self, tid: u32, copy: &StackCopy) -> Vec<UserFrame> {
        let frames = self.modules.frames_of(tid, copy);
        let is_interpreter = |it: &&Frame| it.function.as_deref() == Some(INTERPRETER);
        let is_scripted = frames.iter().any(is_script);
        let interpreter = frames.iter().find(is_interpreter).filter(|_| is_scripted);
        let interpreter = interpreter.map(|it| it.module.clone());
        let origin = |frame: &Frame| match () {
            () if is_script(frame) => Origin::Script,
            () if is_beneath(frame.function.as_deref().unwrap_or_default()) => Origin::Runtime,
            () if Some(&frame.module) == interpreter.as_ref() => Origin::Runtime,
            () if self.is_program(&frame.module) => {
                // The interpreter's own `main`, where the interpreter is a library.
                if is_scripted {
                    Origin::Runtime
                } else {
                    Origin::Program
                }
            }
            () if is_runtime(&frame.module) => Origin::Runtime,
            () => Origin::Library,
        };
        frames.iter().map(|it| frame(it, origin(it))).collect()
    }

    fn is_program(&self, module: &[u8]) -> bool {
        // A file that was replaced has this behind its path, which the mapping's name has lost.
        let exe = self
            .exe
            .map(|it| it.strip_suffix(" (deleted)").unwrap_or(it));
        exe.is_some_and(|it| it.as_bytes() == module)
    }
}

/// A frame of an interpreter has a line and no address.
fn is_script(frame: &Frame) -> bool {
    frame.address.is_none()
}

/// What starts and carries a program, and is linked into it: that of C, of Rust and of Go.
fn is_beneath(function: &str) -> bool {
    const STARTS: [&str; 4] = ["std::", "core::", "runtime.", "runtime/"];
    let path = function
        .trim_start_matches(['<', '&'])
        .trim_start_matches("dyn ");
    function == "_start" || STARTS.iter().any(|it| path.starts_with(it))
}

/// The C library, its loader, and code without a file.
fn is_runtime(module: &[u8]) -> bool {
    const NAMES: [&str; 7] = [
        "libc.so",
        "libc-",
        "libc.musl-",
        "ld-",
        "libpthread",
        "libstdc++",
        "[",
    ];
    let name = file_name(&String::from_utf8_lossy(module));
    NAMES.iter().any(|it| name.starts_with(it))
}

fn frame(frame: &Frame, origin: Origin) -> UserFrame {
    let text = frame.to_string();
    let mut text = text.trim_start_matches(" > ").to_owned();
    let source = frame.source.as_ref();
    let source = source.map(|(file, line)| (file_name(file), *line));
    if let (Some((file, line)), Some(_)) = (&source, frame.address) {
        text.push_str(&format!(
            " {}:{line}",
            polter_trace::escape(file.as_bytes())
        ));
    }
    UserFrame {
        text,
        function: frame.function.clone(),
        module: file_name(&String::from_utf8_lossy(&frame.module)),
        offset: frame.offset,
        source,
        origin,
    }
}

fn file_name(path: &str) -> String {
    let name = Path::new(path).file_name();
    name.map_or_else(|| path.to_owned(), |it| it.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use polter_stack::Frame;

    use super::{Origin, frame, is_beneath, is_runtime};

    #[test]
    fn the_c_library_of_any_make_is_a_runtime() {
        for path in [
            "/usr/lib/x86_64-linux-gnu/libc.so.6",
            "/lib/ld-musl-x86_64.so.1",
            "/lib/libc-2.31.so",
            "/lib64/ld-linux-x86-64.so.2",
            "[vdso]",
            "[anon]",
        ] {
            assert!(is_runtime(path.as_bytes()), "{path}");
        }
        for path in [
            "/usr/lib/libcurl.so.4",
            "/usr/bin/ldapd",
            "/opt/libcrypto.so",
        ] {
            assert!(!is_runtime(path.as_bytes()), "{path}");
        }
    }

    #[test]
    fn what_carries_a_program_is_known_by_its_name() {
        for function in [
            "_start",
            "std::rt::lang_start::{{closure}}",
            "<&dyn core::ops::function::Fn<(), Output = i32> as core::ops::function::FnOnce<()>>::call_once",
            "runtime.netpoll",
        ] {
            assert!(is_beneath(function), "{function}");
        }
        for function in [
            "",
            "main",
            "start",
            "stdio::run",
            "app::main",
            "<app::S as core::ops::Drop>::drop",
            "main.main",
        ] {
            assert!(!is_beneath(function), "{function}");
        }
    }

    #[test]
    fn a_frame_is_written_as_strace_writes_it_and_with_its_source() {
        let native = Frame {
            module: b"/opt/app".to_vec(),
            function: Some("serve".to_owned()),
            offset: 0x1d,
            address: Some(0x11f2),
            source: Some(("/src/a\tb.c".to_owned(), 7)),
        };
        check(&native, "/opt/app(serve+0x1d) [0x11f2] a\\x09b.c:7");
        let script = Frame {
            module: b"/srv/app.py".to_vec(),
            function: Some("handler".to_owned()),
            source: Some(("/srv/app.py".to_owned(), 12)),
            ..Frame::default()
        };
        check(&script, "/srv/app.py(handler+0x0) [line 12]");
    }

    #[track_caller]
    fn check(it: &Frame, expected: &str) {
        assert_eq!(frame(it, Origin::Library).text, expected);
    }
}
