//! Writes a search for programs, and reads it for `merge`; docs/json.md describes the keys.

use std::io::{self, Read, Write};

use polter_witness::Part;
use serde::{Deserialize, Serialize};

use crate::report::json::{VERSION, write_line};

#[derive(Serialize, Deserialize)]
struct Document<P> {
    version: u32,
    witness: P,
}

/// Writes a search on one line.
pub(super) fn write(out: &mut dyn Write, part: &Part) -> io::Result<()> {
    let document = Document {
        version: VERSION,
        witness: part,
    };
    write_line(out, &document)
}

/// Reads a search that [`write()`] wrote.
pub(super) fn read(input: impl Read) -> io::Result<Part> {
    let document: Document<Part> = serde_json::from_reader(input).map_err(io::Error::other)?;
    Ok(document.witness)
}
