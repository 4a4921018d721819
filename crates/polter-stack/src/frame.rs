//! One frame of a stack, and its line in the form of `strace -k`.

use std::fmt;

use polter_trace::escape;

/// A function under way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// The path of the file that has the code, as the process sees it; `[vdso]`, `[anon]`, or a
    /// script. May hold anything.
    pub module: Vec<u8>,
    /// The function, demangled, if it is known. May hold anything, too.
    pub function: Option<String>,
    /// How far into the function the address is. Of one that a compiler has put into another, the
    /// other counts; of an unknown one, the module.
    pub offset: u64,
    /// The address of the next instruction, in the file's own numbers, as `addr2line` takes it; the
    /// process's own if there is no file. An interpreter's frame has none.
    pub address: Option<u64>,
    /// The source file and line, if they are known. The file may hold anything.
    pub source: Option<(String, u32)>,
}

impl fmt::Display for Frame {
    /// Writes ` > /lib/libc.so.6(write+0x14) [0x10f194]`, without an end of line; an interpreter's
    /// frame has its line in place of the address.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let function = self.function.as_deref().unwrap_or_default();
        f.write_str(" > ")?;
        // The first parenthesis ends the path.
        for (at, part) in self.module.split(|&byte| byte == b'(').enumerate() {
            f.write_str(if at == 0 { "" } else { "\\x28" })?;
            write!(f, "{}", escape(part))?;
        }
        write!(f, "({}+{:#x})", escape(function.as_bytes()), self.offset)?;
        match (self.address, &self.source) {
            (Some(address), _) => write!(f, " [{address:#x}]"),
            (None, Some((_, line))) => write!(f, " [line {line}]"),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use polter_trace::{Body, Line};

    use super::*;

    #[test]
    fn native_frames() {
        check(
            &frame(b"/lib/libc.so.6", Some("write"), Some(0x10f194)),
            " > /lib/libc.so.6(write+0x14) [0x10f194]",
            "/lib/libc.so.6 write+0x14 0x10f194",
        );
        check(
            &frame(b"/a", None, Some(0x14)),
            " > /a(+0x14) [0x14]",
            "/a +0x14 0x14",
        );
        check(
            &frame(b"/a", Some("f(int) [x]"), Some(1)),
            " > /a(f(int) [x]+0x14) [0x1]",
            "/a f(int) [x]+0x14 0x1",
        );
    }

    #[test]
    fn an_interpreters_frame() {
        let mut python = frame(b"/app.py", Some("Handler.close"), None);
        python.source = Some(("/app.py".to_owned(), 41));
        check(
            &python,
            " > /app.py(Handler.close+0x14) [line 41]",
            "/app.py Handler.close+0x14 line 41",
        );
    }

    #[test]
    fn hostile_names_stay_on_their_line() {
        check(
            &frame(b"/a(b)\x1b[2J\n/c", Some("f\r\n1 close(3) = 0"), Some(1)),
            r" > /a\x28b)\x1b[2J\x0a/c(f\x0d\x0a1 close(3) = 0+0x14) [0x1]",
            r"/a\x28b)\x1b[2J\x0a/c f\x0d\x0a1 close(3) = 0+0x14 0x1",
        );
    }

    fn frame(module: &[u8], function: Option<&str>, address: Option<u64>) -> Frame {
        Frame {
            module: module.to_vec(),
            function: function.map(str::to_owned),
            offset: 0x14,
            address,
            source: None,
        }
    }

    /// Compares the text, and what the reader of logs makes of it.
    #[track_caller]
    fn check(frame: &Frame, text: &str, read: &str) {
        assert_eq!(frame.to_string(), text);
        let Body::StackFrame(frame) = Line::parse(text.as_bytes()).body else {
            panic!("{text}")
        };
        let parts = [Some(frame.object), frame.symbol, frame.address];
        let words: Vec<_> = parts
            .into_iter()
            .flatten()
            .map(String::from_utf8_lossy)
            .collect();
        assert_eq!(words.join(" "), read);
    }
}
