//! A function of the program that a thread was in.

use serde::{Serialize, Serializer};

/// A frame of a thread's stack in its program, named.
///
/// In JSON it is [`UserFrame::text`]. All of it comes from the process's files and memory, and may hold anything; only
/// `text` is escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFrame {
    /// The whole frame, as `strace -k` writes it: `/usr/bin/app(serve+0x1d) [0x11f2]`, and the source after it if that is
    /// known; a script's function has its line in place of the address.
    pub text: String,
    /// The function, demangled; `None` if it has no name.
    pub function: Option<String>,
    /// The name of the file that has the code, without its folder.
    pub module: String,
    /// How far into the file the code is, if the function has no name.
    pub offset: u64,
    /// The name of the source file, without its folder, and the line.
    pub source: Option<(String, u32)>,
    /// Whose code it is.
    pub origin: Origin,
}

/// Whose code a frame is, what a reader knows best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A script that the process interprets.
    Script,
    /// The program that the process runs.
    Program,
    /// A library.
    Library,
    /// What every program of its kind has below its own code: the C library, or the interpreter of a script.
    Runtime,
}

impl UserFrame {
    /// At most so many frames, those that a reader knows best, in the order of the stack. Without anything known better,
    /// those of the runtime.
    pub fn best(frames: &[UserFrame], most: usize) -> Vec<&UserFrame> {
        let is_known = |it: &&UserFrame| it.origin < Origin::Runtime;
        let has_known = frames.iter().any(|it| is_known(&it));
        let mut ranked: Vec<(usize, &UserFrame)> = frames.iter().enumerate().collect();
        ranked.retain(|(_, it)| !has_known || is_known(it));
        ranked.sort_by_key(|(at, it)| (it.origin, *at));
        ranked.truncate(most);
        ranked.sort_by_key(|(at, _)| *at);
        ranked.into_iter().map(|(_, it)| it).collect()
    }
}

impl Serialize for UserFrame {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::{Origin, UserFrame};

    const STACK: [(&str, Origin); 5] = [
        ("epoll_wait", Origin::Runtime),
        ("loop", Origin::Library),
        ("serve", Origin::Program),
        ("main", Origin::Program),
        ("start", Origin::Runtime),
    ];

    #[test]
    fn the_runtime_is_left_out_where_anything_is_known_better() {
        check(&STACK, 8, "loop serve main");
        check(&STACK[..1], 8, "epoll_wait");
        check(&[], 8, "");
    }

    #[test]
    fn what_is_known_best_stays_and_the_order_too() {
        check(&STACK, 2, "serve main");
        check(&STACK, 1, "serve");
        let mut with_script = STACK.to_vec();
        with_script.insert(4, ("handler", Origin::Script));
        check(&with_script, 2, "serve handler");
    }

    #[track_caller]
    fn check(stack: &[(&str, Origin)], most: usize, expected: &str) {
        let frame = |(function, origin): &(&str, Origin)| UserFrame {
            text: String::new(),
            function: Some((*function).to_owned()),
            module: String::new(),
            offset: 0,
            source: None,
            origin: *origin,
        };
        let frames: Vec<UserFrame> = stack.iter().map(frame).collect();
        let best: Vec<&str> = UserFrame::best(&frames, most)
            .into_iter()
            .filter_map(|it| it.function.as_deref())
            .collect();
        assert_eq!(best.join(" "), expected);
    }
}
