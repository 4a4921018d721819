//! Writes verdicts, scans and removals, for people and for programs.
//!
//! | module | what it writes |
//! |---|---|
//! | [`text`] | the reports for people |
//! | [`json`] | the same values for programs |
//! | [`call_text`] | a call of a log, shortened to fit |
//! | [`words`] | text from a log made safe, cut and wrapped; counts in words |
//! | `sample` | hand-made verdicts for the tests |

pub(crate) mod call_text;
pub(crate) mod json;
#[cfg(test)]
pub(crate) mod sample;
pub(crate) mod text;
pub(crate) mod words;
