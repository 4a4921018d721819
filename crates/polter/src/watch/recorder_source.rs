//! The kernel's recorder as a source.

use std::time::{Duration, Instant};

use polter_record::Recorder;

use super::Exorcism;
use super::exorcist::Exorcist;
use super::source::{Next, Source};
use crate::cli::Targets;
use crate::failure::Failure;
use crate::record::{PAUSE, begin, header_of_targets, scope_of};
use crate::report::words::counted;

/// Running processes, recorded by eBPF.
pub(super) struct Recorded {
    /// `None` when it is over.
    recorder: Option<Recorder<Vec<u8>>>,
    buffer: Vec<u8>,
    /// Whether the ring was not read to its end.
    is_more: bool,
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
        if let Some(exorcist) = &exorcist {
            recorder = recorder.tell_ghosts(polter_scan::hurry, exorcist.remove_fn());
        }
        Ok(Recorded {
            recorder: Some(recorder),
            buffer: Vec::new(),
            is_more: false,
            exorcist,
        })
    }
}

impl Source for Recorded {
    fn next(&mut self, timeout: Duration) -> Result<Next<'_>, Failure> {
        let end = Instant::now() + timeout;
        self.buffer.clear();
        let Some(recorder) = &mut self.recorder else {
            return Ok(Next::End);
        };
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if !self.is_more {
                recorder.wait(left.min(PAUSE)).map_err(Failure::Write)?;
            }
            self.is_more = recorder.drain().map_err(Failure::Write)?;
            if !recorder.out_mut().is_empty() {
                std::mem::swap(recorder.out_mut(), &mut self.buffer);
                return Ok(Next::Bytes(&self.buffer));
            }
            if !recorder.is_anybody_alive() {
                return Ok(Next::End);
            }
            if left.is_zero() {
                return Ok(Next::Nothing);
            }
        }
    }

    fn rest(&mut self) -> Result<Vec<u8>, Failure> {
        let rest = self.recorder.take().map(Recorder::finish);
        let rest = rest.transpose().map_err(Failure::recorder)?;
        Ok(rest.map_or_else(Vec::new, |(_, bytes)| bytes))
    }

    fn exorcisms(&mut self, is_end: bool) -> Vec<Exorcism> {
        match &mut self.exorcist {
            Some(exorcist) if is_end => exorcist.end(),
            Some(exorcist) => exorcist.done(),
            None => Vec::new(),
        }
    }

    fn damage(&self) -> Option<String> {
        let left = self.exorcist.as_ref().map_or(0, Exorcist::under_way);
        (left > 0).then(|| {
            format!(
                "{} not removed before the watch ended",
                counted(left as u64, "ghost")
            )
        })
    }

    fn is_here(&self) -> bool {
        true
    }
}
