//! The colours of a report, by meaning.

use anstyle::{AnsiColor, Style};

pub(crate) const TITLE: Style = Style::new().bold();
pub(crate) const FAULT: Style = AnsiColor::Red.on_default().bold();
pub(crate) const NOTE: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const CLEAN: Style = AnsiColor::Green.on_default().bold();
pub(crate) const LABEL: Style = AnsiColor::Cyan.on_default();
pub(crate) const ASIDE: Style = Style::new().dimmed();
