//! Where a line of the log stands on a track, in percent of its width.

/// A stretch of a log on a track. A line is as wide as one line: the last one ends at 100 %.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    from: u64,
    lines: u64,
}

impl Scale {
    pub(super) fn new(from: u64, to: u64) -> Scale {
        Scale {
            from,
            lines: to.saturating_sub(from) + 1,
        }
    }

    /// Where a line begins.
    pub(super) fn x(self, line: u64) -> f64 {
        let at = line.clamp(self.from, self.from + self.lines) - self.from;
        at as f64 * 100.0 / self.lines as f64
    }

    /// The middle of a line.
    pub(super) fn middle(self, line: u64) -> f64 {
        (self.x(line) + self.x(line + 1)) / 2.0
    }

    /// The bucket of a line, of so many.
    pub(super) fn bucket(self, line: u64, of: usize) -> usize {
        let at = line.saturating_sub(self.from).min(self.lines - 1);
        (u128::from(at) * of as u128 / u128::from(self.lines)) as usize
    }

    /// Round lines to write below the track, at most so many.
    pub(super) fn ticks(self, most: u64) -> Vec<u64> {
        let mut step = 1;
        let steps = [2, 5, 10].into_iter().cycle();
        let mut unit = 1_u64;
        for factor in steps {
            if self.lines / step < most {
                break;
            }
            step = unit.saturating_mul(factor);
            if factor == 10 {
                unit = unit.saturating_mul(10);
            }
        }
        let first = self.from.div_ceil(step) * step;
        let ticks = (0..).map(|at| first + at * step);
        ticks
            .take_while(|line| *line < self.from + self.lines)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Scale;

    #[test]
    fn a_line_has_its_place_and_its_bucket() {
        let scale = Scale::new(11, 20);
        assert_eq!((scale.x(11), scale.x(16), scale.x(99)), (0.0, 50.0, 100.0));
        assert_eq!((scale.bucket(11, 5), scale.bucket(20, 5)), (0, 4));
        assert_eq!(scale.ticks(6), [12, 14, 16, 18, 20]);
        assert_eq!(
            Scale::new(1, 1_000_000).ticks(8),
            [200_000, 400_000, 600_000, 800_000, 1_000_000]
        );
        assert_eq!(Scale::new(1, 1).ticks(8), [1]);
    }
}
