//! A list with a line under the cursor, which stays on its entry while others come and go.

/// The cursor of a list whose entries have keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Cursor<K> {
    key: Option<K>,
    /// Where that entry stood last.
    at: usize,
}

impl<K: PartialEq + Clone> Cursor<K> {
    /// Where the cursor stands in these entries; its entry may have moved. If it is gone, the one in its place is taken.
    pub(super) fn place(&mut self, keys: &[K]) -> Option<usize> {
        if keys.is_empty() {
            return None;
        }
        let same = self
            .key
            .as_ref()
            .and_then(|key| keys.iter().position(|it| it == key));
        self.at = same.unwrap_or(self.at.min(keys.len() - 1));
        self.key = Some(keys[self.at].clone());
        Some(self.at)
    }

    /// The entry under the cursor.
    pub(super) fn key(&self) -> Option<&K> {
        self.key.as_ref()
    }

    /// Moves it by so many entries, at most to an end.
    pub(super) fn go(&mut self, by: isize, keys: &[K]) {
        if let Some(at) = self.place(keys) {
            self.at = at.saturating_add_signed(by).min(keys.len() - 1);
            self.key = Some(keys[self.at].clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cursor;

    #[test]
    fn it_stays_on_its_entry() {
        let mut cursor = Cursor::default();
        assert_eq!(cursor.place(&[1, 2, 3]), Some(0));
        cursor.go(1, &[1, 2, 3]);
        assert_eq!(cursor.place(&[3, 1, 2]), Some(2));
        assert_eq!(cursor.key(), Some(&2));
    }

    #[test]
    fn the_next_one_takes_the_place_of_one_that_is_gone() {
        let mut cursor = Cursor::default();
        cursor.go(1, &[1, 2, 3]);
        assert_eq!(cursor.place(&[1, 3]), Some(1));
        assert_eq!(cursor.key(), Some(&3));
        assert_eq!(cursor.place(&[1]), Some(0));
        assert_eq!(cursor.place(&[]), None);
        cursor.go(5, &[]);
        cursor.go(isize::MIN, &[7, 8]);
        assert_eq!(cursor.key(), Some(&7));
        cursor.go(isize::MAX, &[7, 8]);
        assert_eq!(cursor.key(), Some(&8));
    }
}
