//! JSON: one object for each log, scan or plan, on a line of its own.
//!
//! Everything beyond printable ASCII is written as `\uXXXX`, so that nothing in a log can control a
//! terminal.

use std::io::{self, Write};

use polter_judge::Verdict;
use polter_scan::{Plan, Report};
use polter_why::Answer;
use serde::Serialize;
use serde_json::ser::Formatter;

use crate::exorcise_command::{Cost, Sum};

/// The format's version. It changes when readers must be changed.
pub(crate) const VERSION: u32 = 1;

/// The object for one log; docs/json.md describes it.
#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    file: &'a str,
    #[serde(flatten)]
    verdict: &'a Verdict,
}

/// Writes the verdict on the log of this name.
pub(crate) fn write(out: &mut dyn Write, name: &str, verdict: &Verdict) -> io::Result<()> {
    let document = Document {
        version: VERSION,
        file: name,
        verdict,
    };
    write_line(out, &document)
}

/// The object of `polter scan`.
#[derive(Serialize)]
struct ScanDocument<'a> {
    version: u32,
    #[serde(flatten)]
    report: &'a Report,
}

/// Writes the report on running processes.
pub(crate) fn write_scan(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let version = VERSION;
    write_line(out, &ScanDocument { version, report })
}

/// The object of `polter why`.
#[derive(Serialize)]
struct WhyDocument<'a> {
    version: u32,
    #[serde(flatten)]
    answer: &'a Answer,
}

/// Writes why processes spin or are deaf.
pub(crate) fn write_why(out: &mut dyn Write, answer: &Answer) -> io::Result<()> {
    let version = VERSION;
    write_line(out, &WhyDocument { version, answer })
}

/// The object of `polter exorcise`.
#[derive(Serialize)]
struct ExorcismDocument<'a> {
    version: u32,
    #[serde(flatten)]
    plan: &'a Plan,
    #[serde(skip_serializing_if = "Option::is_none")]
    spin: Option<&'a Cost>,
}

/// Writes a plan, or what came of it.
pub(crate) fn write_exorcism(
    out: &mut dyn Write,
    plan: &Plan,
    spin: Option<&Cost>,
) -> io::Result<()> {
    let document = ExorcismDocument {
        version: VERSION,
        plan,
        spin,
    };
    write_line(out, &document)
}

/// The last object of `polter exorcise --watch`.
#[derive(Serialize)]
struct SumDocument<'a> {
    version: u32,
    sum: &'a Sum,
}

/// Writes the sum of a watch.
pub(crate) fn write_sum(out: &mut dyn Write, sum: &Sum) -> io::Result<()> {
    let version = VERSION;
    write_line(out, &SumDocument { version, sum })
}

/// Writes one object on a line of its own.
pub(crate) fn write_line(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, Ascii);
    document.serialize(&mut serializer)?;
    writeln!(out)
}

/// Writes compact JSON in ASCII only.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut units = [0; 2];
        for character in fragment.chars() {
            if matches!(character, ' '..='~') {
                out.write_all(&[character as u8])?;
                continue;
            }
            for unit in character.encode_utf16(&mut units) {
                write!(out, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;
    use serde_json::Value;

    #[test]
    fn text_survives_and_is_ascii() {
        let mut verdict = sample::haunted();
        verdict.findings[0].summary = "\u{1b}[31m \u{9b} \u{202e} \u{1f47b} \"\\".to_owned();
        let json = written(&verdict);
        assert!(json.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')));
        let value: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(value["findings"][0]["summary"], verdict.findings[0].summary);
        assert_eq!(
            (&value["version"], &value["file"]),
            (&1.into(), &"log".into())
        );
    }

    #[test]
    fn every_key_is_documented() {
        let docs = include_str!("../../../../docs/json.md");
        let value: Value = serde_json::from_str(&written(&sample::haunted())).unwrap();
        check(&value, docs);
    }

    fn written(verdict: &Verdict) -> String {
        let mut out = Vec::new();
        write(&mut out, "log", verdict).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[track_caller]
    fn check(value: &Value, docs: &str) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    assert!(
                        docs.contains(&format!("`{key}`")),
                        "{key} is not in docs/json.md"
                    );
                    check(value, docs);
                }
            }
            Value::Array(values) => values.iter().for_each(|value| check(value, docs)),
            _ => {}
        }
    }
}
