//! How a registration's life goes on.

use super::lives::{RegistrationLife, Span};

impl RegistrationLife {
    /// It is a ghost on this line, or is none.
    pub(super) fn note_ghost(&mut self, is_ghost: bool, line: u64) {
        let is_open = self.ghost.is_some_and(|ghost| ghost.to.is_none());
        match (is_ghost, is_open) {
            (true, false) => {
                self.ghost = Some(Span {
                    from: Some(line),
                    to: None,
                });
            }
            (false, true) => self.end_ghost(line),
            _ => {}
        }
    }

    /// It is gone on this line.
    pub(super) fn end(&mut self, line: u64) {
        self.end_ghost(line);
        self.life.to = Some(line);
    }

    fn end_ghost(&mut self, line: u64) {
        if let Some(ghost) = self.ghost.as_mut().filter(|ghost| ghost.to.is_none()) {
            ghost.to = Some(line);
        }
    }
}
