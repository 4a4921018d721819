//! What was there before a recording began, as comments at its head.
//!
//! ```text
//! # past process 1016 threads 1017,1018 open 0,1,2,3,5
//! # past instance 1016:3c,1020:3              where it has a name; c: an exec closes it
//! # past registration 5 data 5 named 1016,1020 held 1020:9
//! ```
//! A registration belongs to the instance above it. A list that is too long goes on in another line of the same kind.

use std::fmt::{self, Write as _};

use super::captured::{Past, PastInstance, PastName, PastProcess, PastRegistration};

/// Numbers in one line.
const PER_LINE: usize = 512;

/// Things that are read, of all kinds together.
const MAX_READ: usize = 1 << 20;

impl fmt::Display for Past {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for process in &self.processes {
            let threads = list(process.threads.iter().take(PER_LINE));
            write!(f, "# past process {}", process.pid)?;
            if !threads.is_empty() {
                write!(f, " threads {threads}")?;
            }
            let mut open = process.open.chunks(PER_LINE);
            if let Some(first) = open.next() {
                write!(f, " open {}", list(first.iter()))?;
            }
            writeln!(f)?;
            for more in open {
                writeln!(
                    f,
                    "# past process {} open {}",
                    process.pid,
                    list(more.iter())
                )?;
            }
        }
        for instance in &self.instances {
            let names = instance.names.iter().take(PER_LINE);
            let names = names.map(|name| {
                let mark = if name.is_cloexec { "c" } else { "" };
                format!("{}:{}{mark}", name.pid, name.fd)
            });
            writeln!(f, "# past instance {}", list(names))?;
            for it in &instance.registrations {
                write!(f, "# past registration {} data {}", it.fd, it.data)?;
                if !it.named_in.is_empty() {
                    write!(f, " named {}", list(it.named_in.iter().take(PER_LINE)))?;
                }
                if !it.held_by.is_empty() {
                    let held = it.held_by.iter().take(PER_LINE);
                    let held = held.map(|(pid, fd)| format!("{pid}:{fd}"));
                    write!(f, " held {}", list(held))?;
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

/// `1,2,3`
fn list(items: impl Iterator<Item = impl fmt::Display>) -> String {
    let mut text = String::new();
    for item in items {
        if !text.is_empty() {
            text.push(',');
        }
        // Writing to a text does not fail.
        let _ = write!(text, "{item}");
    }
    text
}

/// Reads the head of a recording, line by line.
#[derive(Debug, Default)]
pub(crate) struct PastReader {
    past: Past,
    count: usize,
    /// A line that is no comment has been read: the past is over.
    is_over: bool,
}

impl PastReader {
    /// Reads a comment; false if it is not about the past, or cannot be read.
    pub(crate) fn read(&mut self, comment: &[u8]) -> bool {
        let Some(text) = comment.strip_prefix(b"# past ").filter(|_| !self.is_over) else {
            return false;
        };
        self.count += 1 + text.iter().filter(|byte| **byte == b',').count();
        let text = std::str::from_utf8(text).ok();
        text.filter(|_| self.count <= MAX_READ)
            .and_then(|text| self.read_words(text))
            .is_some()
    }

    /// The log itself begins: what was read, the first time; `None` if nothing was.
    pub(crate) fn end(&mut self) -> Option<Past> {
        if self.is_over {
            return None;
        }
        self.is_over = true;
        let past = std::mem::take(&mut self.past);
        (past != Past::default()).then_some(past)
    }

    fn read_words(&mut self, text: &str) -> Option<()> {
        let mut words = text.split(' ');
        match words.next()? {
            "process" => self.read_process(words),
            "instance" => {
                let names = items(words.next()?, name)?;
                self.past.instances.push(PastInstance {
                    names,
                    registrations: Vec::new(),
                });
                Some(())
            }
            "registration" => {
                let fd = words.next()?.parse().ok()?;
                let mut read = PastRegistration {
                    fd,
                    ..PastRegistration::default()
                };
                while let (Some(key), Some(value)) = (words.next(), words.next()) {
                    match key {
                        "data" => read.data = value.parse().ok()?,
                        "named" => read.named_in = items(value, |it| it.parse().ok())?,
                        "held" => read.held_by = items(value, pair)?,
                        _ => return None,
                    }
                }
                self.past.instances.last_mut()?.registrations.push(read);
                Some(())
            }
            _ => None,
        }
    }

    fn read_process<'a>(&mut self, mut words: impl Iterator<Item = &'a str>) -> Option<()> {
        let pid = words.next()?.parse().ok()?;
        if self
            .past
            .processes
            .last()
            .is_none_or(|last| last.pid != pid)
        {
            self.past.processes.push(PastProcess {
                pid,
                ..PastProcess::default()
            });
        }
        let process = self.past.processes.last_mut()?;
        while let (Some(key), Some(value)) = (words.next(), words.next()) {
            match key {
                "threads" => process
                    .threads
                    .extend(items::<u32>(value, |it| it.parse().ok())?),
                "open" => process
                    .open
                    .extend(items::<i32>(value, |it| it.parse().ok())?),
                _ => return None,
            }
        }
        Some(())
    }
}

fn items<T>(list: &str, read_fn: fn(&str) -> Option<T>) -> Option<Vec<T>> {
    list.split(',').map(read_fn).collect()
}

fn name(text: &str) -> Option<PastName> {
    let is_cloexec = text.ends_with('c');
    let (pid, fd) = pair(text.strip_suffix('c').unwrap_or(text))?;
    Some(PastName {
        pid,
        fd,
        is_cloexec,
    })
}

fn pair(text: &str) -> Option<(u32, i32)> {
    let (pid, fd) = text.split_once(':')?;
    Some((pid.parse().ok()?, fd.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let past = Past {
            processes: vec![
                PastProcess {
                    pid: 100,
                    threads: vec![101, 102],
                    open: (0..1500).collect(),
                },
                PastProcess {
                    pid: 103,
                    ..PastProcess::default()
                },
            ],
            instances: vec![PastInstance {
                names: vec![
                    PastName {
                        pid: 100,
                        fd: 3,
                        is_cloexec: true,
                    },
                    PastName {
                        pid: 103,
                        fd: 7,
                        is_cloexec: false,
                    },
                ],
                registrations: vec![PastRegistration {
                    fd: 5,
                    data: u64::MAX,
                    named_in: vec![100],
                    held_by: vec![(103, 9)],
                }],
            }],
        };
        let mut reader = PastReader::default();
        for line in past.to_string().lines() {
            assert!(reader.read(line.as_bytes()), "{line}");
        }
        assert_eq!(reader.end(), Some(past));
        assert_eq!(reader.end(), None);
    }

    #[test]
    fn what_is_no_past_is_none() {
        let mut reader = PastReader::default();
        for line in [
            "# past",
            "# past process",
            "# past process x",
            "# past process 1 open 1,,2",
            "# past registration 5",
            "# past instance 1",
            "# past instance 1:2:3",
            "# past planet 9",
            "# race",
        ] {
            assert!(!reader.read(line.as_bytes()), "{line}");
        }
    }
}
