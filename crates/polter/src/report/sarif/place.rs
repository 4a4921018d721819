//! Places in a log: its address as a URI, a line, and the program's frame there.

use std::fmt::Write as _;
use std::path::Path;

use polter_judge::Step;

use super::format::{
    ArtifactLocation, Location, LogicalLocation, Message, PhysicalLocation, Region,
};
use crate::report::frames;
use crate::report::words::clean;

/// A log's address.
pub(super) struct Place {
    uri: String,
}

impl Place {
    /// The address of the log of this name: relative as it was named, or a `file:` URI.
    pub(super) fn of(path: &Path) -> Place {
        let mut uri = String::new();
        if path.is_absolute() {
            uri.push_str("file://");
        }
        for byte in path.as_os_str().as_encoded_bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                    uri.push(char::from(*byte));
                }
                // Writing to a string cannot fail.
                _ => drop(write!(uri, "%{byte:02X}")),
            }
        }
        Place { uri }
    }

    /// A line of it, or the whole if none is known.
    pub(super) fn line(&self, line: Option<u64>) -> Location {
        self.location(line.map(|start_line| Region {
            start_line,
            snippet: None,
        }))
    }

    /// A step's call, with the frame of the program's that made it.
    pub(super) fn call(&self, step: &Step) -> Location {
        let region = Region {
            start_line: step.site.line,
            snippet: Some(Message::plain(&step.site.text)),
        };
        let frame = frames::own(&step.site.stack);
        Location {
            logical_locations: frame.map(logical).into_iter().collect(),
            ..self.location(Some(region))
        }
    }

    fn location(&self, region: Option<Region>) -> Location {
        let uri = self.uri.clone();
        Location {
            physical_location: Some(PhysicalLocation {
                artifact_location: ArtifactLocation { uri },
                region,
            }),
            logical_locations: Vec::new(),
            message: None,
        }
    }
}

/// A frame of a stack.
pub(super) fn frame(frame: &str) -> Location {
    Location {
        physical_location: None,
        logical_locations: vec![logical(frame)],
        message: None,
    }
}

fn logical(frame: &str) -> LogicalLocation {
    LogicalLocation {
        fully_qualified_name: clean(frame),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_an_address() {
        check("logs/server.strace", "logs/server.strace");
        check("/var/a b", "file:///var/a%20b");
        check("http:x?#%[", "http%3Ax%3F%23%25%5B");
        check("log.*", "log.%2A");
    }

    #[track_caller]
    fn check(path: &str, expected: &str) {
        assert_eq!(Place::of(Path::new(path)).uri, expected);
    }
}
