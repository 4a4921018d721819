//! Writes the steps that led to a finding, one line each, in columns.
//!
//! ```text
//!       line   4  100  epoll_ctl(3, EPOLL_CTL_ADD, 4, {…}) = 0   registered
//!                        > /usr/bin/worker(main+0x42) [0x1234]
//!       line  18  100  close(4) = 0                              closed by its owner: the number
//!                                                                is gone, the file is not
//! ```

use std::io::{self, Write};

use polter_judge::Step;

use super::WIDTH;
use super::style::{ASIDE, TITLE};
use crate::report::words::{clean, counted, cut, width, wrap};
use crate::report::{call_text, frames};

/// The least columns for calls and for explanations, if they need them.
const CALL_WIDTH: usize = 48;
const WHAT_WIDTH: usize = 24;

/// How many steps are shown of a long list: the first and the last ones.
const STEPS_SHOWN: (usize, usize) = (9, 6);
const FRAMES_SHOWN: usize = 8;

/// Writes the steps.
pub(super) fn write(out: &mut dyn Write, story: &[Step]) -> io::Result<()> {
    let columns = Columns::of(story);
    let (first, last) = STEPS_SHOWN;
    if story.len() <= first + last + 1 {
        return columns.write(out, story);
    }
    let (begin, rest) = story.split_at(first);
    let (skipped, end) = rest.split_at(rest.len() - last);
    columns.write(out, begin)?;
    writeln!(
        out,
        "      {ASIDE}… {}{ASIDE:#}",
        counted(skipped.len() as u64, "more step")
    )?;
    columns.write(out, end)
}

/// The widths of the columns.
struct Columns {
    line: usize,
    pid: usize,
    call: usize,
    what: usize,
}

impl Columns {
    fn of(story: &[Step]) -> Columns {
        let widest =
            |width_fn: &dyn Fn(&Step) -> usize| story.iter().map(width_fn).max().unwrap_or(0);
        let line = widest(&|step| step.site.line.to_string().len());
        let pid = widest(&|step| step.site.pid.to_string().len());
        let what = widest(&|step| width(&clean(&step.what)));
        let free = WIDTH.saturating_sub("      line ".len() + line + 2 + pid + 2 + 3);
        let most = free.saturating_sub(what).max(CALL_WIDTH);
        let most = most.min(free.saturating_sub(what.min(WHAT_WIDTH)));
        let call = widest(&|step| width(&call_text::fit(&step.site.text, most)));
        Columns {
            line,
            pid,
            call,
            what: free - call,
        }
    }

    fn write(&self, out: &mut dyn Write, steps: &[Step]) -> io::Result<()> {
        steps.iter().try_for_each(|step| self.write_step(out, step))
    }

    fn write_step(&self, out: &mut dyn Write, step: &Step) -> io::Result<()> {
        let Columns {
            line, pid, call, ..
        } = *self;
        let site = &step.site;
        let before = format!("      line {:>line$}  {:>pid$}  ", site.line, site.pid);
        let text = call_text::fit(&site.text, call);
        let pad = call - width(&text) + 3;
        let mut what = wrap(&clean(&step.what), self.what).into_iter();
        let first = what.next().unwrap_or_default();
        writeln!(
            out,
            "{ASIDE}{before}{ASIDE:#}{text}{:pad$}{TITLE}{first}{TITLE:#}",
            ""
        )?;
        let indent = before.len() + call + 3;
        for more in what {
            writeln!(out, "{:indent$}{TITLE}{more}{TITLE:#}", "")?;
        }
        write_stack(out, before.len() + 2, &site.stack)
    }
}

fn write_stack(out: &mut dyn Write, indent: usize, stack: &[String]) -> io::Result<()> {
    for frame in frames::shown(stack).into_iter().take(FRAMES_SHOWN) {
        let frame = cut(&clean(frame), WIDTH.saturating_sub(indent + 2));
        writeln!(out, "{:indent$}{ASIDE}> {frame}{ASIDE:#}", "")?;
    }
    Ok(())
}
