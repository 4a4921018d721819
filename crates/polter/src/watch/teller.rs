//! Writes each finding when it comes, and the sum at the end.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::time::{Instant, SystemTime};

use polter_judge::{LiveJudge, News, Standing, Verdict};

#[cfg(feature = "bpf")]
use super::Exorcism;
use super::flood::Flood;
use super::tally::{Strict, Tally};
use super::whose::Whose;
use crate::cli::{Format, WatchArgs};
use crate::console::{Console, Stream};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::report::live::{
    Sum, Told, dated, write_hidden, write_json, write_json_sum, write_text, write_text_sum,
};
#[cfg(feature = "bpf")]
use crate::report::live::{write_exorcism, write_json_exorcism};
use crate::report::words::{counted, number};

/// Findings that are remembered as they were told.
const MAX_SHOWN: usize = 1 << 12;

/// Ghosts that are remembered as removed.
#[cfg(feature = "bpf")]
const MAX_EXORCISED: usize = 1 << 16;

/// Removals that are told one by one in text; the sum tells the rest.
#[cfg(feature = "bpf")]
const REMOVALS_TOLD: u64 = 20;

/// How many lines that cannot be read are told one by one.
const UNREAD_TOLD: usize = 5;

/// Writes findings, for people or for programs.
pub(super) struct Teller<'a> {
    args: &'a WatchArgs,
    console: &'a Console,
    out: Box<dyn Write>,
    whose: Whose,
    tally: Tally,
    /// How the newest findings were when they were told last.
    shown: BTreeMap<u64, Shown>,
    flood: Flood,
    /// Ghosts that were removed.
    exorcised: HashSet<(u32, i32)>,
    lost: u64,
    /// Warnings that were told.
    warned: usize,
    /// Lines that could not be read, when their number was told last.
    unread: u64,
    since: SystemTime,
}

impl<'a> Teller<'a> {
    pub(super) fn new(
        args: &'a WatchArgs,
        is_here: bool,
        console: &'a Console,
    ) -> Result<Teller<'a>, Failure> {
        Ok(Teller {
            args,
            console,
            out: console.report_to(args.output.as_deref(), Stream::Out)?,
            whose: Whose::new(is_here),
            tally: Tally::default(),
            shown: BTreeMap::new(),
            flood: Flood::new(Instant::now()),
            exorcised: HashSet::new(),
            lost: 0,
            warned: 0,
            unread: 0,
            since: SystemTime::now(),
        })
    }

    /// Tells what is new, and hands it on at once.
    pub(super) fn tell(&mut self, news: &[News]) -> Result<(), Failure> {
        for news in news {
            let mut shown = Shown::of(news);
            let before = self.shown.get(&news.id).copied();
            let pid = news.finding.pid;
            let comm = self.whose.comm(pid).or_else(|| news.comm.clone());
            shown.is_hidden = match before {
                Some(before) => before.is_hidden,
                // Those that were not shown have no changes to show; beyond memory nobody knows.
                None if !news.is_first => true,
                None => !self.may_show(news, comm.as_deref()),
            };
            self.shown.insert(news.id, shown);
            if self.shown.len() > MAX_SHOWN {
                self.shown.pop_first();
            }
            let standing = before.map(|before| before.standing);
            self.tally.count(news, standing, &self.args.fail_on);
            // If nothing but its sentence is another: a line of a change does not have it.
            let is_same = before == Some(shown) || self.is_exorcised(news);
            if (is_same || shown.is_hidden) && self.args.format == Format::Text {
                continue;
            }
            let told = Told {
                news,
                time: dated(news.found).unwrap_or_else(SystemTime::now),
                comm: comm.as_deref(),
                machine: &self.whose.machine,
            };
            match self.args.format {
                Format::Text => write_text(&mut *self.out, &told)?,
                Format::Json => write_json(&mut *self.out, &told, &self.whose.place(pid))?,
            }
        }
        self.tell_hidden(false)?;
        if !news.is_empty() {
            self.out.flush()?;
        }
        Ok(())
    }

    /// Tells what came of ghosts that were to be removed.
    #[cfg(feature = "bpf")]
    pub(super) fn tell_exorcisms(&mut self, done: &[Exorcism]) -> Result<(), Failure> {
        for it in done {
            let comm = self.whose.comm(it.pid);
            let is_removed = it.outcome == polter_scan::Outcome::Removed;
            self.tally.count_exorcism(it);
            let is_shown = match self.args.format {
                Format::Json => true,
                Format::Text => !is_removed || self.tally.removed <= REMOVALS_TOLD,
            };
            if is_shown {
                let machine = &self.whose.machine;
                match self.args.format {
                    Format::Text => write_exorcism(&mut *self.out, it, comm.as_deref())?,
                    Format::Json => {
                        write_json_exorcism(&mut *self.out, it, comm.as_deref(), machine)?;
                    }
                }
            }
            if is_removed && self.exorcised.len() < MAX_EXORCISED {
                self.exorcised.insert((it.pid, it.fd));
            }
        }
        if !done.is_empty() {
            self.out.flush()?;
        }
        Ok(())
    }

    /// True for a ghost that was removed before an event came through it: its removal was told.
    fn is_exorcised(&self, news: &News) -> bool {
        let it = &news.finding;
        it.class.is_ghost() && it.events == 0 && self.exorcised.contains(&(it.pid, it.fd))
    }

    /// True unless too many like it came within a while.
    fn may_show(&mut self, news: &News, comm: Option<&str>) -> bool {
        let name = comm.map_or_else(|| news.finding.pid.to_string(), str::to_owned);
        self.args.format == Format::Json || self.flood.is_shown(news.finding.class, &name)
    }

    /// Says how many were not shown.
    fn tell_hidden(&mut self, is_end: bool) -> Result<(), Failure> {
        for ((class, name), count) in self.flood.take_hidden(Instant::now(), is_end) {
            write_hidden(&mut *self.out, class, &name, count)?;
            self.out.flush()?;
        }
        Ok(())
    }

    /// Says what could not be read, and what the recorder has lost, as soon as it is known.
    pub(super) fn tell_losses(&mut self, judge: &LiveJudge) {
        let lost = judge.lost();
        if lost > self.lost {
            let events = counted(lost - self.lost, "event");
            self.console.warn(format_args!(
                "{events} lost by the recorder: findings may be missing"
            ));
            self.lost = lost;
        }
        let log = judge.summary();
        for warning in log.warnings.iter().skip(self.warned) {
            if self.warned < UNREAD_TOLD {
                self.console.warn(format_args!(
                    "line {}: {}",
                    number(warning.line),
                    warning.message
                ));
            }
            self.warned += 1;
        }
        // The others by their number, whenever there are ten times as many.
        if log.unread_lines >= self.unread.saturating_mul(10).max(10 * UNREAD_TOLD as u64) {
            let lines = counted(log.unread_lines, "line");
            self.console
                .warn(format_args!("{lines} could not be read so far"));
            self.unread = log.unread_lines;
        }
    }

    /// Tells the sum; gives the exit code.
    pub(super) fn end(
        mut self,
        verdict: &Verdict,
        lost: u64,
        left_out: u64,
        damage: Option<String>,
    ) -> Result<Exit, Failure> {
        self.tell_hidden(true)?;
        (self.tally.lost_events, self.tally.left_out) = (lost, left_out);
        let strict = Strict {
            fail_on: &self.args.fail_on,
            is_strict: self.args.strict,
        };
        let exit = self.tally.exit(verdict, damage.is_some(), strict);
        let sum = Sum {
            time: SystemTime::now(),
            seconds: self.since.elapsed().map_or(0, |since| since.as_secs()),
            tally: &self.tally,
            hidden: self.flood.hidden,
            verdict,
            machine: &self.whose.machine,
        };
        match self.args.format {
            Format::Text => write_text_sum(&mut *self.out, &sum)?,
            Format::Json => write_json_sum(&mut *self.out, &sum)?,
        }
        self.out.flush()?;
        if exit == Exit::Error {
            self.say_why(verdict, damage);
        }
        Ok(exit)
    }

    /// Says what made the exit code an error.
    fn say_why(&self, verdict: &Verdict, damage: Option<String>) {
        let log = &verdict.log;
        if log.unread_lines > 0 {
            let lines = counted(log.unread_lines, "line");
            self.console
                .say_error(format_args!("{lines} could not be read"));
        }
        for gap in &verdict.gaps {
            self.console
                .say_error(format_args!("{}; {}", gap.summary, gap.advice));
        }
        if let Some(what) = damage {
            self.console.say_error(what);
        }
    }
}

/// What a line of a change can show.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Shown {
    standing: Standing,
    is_over: bool,
    events: u64,
    repeated: u64,
    steps: usize,
    /// Too many like it came at once: it is counted alone.
    is_hidden: bool,
}

impl Shown {
    fn of(news: &News) -> Shown {
        Shown {
            standing: news.standing,
            is_over: news.finding.ended.is_some(),
            events: news.finding.events,
            repeated: news.finding.repeated,
            steps: news.finding.story.len(),
            is_hidden: false,
        }
    }
}
