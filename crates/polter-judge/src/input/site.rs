//! Where a call stands in the log.

use crate::verdict::{LogTime, Site, Step};
use polter_trace::{Args, Call, Returned};

/// The longest text of a call that is kept, in bytes.
const KEPT_TEXT: usize = 240;

/// A call and where it stands in the log. A [`Site`] is made from it only when one is needed: it allocates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) line: u64,
    pub(crate) clock: Option<LogTime>,
    pub(crate) pid: u32,
    pub(crate) name: &'a str,
    pub(crate) args: Args<'a>,
    /// `None` for a call that has not ended.
    pub(crate) returned: Option<Returned<'a>>,
}

impl<'a> Place<'a> {
    pub(crate) fn of_call(
        (line, clock): (u64, Option<LogTime>),
        pid: u32,
        call: &Call<'a>,
    ) -> Place<'a> {
        Place {
            line,
            clock,
            pid,
            name: call.name,
            args: call.args,
            returned: Some(call.returned),
        }
    }

    pub(crate) fn site(&self) -> Site {
        let args = String::from_utf8_lossy(cut(self.args.raw));
        let text = match self.returned {
            Some(returned) => format!(
                "{}({args}) = {}",
                self.name,
                String::from_utf8_lossy(cut(returned.raw))
            ),
            None => format!("{}({args} <unfinished ...>", self.name),
        };
        Site {
            line: self.line,
            time: self.clock,
            pid: self.pid,
            text,
            stack: Vec::new(),
        }
    }

    pub(crate) fn step(&self, what: &str) -> Step {
        Step {
            what: what.to_string(),
            site: self.site(),
        }
    }
}

fn cut(text: &[u8]) -> &[u8] {
    &text[..text.len().min(KEPT_TEXT)]
}
