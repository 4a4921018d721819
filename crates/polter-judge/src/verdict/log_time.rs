//! The time of a line, in eight bytes: every remembered call has one.

use polter_trace::Clock;
use std::num::NonZeroU64;
use std::time::Duration;

/// A time that the log has with its date (`strace -ttt`), to the microsecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogTime(NonZeroU64);

impl LogTime {
    /// The time of a line, if the line has one and it has a date.
    pub(crate) fn of(clock: Option<Clock>) -> Option<LogTime> {
        let Some(Clock::Unix(since)) = clock else {
            return None;
        };
        let seconds_us = since.as_secs().checked_mul(1_000_000)?;
        let us = seconds_us.checked_add(since.subsec_micros().into())?;
        NonZeroU64::new(us).map(LogTime)
    }

    /// The time since 1970.
    pub fn since_1970(self) -> Duration {
        Duration::from_micros(self.0.get())
    }
}

#[cfg(test)]
mod tests {
    use super::LogTime;
    use polter_trace::Clock;
    use std::time::Duration;

    #[test]
    fn only_a_stamp_with_a_date_is_a_time() {
        let since = Duration::new(1_700_000_000, 123_456_000);
        check(Some(Clock::Unix(since)), Some(since));
        check(Some(Clock::Day(since)), None);
        check(Some(Clock::Unix(Duration::MAX)), None);
        check(None, None);
    }

    #[track_caller]
    fn check(clock: Option<Clock>, expected: Option<Duration>) {
        assert_eq!(LogTime::of(clock).map(LogTime::since_1970), expected);
    }
}
