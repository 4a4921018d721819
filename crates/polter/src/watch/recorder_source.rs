//! The kernel's recorder as a source.

use std::time::{Duration, Instant};

use polter_record::Recorder;

use super::Exorcism;
use super::exorcist::Exorcist;
use super::source::{Next, Source};
use crate::cli::Targets;
use crate::failure::Failure;
use crate::record::{begin, header_of_targets, is_there, scope_of};

/// How long the ring is left alone when it was empty, and nothing is urgent.
const PAUSE: Duration = Duration::from_millis(10);

/// How often it is asked whether the processes are there, in case a record of an end was lost.
const LOOK: Duration = Duration::from_secs(1);

/// Running processes, recorded by eBPF.
pub(super) struct Recorded {
    recorder: Recorder<Vec<u8>>,
    buffer: Vec<u8>,
    looked: Instant,
    exorcist: Option<Exorcist>,
}

impl Recorded {
    /// With `exorcise`, each ghost is removed when it is made.
    pub(super) fn start(targets: &Targets, exorcise: bool) -> Result<Recorded, Failure> {
        let exorcist = exorcise.then(Exorcist::start).transpose()?;
        let scope = scope_of(targets, true)?;
        let header = header_of_targets(targets);
        let mut recorder =
            Recorder::start(&scope, Vec::new(), &header).map_err(Failure::recorder)?;
        if exorcise {
            recorder.follow_makers();
        }
        begin(&mut recorder, &scope)?;
        Ok(Recorded {
            recorder,
            buffer: Vec::new(),
            looked: Instant::now(),
            exorcist,
        })
    }
}

impl Source for Recorded {
    fn next(&mut self, timeout: Duration) -> Result<Next<'_>, Failure> {
        let end = Instant::now() + timeout;
        self.buffer.clear();
        loop {
            self.recorder.drain().map_err(Failure::Write)?;
            if let Some(exorcist) = &mut self.exorcist {
                self.recorder.ghosts().for_each(|it| exorcist.remove(it));
            }
            if !self.recorder.out_mut().is_empty() {
                std::mem::swap(self.recorder.out_mut(), &mut self.buffer);
                return Ok(Next::Bytes(&self.buffer));
            }
            if self.looked.elapsed() >= LOOK {
                self.looked = Instant::now();
                self.recorder.forget(|pid| !is_there(pid));
            }
            if !self.recorder.is_anybody_alive() {
                return Ok(Next::End);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(Next::Nothing);
            }
            self.recorder
                .wait(left.min(PAUSE))
                .map_err(Failure::Write)?;
        }
    }

    fn exorcisms(&mut self, is_end: bool) -> Vec<Exorcism> {
        match &mut self.exorcist {
            Some(exorcist) if is_end => exorcist.end(),
            Some(exorcist) => exorcist.done(),
            None => Vec::new(),
        }
    }

    fn is_here(&self) -> bool {
        true
    }
}
