//! When a line was written, in nanoseconds: by the log's own dates, or a microsecond a line.

use polter_judge::Followed;

/// A line without a date counts so many nanoseconds.
const LINE_NS: u64 = 1000;

/// The times that are known, ascending.
#[derive(Debug)]
pub(super) struct Clock {
    /// Lines, and nanoseconds since 1970.
    known: Vec<(u64, u64)>,
}

impl Clock {
    pub(super) fn of(followed: &Followed) -> Clock {
        let times = followed.times.iter().map(|(line, time)| {
            let ns = u64::try_from(time.since_1970().as_nanos()).unwrap_or(u64::MAX);
            (*line, ns)
        });
        let mut known: Vec<(u64, u64)> = times.collect();
        // A clock that was set back must not turn a slice around.
        let mut latest = 0;
        for (_, ns) in &mut known {
            latest = latest.max(*ns);
            *ns = latest;
        }
        Clock { known }
    }

    /// When a line was written; between two times that are known, as if lines came evenly.
    pub(super) fn at(&self, line: u64) -> u64 {
        let next = self.known.partition_point(|(known, _)| *known <= line);
        match (self.known.get(next.wrapping_sub(1)), self.known.get(next)) {
            (Some((from, ns)), Some((to, then))) => {
                let part = u128::from(then - ns) * u128::from(line - from);
                ns + (part / u128::from(to - from)) as u64
            }
            (Some((_, ns)), None) | (None, Some((_, ns))) => *ns,
            (None, None) => line.saturating_mul(LINE_NS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Clock;

    #[test]
    fn lines_between_two_times_come_evenly() {
        let clock = Clock {
            known: vec![(10, 1000), (20, 2000)],
        };
        assert_eq!(
            [5, 10, 15, 20, 25].map(|line| clock.at(line)),
            [1000, 1000, 1500, 2000, 2000]
        );
        assert_eq!(Clock { known: Vec::new() }.at(7), 7000);
    }
}
