//! Decides whether a close that failed was one too many, or one of a sweep.

use crate::input::fd_at;
use crate::judge::Judge;
use crate::verdict::Finding;
use polter_trace::Call;

impl Judge {
    /// A task makes a call: reports the suspected close before it, unless this call continues a sweep.
    pub(crate) fn go_on_sweeping(&mut self, pid: u32, call: &Call<'_>) {
        let is_failed_close = call.name == "close" && call.returned.errno == Some("EBADF");
        let failed = (is_failed_close.then(|| fd_at(call.args, 0))).flatten();
        let task = self.tasks.get_mut(pid);
        match task.and_then(|task| task.sweep.go_on(failed)) {
            Some((close, true)) => {
                self.findings.decide(close.suspicion, close.finding);
            }
            Some((close, false)) => self.findings.withdraw(close.suspicion),
            None => {}
        }
    }

    /// Time passes: a close is suspected if its task has made no call since the last time.
    pub(crate) fn suspect_sweeps(&mut self) {
        let mut closes = self.tasks.suspected_closes();
        closes.retain(|close| close.suspicion.is_none() && close.since < self.time);
        closes.sort_by_key(|close| close.finding.story.last().map(|step| step.site.line));
        for close in closes {
            let Finding {
                class,
                pid,
                ref instance,
                ..
            } = close.finding;
            if self.findings.may_suspect(class, pid, instance) {
                close.suspicion = self.findings.suspect(close.finding.clone());
            }
        }
    }

    /// The log is over: reports the suspected closes of the tasks that still live.
    pub(crate) fn end_sweeps(&mut self) {
        let mut closes = self.tasks.end_sweeps();
        closes.sort_by_key(|close| close.finding.story.last().map(|step| step.site.line));
        for close in closes {
            self.findings.decide(close.suspicion, close.finding);
        }
    }
}
