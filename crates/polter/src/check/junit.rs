//! Writes the results of a check for CI: JUnit's XML, in ASCII.

use std::fmt::Write as _;
use std::io::{self, Write};

use polter_check::Standing;
use polter_trace::encode;

use super::checked::{Checked, Sides};
use super::hunt::Hunt;
use super::suite::Suite;

/// A test case of the XML.
struct Case<'a> {
    name: &'a str,
    title: &'a str,
    result: Ending,
}

/// How a test case ended.
enum Ending {
    Passed,
    Failed(String),
    Skipped(String),
}

/// Writes a suite of scripts.
pub(super) fn write_scripts(out: &mut dyn Write, all: &[Checked], sides: &Sides) -> io::Result<()> {
    let cases = all.iter().map(|checked| Case {
        name: &checked.name,
        title: &checked.title,
        result: script(checked),
    });
    let suite = match &sides.kernel {
        Ok(release) => format!("model and Linux {release}"),
        Err(_) => format!("model of {} under {}", sides.version, sides.policy),
    };
    write(out, &suite, &cases.collect::<Vec<_>>())
}

/// Writes the suite that comes with polter.
pub(super) fn write_suite(out: &mut dyn Write, suite: &Suite) -> io::Result<()> {
    let cases = suite.facts.iter().map(|fact| Case {
        name: fact.name,
        title: &fact.title,
        result: match &fact.standing {
            Standing::Held => Ending::Passed,
            Standing::Broken(difference) => Ending::Failed(difference.to_string()),
            Standing::Failed(error) => Ending::Failed(error.to_string()),
            Standing::Skipped(reason) => Ending::Skipped(reason.clone()),
        },
    });
    let name = format!("epoll on Linux {}", suite.release);
    write(out, &name, &cases.collect::<Vec<_>>())
}

/// Writes a suite of one case: all random programs.
pub(super) fn write_random(out: &mut dyn Write, hunt: &Hunt) -> io::Result<()> {
    let found = &hunt.report.found;
    let scripts: Vec<&str> = found.iter().map(|found| found.script.as_str()).collect();
    let case = Case {
        name: "random programs",
        title: &format!("seed {}", hunt.options.seed),
        result: match scripts.is_empty() {
            true => Ending::Passed,
            false => Ending::Failed(scripts.join("\n")),
        },
    };
    let name = format!("model and Linux {}", hunt.release);
    write(out, &name, &[case])
}

fn script(checked: &Checked) -> Ending {
    let Some(difference) = &checked.comparison.difference else {
        return match checked.not_asked() {
            Some((line, why)) => Ending::Skipped(format!("not asked from line {line} on: {why}")),
            None => Ending::Passed,
        };
    };
    let call_fn = |outcome| encode(&difference.call, outcome);
    let kernel = difference.kernel.as_ref().map(call_fn);
    Ending::Failed(format!(
        "line {}:\n  written  {}\n  model    {}\n  kernel   {}",
        difference.line,
        call_fn(&difference.written),
        call_fn(&difference.model),
        kernel.as_deref().unwrap_or("not asked")
    ))
}

fn write(out: &mut dyn Write, suite: &str, cases: &[Case<'_>]) -> io::Result<()> {
    let count_fn = |is_fn: fn(&Ending) -> bool| cases.iter().filter(|c| is_fn(&c.result)).count();
    let failures = count_fn(|result| matches!(result, Ending::Failed(_)));
    let skipped = count_fn(|result| matches!(result, Ending::Skipped(_)));
    let suite = escape(suite);
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<testsuite name="polter: {suite}" tests="{}" failures="{failures}" errors="0" skipped="{skipped}">"#,
        cases.len()
    )?;
    for case in cases {
        write!(
            out,
            r#"  <testcase classname="epoll" name="{}: {}""#,
            escape(case.name),
            escape(case.title)
        )?;
        match &case.result {
            Ending::Passed => writeln!(out, "/>")?,
            Ending::Failed(what) => {
                writeln!(
                    out,
                    ">\n    <failure>{}</failure>\n  </testcase>",
                    escape(what)
                )?;
            }
            Ending::Skipped(why) => {
                writeln!(
                    out,
                    ">\n    <skipped message=\"{}\"/>\n  </testcase>",
                    escape(why)
                )?;
            }
        }
    }
    writeln!(out, "</testsuite>")
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
