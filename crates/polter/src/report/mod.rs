//! A verdict, shown.
//!
//! | module | what it writes |
//! |---|---|
//! | [`text`] | the report for people |
//! | [`json`] | the same value for programs |
//! | [`call_text`] | a call of the log, made to fit |
//! | [`words`] | text from a log made safe, cut and wrapped; counts in words |
//! | `sample` | hand-made verdicts for the tests |

pub(crate) mod call_text;
pub(crate) mod json;
#[cfg(test)]
pub(crate) mod sample;
pub(crate) mod text;
pub(crate) mod words;
