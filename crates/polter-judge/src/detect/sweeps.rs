//! Decides whether a close that failed was one too many, or one of a sweep.

use crate::input::fd_at;
use crate::judge::Judge;
use polter_trace::Call;

impl Judge {
    /// A task makes a call: reports the suspected close before it, unless this call continues a sweep.
    pub(crate) fn go_on_sweeping(&mut self, pid: u32, call: &Call<'_>) {
        let is_failed_close = call.name == "close" && call.returned.errno == Some("EBADF");
        let failed = (is_failed_close.then(|| fd_at(call.args, 0))).flatten();
        let task = self.tasks.get_mut(pid);
        if let Some(finding) = task.and_then(|task| task.sweep.go_on(failed)) {
            self.findings.add(finding);
        }
    }

    /// The log is over: reports the suspected closes of the tasks that still live.
    pub(crate) fn end_sweeps(&mut self) {
        let mut findings = self.tasks.end_sweeps();
        findings.sort_by_key(|finding| finding.story.last().map(|step| step.site.line));
        for finding in findings {
            self.findings.add(finding);
        }
    }
}
