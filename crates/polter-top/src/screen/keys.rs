//! What keys do.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::state::{Do, Level, Mode, State, key};

/// Bytes of a filter.
const MAX_FILTER: usize = 64;

impl State {
    /// A key was pressed.
    pub(super) fn press(&mut self, pressed: KeyEvent) -> Do {
        if pressed.modifiers.contains(KeyModifiers::CONTROL) {
            return match pressed.code {
                KeyCode::Char('c') => Do::Quit,
                _ => Do::Nothing,
            };
        }
        self.message = None;
        match self.mode.clone() {
            Mode::Normal => self.press_normal(pressed.code),
            Mode::Help => {
                self.mode = Mode::Normal;
                match pressed.code {
                    KeyCode::Char('q') => Do::Quit,
                    _ => Do::Nothing,
                }
            }
            Mode::Filter { before } => {
                self.press_filter(pressed.code, before);
                Do::Nothing
            }
            Mode::Ask { pid, .. } => {
                self.mode = Mode::Normal;
                match pressed.code {
                    KeyCode::Char('y' | 'Y') => {
                        self.say(format!("removing the ghosts of {pid}…"));
                        Do::Exorcise(pid)
                    }
                    _ => {
                        self.say("nothing was removed".to_owned());
                        Do::Nothing
                    }
                }
            }
        }
    }

    fn press_normal(&mut self, code: KeyCode) -> Do {
        let page = isize::try_from(self.page).unwrap_or(1).max(1);
        match code {
            KeyCode::Char('q') => return Do::Quit,
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.mode = Mode::Help,
            KeyCode::Up | KeyCode::Char('k') => self.go(-1),
            KeyCode::Down | KeyCode::Char('j') => self.go(1),
            KeyCode::PageUp => self.go(-page),
            KeyCode::PageDown => self.go(page),
            KeyCode::Home => self.go(isize::MIN),
            KeyCode::End => self.go(isize::MAX),
            KeyCode::Enter | KeyCode::Right => self.enter(),
            KeyCode::Esc | KeyCode::Left | KeyCode::Backspace => self.leave(),
            KeyCode::Char('s') => self.sort = self.sort.next(),
            KeyCode::Char('r') => self.is_reversed = !self.is_reversed,
            KeyCode::Char('g') => self.only_ghosts = !self.only_ghosts,
            KeyCode::Char('p' | ' ') => self.hold(),
            KeyCode::Char('/') => {
                self.level = Level::Processes;
                self.mode = Mode::Filter {
                    before: self.filter.clone(),
                };
            }
            KeyCode::Char('x') => self.ask(),
            _ => {}
        }
        Do::Nothing
    }

    fn press_filter(&mut self, code: KeyCode, before: String) {
        match code {
            KeyCode::Enter => self.mode = Mode::Normal,
            KeyCode::Esc => {
                self.filter = before;
                self.mode = Mode::Normal;
            }
            KeyCode::Backspace => {
                self.filter.pop();
            }
            KeyCode::Char(char) if self.filter.len() < MAX_FILTER && !char.is_control() => {
                self.filter.push(char);
            }
            _ => {}
        }
    }

    fn go(&mut self, by: isize) {
        match self.level {
            Level::Processes => {
                let pids: Vec<u32> = self.rows().iter().map(|row| row.pid).collect();
                self.process.go(by, &pids);
            }
            Level::Registrations(pid) => {
                let keys: Vec<_> = self.registrations(pid).iter().map(key).collect();
                self.registration.go(by, &keys);
            }
            Level::Holders(pid) => {
                let last = self.holders(pid).len().saturating_sub(1);
                self.scroll = self.scroll.saturating_add_signed(by).min(last);
            }
        }
    }

    fn enter(&mut self) {
        match self.level {
            Level::Processes => {
                if let Some(pid) = self.chosen() {
                    self.level = Level::Registrations(pid);
                    self.registration = Default::default();
                    let keys: Vec<_> = self.registrations(pid).iter().map(key).collect();
                    self.registration.place(&keys);
                }
            }
            Level::Registrations(pid) => {
                self.level = Level::Holders(pid);
                self.scroll = 0;
            }
            Level::Holders(_) => {}
        }
    }

    fn leave(&mut self) {
        match self.level {
            Level::Processes => self.filter.clear(),
            Level::Registrations(_) => self.level = Level::Processes,
            Level::Holders(pid) => self.level = Level::Registrations(pid),
        }
    }

    fn ask(&mut self) {
        let Some(pid) = self.chosen() else {
            return;
        };
        let rows = self.sample.iter().flat_map(|it| &it.rows);
        let ghosts = rows
            .filter(|row| row.pid == pid)
            .map(|row| row.ghosts)
            .sum();
        if ghosts == 0 {
            self.say(format!("process {pid} has no ghost"));
        } else {
            self.mode = Mode::Ask { pid, ghosts };
        }
    }
}
