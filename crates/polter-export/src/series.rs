//! Time series: what a finding is counted under.

use std::collections::BTreeMap;

use polter_class::{Class, Severity};

/// Bytes of a name that are kept. Longer ones are cut: a label is no place for a megabyte.
const MAX_NAME: usize = 128;

/// Stands for all programs beyond the limit.
const OTHERS: &str = "(others)";

/// What findings are counted under.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Series {
    /// Faults stand before notes: they are kept where there are too many.
    is_note: bool,
    /// The kind of finding.
    pub(crate) class: Class,
    /// The program's name, as `/proc/PID/comm` has it.
    pub(crate) comm: String,
    /// Its systemd unit; empty if there is none.
    pub(crate) unit: String,
    /// Its container's id; empty if there is none.
    pub(crate) container: String,
    /// Its pod's uid; empty if there is none.
    pub(crate) pod: String,
}

impl Series {
    /// A series of a class; names are made printable, and cut.
    pub(crate) fn new(
        class: Class,
        severity: Severity,
        comm: &str,
        [unit, container, pod]: [&str; 3],
    ) -> Series {
        Series {
            is_note: severity != Severity::Fault,
            class,
            comm: printable(comm),
            unit: printable(unit),
            container: printable(container),
            pod: printable(pod),
        }
    }

    /// How bad it is.
    pub(crate) fn severity(&self) -> &'static str {
        if self.is_note { "note" } else { "fault" }
    }

    /// The labels that say whose it is.
    pub(crate) fn labels(&self) -> Vec<(&'static str, String)> {
        vec![
            ("class", self.class.name().to_owned()),
            ("comm", self.comm.clone()),
            ("unit", self.unit.clone()),
            ("container", self.container.clone()),
            ("pod", self.pod.clone()),
        ]
    }
}

/// Counts by series, of which there are at most so many: what lies beyond is counted under `(others)`, by class alone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    pub(crate) kept: BTreeMap<Series, u64>,
    /// Findings that were counted under `(others)`.
    pub(crate) others: u64,
}

impl Counts {
    /// Keeps at most so many series: faults first, and of equals those with most findings.
    pub(crate) fn of(counts: BTreeMap<Series, u64>, most: usize) -> Counts {
        if counts.len() <= most {
            return Counts {
                kept: counts,
                others: 0,
            };
        }
        let mut sorted: Vec<(Series, u64)> = counts.into_iter().collect();
        sorted.sort_by_key(|(series, count)| (series.is_note, std::cmp::Reverse(*count)));
        let mut others = 0;
        let rest = sorted.split_off(most);
        let mut kept: BTreeMap<Series, u64> = sorted.into_iter().collect();
        for (series, count) in rest {
            let other = Series {
                comm: OTHERS.to_owned(),
                unit: String::new(),
                container: String::new(),
                pod: String::new(),
                ..series
            };
            *kept.entry(other).or_default() += count;
            others += count;
        }
        Counts { kept, others }
    }
}

/// A name without anything that a terminal or a page would obey, and of bounded length.
fn printable(name: &str) -> String {
    let shown = polter_trace::escape(name.as_bytes()).to_string();
    if shown.len() <= MAX_NAME {
        return shown;
    }
    let room = MAX_NAME - '…'.len_utf8();
    let cuts = shown.char_indices().map(|(at, _)| at);
    let end = cuts.take_while(|at| *at <= room).last().unwrap_or(0);
    format!("{}…", &shown[..end])
}

#[cfg(test)]
mod tests {
    use super::{BTreeMap, Class, Counts, OTHERS, Series, Severity, printable};

    fn series(comm: &str, class: Class, severity: Severity) -> Series {
        Series::new(class, severity, comm, [""; 3])
    }

    #[test]
    fn beyond_the_limit_only_classes_are_told_apart() {
        let mut counts = BTreeMap::new();
        for at in 0..1000 {
            counts.insert(
                series(&format!("p{at}"), Class::SharedEpoll, Severity::Note),
                2,
            );
        }
        counts.insert(series("nginx", Class::ForkGhost, Severity::Fault), 7);
        let counts = Counts::of(counts, 10);
        assert_eq!(counts.kept.len(), 11);
        assert_eq!(counts.others, 2 * 991);
        let nginx = series("nginx", Class::ForkGhost, Severity::Fault);
        assert_eq!(counts.kept[&nginx], 7);
        let others = series(OTHERS, Class::SharedEpoll, Severity::Note);
        assert_eq!(counts.kept[&others], 2 * 991);
    }

    #[test]
    fn names_are_printable_and_short() {
        assert_eq!(printable("nginx"), "nginx");
        let hostile = printable("\x1b[31m\u{202e}evil\n");
        assert!(
            hostile
                .chars()
                .all(|it| !it.is_control() && it != '\u{202e}'),
            "{hostile}"
        );
        let long = printable(&"ä".repeat(1 << 20));
        assert!(long.len() <= 128 && long.ends_with('…'), "{long}");
    }
}
