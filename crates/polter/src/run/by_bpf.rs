//! A run that the kernel records.

use std::ffi::OsString;
use std::fs::File;
use std::io::BufWriter;

use polter_record::{Recorder, Scope};

use super::recording::Recording;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::record::{Held, follow, header};

/// Runs the command until it and its descendants have ended.
pub(super) fn watch(recording: &Recording, command: &[OsString]) -> Result<Exit, Failure> {
    let path = recording.path();
    let log = File::options()
        .write(true)
        .open(path)
        .map_err(Failure::write_file(path))?;
    let held = Held::start(command)?;
    let scope = Scope::Processes {
        pids: vec![held.pid()],
        follows: true,
    };
    let started = Recorder::start(
        &scope,
        BufWriter::with_capacity(1 << 16, log),
        &header(command),
    );
    let mut recorder = match started {
        Ok(recorder) => recorder,
        Err(refusal) => {
            held.give_up();
            return Err(Failure::recorder(refusal));
        }
    };
    let exit = follow(&mut recorder, Some(held), None)?;
    if !recorder.has_executed() {
        return Err(Failure::NothingRecorded);
    }
    recorder.finish().map_err(Failure::recorder)?;
    Ok(exit)
}
