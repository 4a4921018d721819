//! The few colours of a report.

use anstyle::{AnsiColor, Style};

pub(super) const TITLE: Style = Style::new().bold();
pub(super) const FAULT: Style = AnsiColor::Red.on_default().bold();
pub(super) const NOTE: Style = AnsiColor::Yellow.on_default().bold();
pub(super) const CLEAN: Style = AnsiColor::Green.on_default().bold();
pub(super) const LABEL: Style = AnsiColor::Cyan.on_default();
pub(super) const ASIDE: Style = Style::new().dimmed();
