//! Whose stacks tell something of a process.

use crate::facts::{Facts, ThreadFacts};

/// The most threads of a process whose stacks are told.
pub(crate) const MOST: usize = 3;

/// The threads that do what the process is asked about: those that are busy; or if none is, those that wait.
///
/// The first thread usually has the loop. After it come those that wait on an instance, then whoever else sleeps in a
/// call.
pub(crate) fn chosen(facts: &Facts) -> Vec<u32> {
    let mut threads: Vec<&ThreadFacts> = facts.busy().collect();
    if threads.is_empty() {
        let sleeps = |it: &&ThreadFacts| it.activities.iter().any(|it| it.call.is_some());
        threads = facts.threads.iter().filter(sleeps).collect();
        threads.sort_by_key(|it| match () {
            () if it.tid == facts.pid => 0,
            () if it.waits_on().next().is_some() => 1,
            () => 2,
        });
    }
    threads.into_iter().take(MOST).map(|it| it.tid).collect()
}
