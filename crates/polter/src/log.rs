//! Opens a log, and shows the progress of reading it.

use std::fs::File;
use std::io::{self, BufRead, IsTerminal as _, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use polter_input::{Damage, Input, Refusal};
use polter_trace::escape;

use crate::console::Console;
use crate::failure::Failure;
use crate::report::words::number;

/// The name of `-` in reports.
pub(crate) const STDIN: &str = "standard input";

/// A log shorter than this is read before anybody could look at a progress bar.
const LONG_LOG: u64 = 8 << 20;

/// Lines read from a log of unknown length before its progress is shown.
const MANY_LINES: u64 = 200_000;

const BAR: &str = "{spinner} {wide_msg} {bytes}/{total_bytes} {bar:20} {eta}";
const SPINNER: &str = "{spinner} {wide_msg} {elapsed}";

/// An open log.
pub(crate) struct Log {
    /// Its name in reports.
    pub(crate) name: PathBuf,
    input: Input,
    progress: ProgressBar,
    is_progress_shown: bool,
}

impl Log {
    /// Opens the file, or standard input for `-`.
    pub(crate) fn open(path: &Path, console: &Console) -> Result<Log, Failure> {
        if path.as_os_str() == "-" {
            return Log::stdin(console);
        }
        let file = File::open(path).map_err(Failure::read(path))?;
        let metadata = file.metadata().map_err(Failure::read(path))?;
        if metadata.is_dir() {
            return Err(Failure::Directory {
                path: path.to_owned(),
            });
        }
        let len = metadata.is_file().then_some(metadata.len());
        Log::new(path.to_owned(), file, len, console)
    }

    fn stdin(console: &Console) -> Result<Log, Failure> {
        Log::new(PathBuf::from(STDIN), io::stdin(), None, console)
    }

    /// A log that is compiled into polter.
    pub(crate) fn embedded(
        name: &str,
        text: &'static str,
        console: &Console,
    ) -> Result<Log, Failure> {
        Log::new(
            PathBuf::from(name),
            text.as_bytes(),
            Some(text.len() as u64),
            console,
        )
    }

    /// A log from raw bytes, which may be compressed or quoted; `len` is their number, if known.
    pub(crate) fn new(
        name: PathBuf,
        bytes: impl Read + 'static,
        len: Option<u64>,
        console: &Console,
    ) -> Result<Log, Failure> {
        let is_progress_shown = console.shows_progress();
        let progress = progress(&name, len, is_progress_shown);
        let input = Input::new(progress.wrap_read(bytes)).map_err(Failure::input(&name))?;
        Ok(Log {
            name,
            input,
            progress,
            is_progress_shown,
        })
    }

    /// A log that was opened elsewhere, of unknown length.
    pub(crate) fn of_input(name: PathBuf, input: Input, console: &Console) -> Log {
        let is_progress_shown = console.shows_progress();
        let progress = progress(&name, None, is_progress_shown);
        Log {
            name,
            input,
            progress,
            is_progress_shown,
        }
    }

    /// What it looks like, for the case that none of its lines is strace's.
    pub(crate) fn looks(&self) -> Refusal {
        self.input.looks
    }

    /// Set while reading, if compressed data turns out to be cut or damaged.
    pub(crate) fn damage(&self) -> Damage {
        self.input.damage.clone()
    }

    /// The text, and a function that takes the number of lines read so far.
    pub(crate) fn parts(&mut self) -> (&mut dyn BufRead, impl FnMut(u64)) {
        let progress = self.progress.clone();
        let is_shown = self.is_progress_shown;
        let lines_fn = move |lines| {
            if is_shown && progress.length().is_none() && lines >= MANY_LINES {
                progress.set_draw_target(ProgressDrawTarget::stderr());
                progress.set_message(format!("{} lines", number(lines)));
            }
        };
        (&mut self.input.lines, lines_fn)
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.progress.finish_and_clear();
    }
}

/// True if standard input is a log although nobody named it: it is no terminal.
pub(crate) fn is_stdin_a_log() -> bool {
    !io::stdin().is_terminal()
}

fn progress(name: &Path, len: Option<u64>, is_shown: bool) -> ProgressBar {
    let Some(len) = len else {
        // Hidden until many lines were read: a pipe's length is not known beforehand.
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        return styled(bar, SPINNER);
    };
    if len < LONG_LOG || !is_shown {
        return ProgressBar::hidden();
    }
    let bar = styled(ProgressBar::new(len), BAR);
    bar.set_message(escape(name.as_os_str().as_encoded_bytes()).to_string());
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
