//! The file of a recording, and the older ones if it is rotated.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ruzstd::encoding::{CompressionLevel, compress_to_vec};

use crate::failure::Failure;

/// Older files that are kept.
const KEPT: u32 = 9;

/// Bytes of text that make a frame of compressed data, and how long text waits at most for a frame.
const FRAME: usize = 1 << 20;
const WAIT: Duration = Duration::from_secs(1);

/// A file that begins anew at a size.
#[derive(Debug)]
pub(crate) struct Output {
    path: PathBuf,
    file: BufWriter<File>,
    written: u64,
    most: Option<u64>,
    header: String,
    /// Text that waits to be compressed.
    waiting: Option<Vec<u8>>,
    since: Instant,
}

impl Output {
    /// Creates the file now, so that an unwritable path is an error before a command runs.
    pub(crate) fn create(path: &Path, most: Option<u64>, zstd: bool) -> Result<Output, Failure> {
        let file = File::create(path).map_err(Failure::write_file(path))?;
        Ok(Output {
            path: path.to_owned(),
            file: BufWriter::with_capacity(1 << 16, file),
            written: 0,
            most,
            header: String::new(),
            waiting: zstd.then(Vec::new),
            since: Instant::now(),
        })
    }

    /// What each further file begins with.
    pub(crate) fn set_header(&mut self, header: &str) {
        self.header = format!("# {header} (continued)\n");
    }

    /// Writes all that waits.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.compress()?;
        self.file.flush()
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.file.flush()?;
        for age in (1..KEPT).rev() {
            let (from, to) = (self.of_age(age), self.of_age(age + 1));
            match fs::rename(from, to) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        fs::rename(&self.path, self.of_age(1))?;
        self.file = BufWriter::with_capacity(1 << 16, File::create(&self.path)?);
        self.written = 0;
        let header = self.header.clone();
        self.put(header.as_bytes())
    }

    fn of_age(&self, age: u32) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(format!(".{age}"));
        path.into()
    }

    fn put(&mut self, text: &[u8]) -> io::Result<()> {
        if let Some(waiting) = &mut self.waiting {
            waiting.extend_from_slice(text);
            if waiting.len() >= FRAME {
                self.compress()?;
            }
            return Ok(());
        }
        self.file.write_all(text)?;
        self.written += text.len() as u64;
        Ok(())
    }

    /// Writes what waits as a frame of its own: if polter is killed, all frames before are whole.
    fn compress(&mut self) -> io::Result<()> {
        self.since = Instant::now();
        let Some(waiting) = self.waiting.as_mut().filter(|it| !it.is_empty()) else {
            return Ok(());
        };
        let frame = compress_to_vec(&waiting[..], CompressionLevel::Fastest);
        waiting.clear();
        self.file.write_all(&frame)?;
        self.written += frame.len() as u64;
        Ok(())
    }
}

impl Write for Output {
    /// Takes whole lines: a line is never in two files.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.most.is_some_and(|most| self.written >= most) && line.ends_with(b"\n") {
            self.compress()?;
            self.rotate()?;
        }
        self.put(line)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.since.elapsed() >= WAIT {
            self.compress()?;
        }
        self.file.flush()
    }
}
