//! What stands before each line of a log that was pasted somewhere: blanks, tabs, `> `, `| `.
//!
//! The commonest beginning after which lines are strace's is taken away, if the
//! lines as they are cannot be read.

use std::io::{self, BufRead, Read};

use polter_trace::{Body, DEFAULT_MAX_LEN, Line, LineReader};

/// The longest margin that is looked for.
const MAX_MARGIN: usize = 64;
/// The lines that are looked at.
const LOOKED_AT: usize = 100;

/// Finds what to take away from each line of a text that begins so; empty if it can be read as it is.
pub(crate) fn find(head: &[u8]) -> Vec<u8> {
    let lines: Vec<&[u8]> = head
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty())
        .take(LOOKED_AT)
        .collect();
    let relative = has_relative_seconds(&lines);
    let read = |line: &[u8]| is_read(line, relative);
    if lines.iter().filter(|line| read(line)).count() * 2 >= lines.len() {
        return Vec::new();
    }
    let mut margins: Vec<(&[u8], usize)> = Vec::new();
    for line in &lines {
        let longest = line.len().min(MAX_MARGIN);
        let Some(len) = (1..longest).find(|len| is_call(&line[*len..]) && read(&line[*len..]))
        else {
            continue;
        };
        match margins
            .iter_mut()
            .find(|(margin, _)| *margin == &line[..len])
        {
            Some((_, count)) => *count += 1,
            None => margins.push((&line[..len], 1)),
        }
    }
    // A longer one holds the shorter one, which pids of several lengths make two of.
    let supported = |margin: &[u8]| {
        let rests = lines.iter().filter_map(|line| line.strip_prefix(margin));
        rests.filter(|rest| read(rest)).count()
    };
    let best = margins
        .iter()
        .map(|(margin, _)| (*margin, supported(margin)))
        .max_by_key(|(margin, count)| (*count, usize::MAX - margin.len()));
    match best {
        Some((margin, count)) if count * 2 >= lines.len() => margin.to_vec(),
        _ => Vec::new(),
    }
}

/// True if lines begin with the seconds since the line before, without a fraction
/// (`strace --relative-timestamps=s`): the first one is 0 then, which no task is.
fn has_relative_seconds(lines: &[&[u8]]) -> bool {
    let relative = |line: &&[u8]| Line::parse(line).prefix.relative;
    lines
        .iter()
        .find_map(relative)
        .is_some_and(|time| time.is_zero())
}

/// True for a line that can be read, in which blanks before a pid are not taken for a time.
fn is_read(line: &[u8], has_relative_seconds: bool) -> bool {
    let parsed = Line::parse(line);
    let is_misread = !has_relative_seconds
        && parsed.prefix.clock.is_none()
        && parsed.prefix.pid.is_none()
        && parsed
            .prefix
            .relative
            .is_some_and(|time| !time.is_zero() && !parsed.prefix.raw.contains(&b'.'));
    !is_misread && !matches!(parsed.body, Body::Unparsed(_))
}

fn is_call(line: &[u8]) -> bool {
    matches!(
        Line::parse(line).body,
        Body::Call(_) | Body::Unfinished(_) | Body::Resumed(_) | Body::Exit(_) | Body::Signal(_)
    )
}

/// Reads a text without its margin.
pub(crate) struct WithoutMargin<R> {
    lines: LineReader<R>,
    margin: Vec<u8>,
    ready: Vec<u8>,
    at: usize,
}

impl<R: BufRead> WithoutMargin<R> {
    pub(crate) fn new(text: R, margin: Vec<u8>) -> WithoutMargin<R> {
        WithoutMargin {
            // One more than whoever reads it allows: what is too long stays too long.
            lines: LineReader::new(text).max_len(DEFAULT_MAX_LEN + MAX_MARGIN),
            margin,
            ready: Vec::new(),
            at: 0,
        }
    }
}

impl<R: BufRead> BufRead for WithoutMargin<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.ready.len() {
            self.ready.clear();
            self.at = 0;
            if let Some(line) = self.lines.next_line()? {
                let rest = line.text.strip_prefix(&self.margin[..]);
                // A margin without its last blanks is a blank line's.
                let is_blank = self.margin.starts_with(line.text.trim_ascii_end());
                let rest = rest.unwrap_or(if is_blank { b"" } else { line.text });
                self.ready.extend_from_slice(rest);
                if line.is_terminated {
                    self.ready.push(b'\n');
                }
            }
        }
        Ok(&self.ready[self.at..])
    }

    fn consume(&mut self, amount: usize) {
        self.at += amount;
    }
}

impl<R: BufRead> Read for WithoutMargin<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let len = ready.len().min(buffer.len());
        buffer[..len].copy_from_slice(&ready[..len]);
        self.consume(len);
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
100 epoll_create1(0) = 3
100 fork() = 12345
12345 close(3) = 0
100 epoll_wait(3, [], 8, 0) = 0
";

    #[test]
    fn a_log_as_strace_writes_it_has_none() {
        check(LOG, "");
        check("epoll_create1(0) = 3\nclose(3) = 0\n", "");
        check(
            "     0.000000 close(3) = 0\n    10.000000 close(4) = 0\n",
            "",
        );
        check(
            "     0 close(3) = 0\n     7 close(4) = 0\n     7 close(5) = 0\n",
            "",
        );
        check("12:00:00 close(3) = 0\n", "");
    }

    #[test]
    fn a_pasted_log_has_one() {
        for margin in [
            "    ",
            "   ",
            "\t",
            "\t\t",
            "> ",
            "> > ",
            "| ",
            "app_1  | ",
            "   > ",
        ] {
            check_quoted(margin);
        }
    }

    #[test]
    fn blank_and_foreign_lines_do_not_hide_it() {
        let quoted = format!(">\n> $ strace -f ./x\n{}", quoted("> "));
        assert_eq!(
            stripped(&quoted),
            format!("\n $ strace -f ./x\n{}", quoted_as(" "))
        );
    }

    #[test]
    fn prose_has_none() {
        check("so we call close(3) = 0\nand then close(4) = 0\nwell\n", "");
    }

    fn quoted(margin: &str) -> String {
        LOG.lines()
            .map(|line| format!("{margin}{line}\n"))
            .collect()
    }

    fn quoted_as(margin: &str) -> String {
        quoted(margin)
    }

    fn stripped(text: &str) -> String {
        let mut stripped = String::new();
        WithoutMargin::new(text.as_bytes(), find(text.as_bytes()))
            .read_to_string(&mut stripped)
            .unwrap();
        stripped
    }

    #[track_caller]
    fn check(text: &str, margin: &str) {
        assert_eq!(
            String::from_utf8_lossy(&find(text.as_bytes())),
            margin,
            "{text}"
        );
        if margin.is_empty() {
            assert_eq!(stripped(text), text);
        }
    }

    /// Blanks may stay before a pid; every line says what it said.
    #[track_caller]
    fn check_quoted(margin: &str) {
        let stripped = stripped(&quoted(margin));
        for (line, expected) in stripped.lines().zip(LOG.lines()) {
            assert_eq!(line.trim_start(), expected, "{margin:?}");
            assert_eq!(
                Line::parse(line.as_bytes()).prefix.pid,
                Line::parse(expected.as_bytes()).prefix.pid,
                "{margin:?}: {line:?}"
            );
        }
        assert_eq!(stripped.lines().count(), LOG.lines().count());
    }
}
