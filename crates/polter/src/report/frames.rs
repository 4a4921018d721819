//! Picks the frames of a stack that belong to the program itself.

/// Objects that every system call goes through.
const SYSTEM_OBJECTS: [&str; 8] = [
    "libc.so.",
    "libc-2.",
    "libc.musl-",
    "ld-linux",
    "ld-musl-",
    "ld-2.",
    "ld.so",
    "libpthread",
];

/// Functions with which every process and thread begins.
const STARTS: [&str; 7] = [
    "_start",
    "__libc_start_main",
    "__libc_start_call_main",
    "start_thread",
    "clone",
    "clone3",
    "__clone",
];

/// The program's own frames, innermost first; all frames if none is the program's. JSON has all.
pub(crate) fn shown(stack: &[String]) -> Vec<&String> {
    let own: Vec<&String> = stack.iter().filter(|frame| is_own(frame)).collect();
    if own.is_empty() {
        return stack.iter().collect();
    }
    own
}

/// The innermost frame of the program's own, as `/usr/bin/worker(main+0x42)`; of a script before its interpreter's;
/// `None` if all is the system's.
pub(crate) fn own(stack: &[String]) -> Option<&str> {
    // A script's function has a line and no address.
    let script = stack.iter().find(|frame| frame.contains(" [line "));
    let frame = script.or_else(|| stack.iter().find(|frame| is_own(frame)))?;
    Some(frame.split(" [0x").next().unwrap_or(frame))
}

/// Reads `/lib/libc.so.6(write+0x14) [0x10f194]`.
fn is_own(frame: &str) -> bool {
    let (object, symbol) = frame.split_once('(').unwrap_or((frame, ""));
    let file = object.rsplit('/').next().unwrap_or(object);
    let symbol = symbol.split(['+', ')', '@']).next().unwrap_or(symbol);
    let is_system = SYSTEM_OBJECTS.iter().any(|name| file.starts_with(name));
    !is_system && !STARTS.contains(&symbol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_program_has_is_left_out() {
        check(
            &[
                "/usr/lib/x86_64-linux-gnu/libc.so.6(epoll_ctl+0xe) [0x10f194]",
                "/usr/lib/libuv.so.1(uv__io_poll+0x52) [0x2]",
                "/usr/bin/worker(main+0x42) [0x1234]",
                "/usr/lib/x86_64-linux-gnu/libc.so.6(__libc_start_main+0x85) [0x3]",
                "/usr/bin/worker(_start+0x21) [0x4]",
            ],
            &[
                "/usr/lib/libuv.so.1(uv__io_poll+0x52) [0x2]",
                "/usr/bin/worker(main+0x42) [0x1234]",
            ],
        );
    }

    #[test]
    fn a_static_program_starts_too() {
        check(
            &[
                "/srv/x(main+0x1) [0x1]",
                "/srv/x(__libc_start_call_main+0x7a) [0x2]",
            ],
            &["/srv/x(main+0x1) [0x1]"],
        );
    }

    #[test]
    fn a_stack_of_nothing_else_is_shown_whole() {
        let stack = ["/lib/libc.so.6(close+0x1) [0x1]", "/x(_start+0x21) [0x2]"];
        check(&stack, &stack);
    }

    #[test]
    fn a_script_comes_before_its_interpreter() {
        let stack = [
            "/usr/bin/python3.11(+0x1a2) [0x5]".to_owned(),
            "/srv/app.py(close+0x0) [line 8]".to_owned(),
        ];
        assert_eq!(own(&stack), Some("/srv/app.py(close+0x0) [line 8]"));
        assert_eq!(own(&stack[..1]), Some("/usr/bin/python3.11(+0x1a2)"));
    }

    #[track_caller]
    fn check(stack: &[&str], expected: &[&str]) {
        let stack: Vec<String> = stack.iter().map(|frame| (*frame).to_owned()).collect();
        assert_eq!(shown(&stack), expected);
    }
}
