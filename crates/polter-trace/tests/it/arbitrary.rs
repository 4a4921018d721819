//! Bytes nobody wrote on purpose: nothing panics, and everything prints back.

use polter_trace::{Body, Line, LineReader, Stream, Value, escape, quote, unescape};
use proptest::prelude::*;

/// What strace's lines are made of.
const PIECES: &[&[u8]] = &[
    b"123 ",
    b"[pid 7] ",
    b"12:00:00.5 ",
    b"epoll_ctl(",
    b"<... read resumed>",
    b" <unfinished ...>",
    b"strace: Process 9 attached",
    b"3<TCP:[1->2]>",
    b"</tmp/a\\\">",
    b"\"a\\\"b\"",
    b"{a=1, b=",
    b"/* c */",
    b" => ",
    b"~[USR1 ",
    b"A|0x10",
    b") = -1 EBADF (Bad) <0.1>",
    b") = 0",
    b"--- SIGCHLD {} ---",
    b"+++ exited with 1 +++",
    b"\n",
    b"\r\n",
    b"]",
    b"}",
    b", ",
    b"\"",
    b"<",
    b"\\",
];

/// Text made of the pieces that strace's lines are made of.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(PIECES);
    let text = prop_oneof![
        4 => piece.prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(text, 0..24).prop_map(|texts| texts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_print_back(text in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&text);
    }

    #[test]
    fn arbitrary_pieces_print_back(text in pieces()) {
        check(&text);
    }

    #[test]
    fn a_log_of_pieces_never_panics(text in pieces()) {
        let lines = LineReader::new(&text[..]).max_len(64);
        let mut stream = Stream::with_limits(lines, polter_trace::Limits { tasks: 2, bytes_per_call: 9, bytes: 12 });
        while let Some(step) = stream.next_step().unwrap() {
            prop_assert!(step.warning.is_none_or(|warning| !warning.to_string().is_empty()));
        }
    }

    #[test]
    fn quoted_bytes_come_back(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let quoted = quote(&bytes);
        let inner = &quoted.as_bytes()[1..quoted.len() - 1];
        prop_assert_eq!(&*unescape(inner), &bytes[..]);
    }
}

#[track_caller]
fn check(text: &[u8]) {
    let line = Line::parse(text);
    assert_eq!(line.to_bytes(), text);
    assert!(escape(text).to_string().chars().all(|c| !c.is_control()));
    let _ = Value::parse(text);
    let args = match line.body {
        Body::Call(call) => call.args,
        Body::Unfinished(call) => call.args,
        Body::Resumed(call) => call.args,
        _ => return,
    };
    for arg in args {
        let _ = arg.value();
    }
}
