//! Writes verdicts, scans and removals, for people and for programs.
//!
//! | module | what it writes |
//! |---|---|
//! | [`text`] | the reports for people |
//! | [`json`] | the same values for programs |
//! | [`sarif`], [`junit`] | verdicts for CI |
//! | [`xml`] | JUnit's XML, for verdicts and for checks |
//! | [`lines`] | the same values of many machines, for one table |
//! | [`live`] | findings while programs run, a line each |
//! | [`judged`] | a log's verdict, or why it has none |
//! | [`reports`] | all logs' reports, each at once or in one document |
//! | [`frames`] | the frames of a stack that are the program's own |
//! | [`call_text`] | a call of a log, shortened to fit |
//! | [`sentences`] | what reports say of a verdict, whatever they are written as |
//! | [`words`] | text from a log made safe, cut and wrapped; counts in words |
//! | `sample` | hand-made verdicts for the tests |

pub(crate) mod call_text;
pub(crate) mod frames;
pub(crate) mod json;
pub(crate) mod judged;
pub(crate) mod junit;
pub(crate) mod lines;
pub(crate) mod live;
pub(crate) mod reports;
#[cfg(test)]
pub(crate) mod sample;
pub(crate) mod sarif;
pub(crate) mod sentences;
pub(crate) mod text;
pub(crate) mod words;
pub(crate) mod xml;
