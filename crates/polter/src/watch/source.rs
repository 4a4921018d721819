//! What gives the lines of a watch.

use std::time::Duration;

use polter_judge::LiveJudge;

use crate::failure::Failure;

/// What comes of waiting for a source.
pub(crate) enum Next<'a> {
    /// Bytes of strace's text: lines, whole or not. What the recorder has lost, it says in a line of its own:
    /// `# lost 12 events`.
    Bytes(&'a [u8]),
    /// Nothing came in time.
    Nothing,
    /// Nothing more will come.
    End,
}

/// Something that gives strace's text while programs run.
pub(crate) trait Source {
    /// Waits for the next bytes, at most so long. A signal ends the wait early.
    fn next(&mut self, timeout: Duration) -> Result<Next<'_>, Failure>;

    /// True if the processes are this machine's: `/proc` says more of them.
    fn is_here(&self) -> bool;

    /// What came of the ghosts that were to be removed, since the last call; with `is_end`, of all that are under way.
    #[cfg(feature = "bpf")]
    fn exorcisms(&mut self, _is_end: bool) -> Vec<super::Exorcism> {
        Vec::new()
    }

    /// The watch is over: the last bytes, which nothing has given yet.
    fn rest(&mut self) -> Result<Vec<u8>, Failure> {
        Ok(Vec::new())
    }

    /// The watch is over. An error if what came was nothing to watch.
    fn end(&mut self, _judge: &LiveJudge) -> Result<(), Failure> {
        Ok(())
    }

    /// Why not all that was there could be read.
    fn damage(&self) -> Option<String> {
        None
    }
}
