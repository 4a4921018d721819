//! Any call that can be read is written such that it reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use polter_trace::{Body, Decoded, Line, decode, decode_entry, encode};

fuzz_target!(|text: &[u8]| {
    let call = match Line::parse(text).body {
        Body::Call(call) => call,
        Body::Unfinished(call) => {
            let _ = decode_entry(&call);
            return;
        }
        _ => return,
    };
    match decode(&call) {
        Ok(Some(Decoded { syscall, outcome: Some(outcome) })) => {
            let written = encode(&syscall, &outcome);
            let Body::Call(again) = Line::parse(written.as_bytes()).body else {
                panic!("{written}");
            };
            let again = decode(&again).unwrap_or_else(|error| panic!("{written}: {error}"));
            let again = again.unwrap_or_else(|| panic!("{written}"));
            assert_eq!(again.syscall, syscall, "{written}");
            assert_eq!(again.outcome, Some(outcome), "{written}");
        }
        Ok(_) => {}
        Err(error) => assert!((1..=text.len() + 1).contains(&error.column), "{error}"),
    }
});
