//! One line of anything: it prints back the same, and its values can be read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use polter_trace::{Args, Body, Decoration, Line, Value, escape};

fuzz_target!(|text: &[u8]| {
    let line = Line::parse(text);
    assert_eq!(line.to_bytes(), text);
    assert!(escape(text).to_string().chars().all(|c| !c.is_control()));
    let _ = Value::parse(text);
    let _ = Decoration::parse(text);
    match line.body {
        Body::Call(call) => {
            read(call.args);
            if let Some(inner) = call.returned.decoration {
                let _ = Decoration::parse(inner);
            }
        }
        Body::Unfinished(call) => read(call.args),
        Body::Resumed(call) => read(call.args),
        Body::Signal(signal) => {
            let _ = signal.info.map(Value::parse);
        }
        Body::Unparsed(unparsed) => {
            assert!((1..=text.len() + 1).contains(&unparsed.error.column));
        }
        _ => {}
    }
});

fn read(args: Args<'_>) {
    for arg in args {
        if let Err(error) = arg.value() {
            let end = arg.column + arg.raw.len();
            assert!((arg.column..=end).contains(&error.column), "{error}");
        }
    }
}
