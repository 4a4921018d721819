//! Places in a log, as many as there are: bounded, because it keeps every second one when there are too many.

/// Lines of a log, ascending. If there were very many, each stands for several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marks {
    /// How many each of them stands for: a power of two.
    pub every: u64,
    /// How many there were.
    pub count: u64,
    /// The lines.
    pub lines: Vec<u64>,
}

impl Default for Marks {
    fn default() -> Marks {
        Marks {
            every: 1,
            count: 0,
            lines: Vec::new(),
        }
    }
}

impl Marks {
    /// Adds a line; true if it is kept.
    pub fn add(&mut self, line: u64) -> bool {
        let is_kept = self.count.is_multiple_of(self.every);
        self.count += 1;
        if is_kept {
            self.lines.push(line);
        }
        is_kept
    }

    /// Keeps every second one. Gives how many are gone.
    pub fn halve(&mut self) -> usize {
        let before = self.lines.len();
        let mut at = 0;
        self.lines.retain(|_| {
            at += 1;
            at % 2 == 1
        });
        self.every *= 2;
        before - self.lines.len()
    }
}

#[cfg(test)]
mod tests {
    use super::Marks;

    #[test]
    fn every_second_is_kept_and_all_are_counted() {
        let mut marks = Marks::default();
        (1..=9).for_each(|line| {
            marks.add(line);
        });
        assert_eq!(marks.halve(), 4);
        (10..=13).for_each(|line| {
            marks.add(line);
        });
        let expected = Marks {
            every: 2,
            count: 13,
            lines: vec![1, 3, 5, 7, 9, 11, 13],
        };
        assert_eq!(marks, expected);
    }
}
