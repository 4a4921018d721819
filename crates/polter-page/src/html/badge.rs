//! How bad something is, as a coloured word.

use crate::model::Tone;

/// The class of a badge.
pub(super) fn badge(tone: Tone) -> &'static str {
    match tone {
        Tone::Fault => "badge fault",
        Tone::Note => "badge note",
        Tone::Plain => "badge",
        Tone::Clean => "badge clean",
    }
}
