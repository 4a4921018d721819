//! A log of anything: it can be read to its end, within the limits.
#![no_main]

use std::io::BufReader;

use libfuzzer_sys::fuzz_target;
use polter_trace::{EventKind, Limits, LineReader, Stream};

fuzz_target!(|text: &[u8]| {
    let lines = LineReader::new(BufReader::with_capacity(16, text)).max_len(256);
    let limits = Limits { tasks: 4, bytes_per_call: 64, bytes: 128 };
    let mut stream = Stream::with_limits(lines, limits);
    let mut last = 0;
    while let Some(step) = stream.next_step().unwrap() {
        if let Some(event) = step.event {
            assert!(event.line > last);
            last = event.line;
            if let EventKind::Exit { entry, call } = event.kind {
                assert!(entry < event.line);
                for arg in call.args {
                    let _ = arg.value();
                }
            }
        }
        if let Some(warning) = step.warning {
            assert!(!warning.to_string().is_empty());
        }
        assert!(stream.assembler().pending().count() <= 4);
    }
});
