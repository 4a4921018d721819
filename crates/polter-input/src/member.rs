//! One file of a family: its lines, in pieces that are due at a time.

use std::io::{self, BufRead};
use std::time::Duration;

use polter_trace::{Body, DEFAULT_MAX_LEN, Line, LineReader};

use crate::halves;

/// Opens a file of the family, again if need be.
pub type Opener = Box<dyn FnMut() -> io::Result<Box<dyn BufRead>>>;

/// Time since 1970, or since a midnight.
pub(crate) type Stamp = Duration;

/// The longest line of a family's file; what is added to it may not make it too long.
pub(crate) const MAX_LINE: usize = DEFAULT_MAX_LEN - 256;
/// The most text without a time of its own that is kept with a line: a stack.
const MAX_TAIL: usize = 1 << 16;
/// A clock that goes back by so much has passed midnight.
const HALF_A_DAY: Duration = Duration::from_secs(12 * 60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Why files cannot be merged.
#[derive(Debug)]
pub enum FamilyError {
    /// Lines have the numbers of their tasks: each file is a log of its own.
    HasNumbers,
    /// A file is no log.
    NoLog,
    /// A file has no time stamps.
    NoTimes,
    /// Time stamps are of whole seconds or thousandths.
    CoarseTimes,
    /// A file cannot be read.
    Read(io::Error),
}

impl From<io::Error> for FamilyError {
    fn from(error: io::Error) -> FamilyError {
        FamilyError::Read(error)
    }
}

/// A file of one task.
pub(crate) struct Member {
    pid: u32,
    opener: Opener,
    /// Nothing before the file's time has come, and after it.
    lines: Option<LineReader<Box<dyn BufRead>>>,
    /// The time of the first line, until it is read.
    first: Option<Stamp>,
    /// Midnights passed.
    days: Duration,
    now: Stamp,
    /// A line that was read to see whether it belongs to the one before.
    ahead: Option<Stamped>,
    /// The next line.
    next: Option<Stamped>,
    /// The end of the call whose beginning was given last.
    rest: Option<(Stamp, Vec<u8>)>,
}

/// A line, and what follows it without a time.
struct Stamped {
    stamp: Stamp,
    text: Vec<u8>,
    tail: Vec<u8>,
}

impl Member {
    /// Looks at the file's first line; a file without lines has nothing due.
    pub(crate) fn new(pid: u32, opener: Opener, stays_open: bool) -> Result<Member, FamilyError> {
        let mut member = Member {
            pid,
            opener,
            lines: None,
            first: None,
            days: Duration::ZERO,
            now: Duration::ZERO,
            ahead: None,
            next: None,
            rest: None,
        };
        member.open()?;
        member.ahead = member.read_line(true)?;
        member.first = member.ahead.as_ref().map(|line| line.stamp);
        if stays_open {
            member.begin()?;
        } else {
            member.lines = None;
            member.ahead = None;
        }
        Ok(member)
    }

    /// When the next piece is due, and whether a line begins then.
    pub(crate) fn due(&self) -> Option<(Stamp, bool)> {
        if let Some((stamp, _)) = &self.rest {
            return Some((*stamp, false));
        }
        let next = self.next.as_ref().map(|next| next.stamp).or(self.first);
        next.map(|stamp| (stamp, true))
    }

    /// Gives what is due, with its newline.
    pub(crate) fn take(&mut self) -> io::Result<Vec<u8>> {
        if let Some((_, text)) = self.rest.take() {
            return Ok(text);
        }
        if self.first.is_some() {
            self.open()?;
            self.begin()?;
        }
        let Some(line) = self.next.take() else {
            return Ok(Vec::new());
        };
        self.next = self.read()?;
        if self.next.is_none() {
            // Others may need its descriptor.
            self.lines = None;
        }
        Ok(self.piece(&line))
    }

    fn open(&mut self) -> io::Result<()> {
        self.lines = Some(LineReader::new((self.opener)()?).max_len(MAX_LINE));
        Ok(())
    }

    /// Goes to the first line.
    fn begin(&mut self) -> io::Result<()> {
        self.first = None;
        self.next = self.read()?;
        Ok(())
    }

    /// Reads a line, and what follows it without a time.
    fn read(&mut self) -> io::Result<Option<Stamped>> {
        let ahead = match self.ahead.take() {
            Some(ahead) => Some(ahead),
            None => self.read_later_line()?,
        };
        let Some(mut line) = ahead else {
            return Ok(None);
        };
        while let Some(next) = self.read_later_line()? {
            let is_part = next.text.starts_with(b" ") && line.tail.len() < MAX_TAIL;
            if !is_part {
                self.ahead = Some(next);
                break;
            }
            line.tail.extend_from_slice(&next.text);
            line.tail.push(b'\n');
        }
        Ok(Some(line))
    }

    fn read_later_line(&mut self) -> io::Result<Option<Stamped>> {
        self.read_line(false).map_err(|error| match error {
            FamilyError::Read(error) => error,
            _ => io::Error::other("only first lines are held to have times"),
        })
    }

    /// Reads one line; the first must have a time.
    fn read_line(&mut self, is_first: bool) -> Result<Option<Stamped>, FamilyError> {
        let Some(lines) = &mut self.lines else {
            return Ok(None);
        };
        while let Some(line) = lines.next_line()? {
            let parsed = Line::parse(line.text);
            if matches!(parsed.body, Body::Comment(_)) && !line.is_too_long {
                continue;
            }
            if is_first && matches!(parsed.body, Body::Unparsed(_)) {
                return Err(FamilyError::NoLog);
            }
            if is_first && parsed.prefix.pid.is_some() {
                return Err(FamilyError::HasNumbers);
            }
            match parsed.prefix.clock {
                None if is_first => return Err(FamilyError::NoTimes),
                Some(_) if is_first && fraction_digits(parsed.prefix.raw) < 6 => {
                    return Err(FamilyError::CoarseTimes);
                }
                Some(clock) => {
                    let mut stamp = clock.duration() + self.days;
                    if stamp + HALF_A_DAY < self.now {
                        self.days += DAY;
                        stamp += DAY;
                    }
                    // A clock that was set back does not turn calls round.
                    self.now = self.now.max(stamp);
                }
                None => {}
            }
            return Ok(Some(Stamped {
                stamp: self.now,
                text: line.text.to_vec(),
                tail: Vec::new(),
            }));
        }
        Ok(None)
    }

    /// Puts the task's number before a line; of a call that may have waited, the beginning alone.
    fn piece(&mut self, line: &Stamped) -> Vec<u8> {
        let pid = format!("{} ", self.pid);
        let has_own_number = line.text.starts_with(b" ") || line.text.is_empty();
        let prefix = if has_own_number { "" } else { &pid };
        let mut text = prefix.as_bytes().to_vec();
        let end = self.next.as_ref().map(|next| next.stamp);
        if let Some(end) = end
            && let Some((begin, rest, duration)) = halves::split(&line.text)
        {
            text.extend_from_slice(&begin);
            text.push(b'\n');
            let mut second = pid.into_bytes();
            second.extend_from_slice(&rest);
            second.push(b'\n');
            second.extend_from_slice(&line.tail);
            let end = duration.map_or(end, |duration| end.min(line.stamp + duration));
            self.rest = Some((end, second));
            return text;
        }
        text.extend_from_slice(&line.text);
        text.push(b'\n');
        text.extend_from_slice(&line.tail);
        text
    }
}

/// How many digits the first fraction has.
fn fraction_digits(prefix: &[u8]) -> usize {
    let fraction = prefix.iter().skip_while(|byte| **byte != b'.').skip(1);
    fraction.take_while(|byte| byte.is_ascii_digit()).count()
}
