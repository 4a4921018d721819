//! The table of how a command ended under several policies.

use std::io::{self, Write};

use polter_lab::Ending;

use super::GuestRun;
use crate::report::text::style::{ASIDE, CLEAN, FAULT, TITLE};
use crate::report::words::{clean, cut};

/// The columns of the command's last line.
const SAID: usize = 54;

/// Writes one row for each policy. The first row is the one that the others are compared with.
pub(super) fn write(out: &mut dyn Write, runs: &[GuestRun]) -> io::Result<()> {
    writeln!(
        out,
        "{TITLE}{:<15} {:<16} {:>8}  said last{TITLE:#}",
        "policy", "ended", "seconds"
    )?;
    for run in runs {
        let style = if run.ending == runs[0].ending {
            CLEAN
        } else {
            FAULT
        };
        writeln!(
            out,
            "{:<15} {style}{:<16}{style:#} {:>8.1}  {ASIDE}{}{ASIDE:#}",
            run.policy,
            words(run.ending),
            run.took.as_secs_f64(),
            cut(&said_last(&run.output), SAID)
        )?;
    }
    Ok(())
}

fn words(ending: Ending) -> String {
    match ending {
        Ending::Exited(0) => "well".to_owned(),
        Ending::Exited(code) => format!("exit code {code}"),
        Ending::Signalled(signal) => format!("signal {signal}"),
        Ending::TimedOut => "not in time".to_owned(),
        Ending::Stopped => "stopped".to_owned(),
    }
}

/// The last line that is not blank.
fn said_last(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    clean(last.unwrap_or("").trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_the_last_with_words() {
        assert_eq!(said_last(b"one\ntwo\n\n"), "two");
        assert_eq!(said_last(b""), "");
        assert_eq!(said_last(b"\x1b[31mred\n"), "\\x1b[31mred");
    }
}
