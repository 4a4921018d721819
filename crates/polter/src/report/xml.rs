//! JUnit's XML as Jenkins and GitLab read it, in ASCII.

use std::fmt::Write as _;
use std::io::{self, Write};

/// Test cases under one name.
pub(crate) struct Suite {
    /// The name.
    pub(crate) name: String,
    /// The cases.
    pub(crate) cases: Vec<Case>,
}

/// A test case.
pub(crate) struct Case {
    /// What it belongs to.
    pub(crate) class: String,
    /// Its name, the same in every run.
    pub(crate) name: String,
    /// The file it is about, if it is about one.
    pub(crate) file: Option<String>,
    /// How it ended.
    pub(crate) ending: Ending,
}

/// How a test case ended.
pub(crate) enum Ending {
    /// It passed, and may have something to say.
    Passed(Option<String>),
    /// It failed: in a line, and at length.
    Failed {
        message: Option<String>,
        text: String,
    },
    /// It could not be told.
    Error(String),
    /// It was not asked.
    Skipped(String),
}

/// Writes suites as one document.
pub(crate) fn write(out: &mut dyn Write, suites: &[Suite]) -> io::Result<()> {
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(out, r#"<testsuites name="polter">"#)?;
    for suite in suites {
        write_suite(out, suite)?;
    }
    writeln!(out, "</testsuites>")
}

fn write_suite(out: &mut dyn Write, suite: &Suite) -> io::Result<()> {
    let count_fn = |is_fn: fn(&Ending) -> bool| {
        suite
            .cases
            .iter()
            .filter(|case| is_fn(&case.ending))
            .count()
    };
    writeln!(
        out,
        r#"<testsuite name="polter: {}" tests="{}" failures="{}" errors="{}" skipped="{}">"#,
        escape(&suite.name),
        suite.cases.len(),
        count_fn(|ending| matches!(ending, Ending::Failed { .. })),
        count_fn(|ending| matches!(ending, Ending::Error(_))),
        count_fn(|ending| matches!(ending, Ending::Skipped(_))),
    )?;
    for case in &suite.cases {
        write_case(out, case)?;
    }
    writeln!(out, "</testsuite>")
}

fn write_case(out: &mut dyn Write, case: &Case) -> io::Result<()> {
    let (class, name) = (escape(&case.class), escape(&case.name));
    write!(out, r#"  <testcase classname="{class}" name="{name}""#)?;
    if let Some(file) = &case.file {
        write!(out, r#" file="{}""#, escape(file))?;
    }
    match &case.ending {
        Ending::Passed(None) => return writeln!(out, "/>"),
        Ending::Passed(Some(told)) => {
            write!(out, ">\n    <system-out>{}</system-out>", escape(told))?;
        }
        Ending::Failed { message, text } => {
            write!(out, ">\n    <failure")?;
            if let Some(message) = message {
                write!(out, r#" message="{}""#, escape(message))?;
            }
            write!(out, ">{}</failure>", escape(text))?;
        }
        Ending::Error(why) => {
            let why = escape(why);
            write!(out, ">\n    <error message=\"{why}\">{why}</error>")?;
        }
        Ending::Skipped(why) => write!(out, ">\n    <skipped message=\"{}\"/>", escape(why))?,
    }
    writeln!(out, "\n  </testcase>")
}

/// Makes text safe in an attribute or between tags, and ASCII. XML cannot express most control
/// characters, so those become question marks.
fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | ' '..='~' => escaped.push(character),
            '\0'..' ' | '\u{7f}'..'\u{a0}' | '\u{fffe}' | '\u{ffff}' => escaped.push('?'),
            _ => {
                // Writing to a string cannot fail.
                let _ = write!(escaped, "&#{};", u32::from(character));
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_place() {
        check("a<b & \"c\" > d\n", "a&lt;b &amp; &quot;c&quot; &gt; d\n");
        check("\u{1b}[31m\u{9b}", "?[31m?");
        check("…👻", "&#8230;&#128123;");
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(escape(text), expected);
    }
}
