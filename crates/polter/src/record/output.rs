//! The file of a recording, and the older ones if it is rotated.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Older files that are kept.
const KEPT: u32 = 9;

/// A file that begins anew at a size.
#[derive(Debug)]
pub(crate) struct Output {
    path: PathBuf,
    file: BufWriter<File>,
    written: u64,
    most: Option<u64>,
    header: String,
}

impl Output {
    /// Creates the file now, so that an unwritable path is an error before a command runs.
    pub(crate) fn create(path: &Path, most: Option<u64>) -> Result<Output, Failure> {
        let file = File::create(path).map_err(Failure::write_file(path))?;
        Ok(Output {
            path: path.to_owned(),
            file: BufWriter::with_capacity(1 << 16, file),
            written: 0,
            most,
            header: String::new(),
        })
    }

    /// What each further file begins with.
    pub(crate) fn set_header(&mut self, header: &str) {
        self.header = format!("# {header} (continued)\n");
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
        self.file.write_all(self.header.as_bytes())
    }

    fn of_age(&self, age: u32) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(format!(".{age}"));
        path.into()
    }
}

impl Write for Output {
    /// Takes whole lines: a line is never in two files.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.most.is_some_and(|most| self.written >= most) && line.ends_with(b"\n") {
            self.rotate()?;
        }
        self.file.write_all(line)?;
        self.written += line.len() as u64;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
