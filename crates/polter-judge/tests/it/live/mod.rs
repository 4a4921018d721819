//! A log that grows shows the findings that the whole log shows, each once; and takes no more memory as it goes on.

mod churn;
mod early;

use polter_judge::{Finding, LiveJudge, News, Standing, Verdict};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Longer logs are judged once only.
const LONG: usize = 1 << 20;

/// How a log comes: in pieces of so many bytes, and time passes after so many of them.
const WAYS: [(usize, usize); 5] = [
    (usize::MAX, usize::MAX),
    (1, usize::MAX),
    (64, 1),
    (64, 5),
    (1021, 3),
];

/// Checks that the findings of a log that grows are those of its verdict.
#[track_caller]
pub(crate) fn check_live(log: &[u8], verdict: &Verdict) {
    // Of more findings than are kept, a log that grows tells more.
    if log.len() > LONG || verdict.findings_left_out > 0 {
        return;
    }
    // A live judge compares no policies.
    let mut expected = verdict.findings.clone();
    for finding in &mut expected {
        finding.mended_by.clear();
    }
    for (piece, pause) in WAYS {
        let mut judge = LiveJudge::new(&[]);
        let mut told = Told::default();
        for (bytes, number) in log.chunks(piece.min(log.len().max(1))).zip(1..) {
            judge.push(bytes);
            told.take(judge.fresh());
            if number % pause == 0 {
                judge.pass_time();
                told.take(judge.fresh());
            }
        }
        let (last, whole) = judge.finish();
        told.take(last);
        let way = format!("in pieces of {piece}, and time passes after {pause}");
        assert_eq!(told.findings(), sorted(&expected), "{way}");
        assert_eq!(sorted(&whole.findings), sorted(&expected), "{way}");
        assert_eq!(
            (&whole.log, &whole.gaps),
            (&verdict.log, &verdict.gaps),
            "{way}"
        );
    }
}

/// What was told so far, by number.
#[derive(Default)]
struct Told {
    news: BTreeMap<u64, News>,
}

impl Told {
    #[track_caller]
    fn take(&mut self, fresh: Vec<News>) {
        for news in fresh {
            let before = self.news.get(&news.id);
            assert_eq!(news.is_first, before.is_none(), "first once: {news:?}");
            assert_ne!(before, Some(&news), "told twice");
            if let Some(before) = before {
                assert_ne!(before.standing, Standing::Withdrawn, "taken back: {news:?}");
            }
            self.news.insert(news.id, news);
        }
    }

    /// The findings that stand.
    fn findings(&self) -> Vec<String> {
        let news = self.news.values();
        let found = news.filter(|news| news.standing != Standing::Withdrawn);
        let found = found.inspect(|news| assert_eq!(news.standing, Standing::Found, "{news:?}"));
        let findings: Vec<Finding> = found.map(|news| news.finding.clone()).collect();
        sorted(&findings)
    }
}

fn sorted(findings: &[Finding]) -> Vec<String> {
    let mut texts: Vec<String> = findings.iter().map(|it| format!("{it:?}")).collect();
    texts.sort();
    texts
}

#[test]
fn every_log_here_shows_the_same_while_it_grows() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let (mut logs, mut findings) = (0, 0);
    for place in [
        "polter-judge/tests/fixtures",
        "polter-judge/tests/small",
        "polter/tests/logs",
        "polter/demo",
        "polter-trace/tests/fixtures",
        "polter-check/tests/fixtures/asked",
        "polter-check/tests/fixtures/facts",
        "../scenarios",
        "../scenarios/races",
    ] {
        for entry in fs::read_dir(crates.join(place)).expect("the place is there") {
            let path = entry.expect("it can be listed").path();
            if path.is_file() {
                let log = fs::read(&path).expect("it can be read");
                findings += crate::told::judge(&log).findings.len();
                logs += 1;
            }
        }
    }
    assert!(
        logs > 250 && findings > 60,
        "{logs} logs, {findings} findings"
    );
}
