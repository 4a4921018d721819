//! A log of anything: it can be judged to its end, and what is said fits what was read.
#![no_main]

use eventpoll::Policy;
use libfuzzer_sys::fuzz_target;
use polter_judge::Judge;

fuzz_target!(|text: &[u8]| {
    let mut judge = Judge::new(&Policy::ALL);
    judge.read(text, |_| {}).expect("memory can be read");
    let verdict = judge.finish();
    let log = &verdict.log;
    assert!(log.followed <= log.calls && log.calls <= log.lines);
    assert!(log.warnings.len() as u64 <= log.warning_count);
    assert_eq!(verdict.policies.len(), Policy::ALL.len());
    assert!(verdict.policies[0].is_unchanged(), "Linux differs from itself");
    for finding in &verdict.findings {
        assert!(finding.story.iter().all(|step| (1..=log.lines).contains(&step.site.line)));
    }
});
