//! Compressed logs: gzip, xz and zstd, told by their first bytes.
//!
//! Each is read as a stream, in bounded memory. Data that ends early or is
//! damaged ends there: what came before is a log still, and [`Damage`] tells.

use std::cell::RefCell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::StreamingDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};

/// The largest window that data may ask for; `xz -9` asks for 64 MiB, `zstd --ultra -22` for 128.
const MAX_WINDOW: u64 = 128 << 20;

/// How a log is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// gzip(1).
    Gzip,
    /// xz(1).
    Xz,
    /// zstd(1).
    Zstd,
}

impl Packing {
    /// Tells by the first bytes.
    pub fn of(head: &[u8]) -> Option<Packing> {
        match head {
            [0x1f, 0x8b, 8, ..] => Some(Packing::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Packing::Xz),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Packing::Zstd),
            // A skippable frame, as pzstd writes it first.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Packing::Zstd),
            _ => None,
        }
    }

    /// The program's name.
    pub fn name(self) -> &'static str {
        match self {
            Packing::Gzip => "gzip",
            Packing::Xz => "xz",
            Packing::Zstd => "zstd",
        }
    }

    /// What names of such files end with.
    pub fn extension(self) -> &'static str {
        match self {
            Packing::Gzip => "gz",
            Packing::Xz => "xz",
            Packing::Zstd => "zst",
        }
    }

    /// Reads what was compressed; where that is damaged, it ends, and `damage` tells.
    pub(crate) fn unpack(self, bytes: impl BufRead + 'static, damage: &Damage) -> Box<dyn BufRead> {
        let unpacked: Box<dyn Read> = match self {
            Packing::Gzip => Box::new(MultiGzDecoder::new(bytes)),
            Packing::Xz => {
                let limit_kib = (MAX_WINDOW >> 10) as u32 + 1024;
                Box::new(XzReader::new_mem_limit(bytes, true, limit_kib))
            }
            Packing::Zstd => Box::new(ZstdFrames {
                rest: Some(bytes),
                frame: None,
            }),
        };
        Box::new(BufReader::with_capacity(
            1 << 16,
            Ending {
                unpacked,
                packing: self,
                damage: damage.clone(),
            },
        ))
    }
}

/// Why compressed data ended before its end, once that is known.
#[derive(Debug, Clone, Default)]
pub struct Damage(Rc<RefCell<Option<String>>>);

impl Damage {
    /// What is wrong, if anything is.
    pub fn get(&self) -> Option<String> {
        self.0.borrow().clone()
    }
}

/// Ends where the data is damaged.
struct Ending {
    unpacked: Box<dyn Read>,
    packing: Packing,
    damage: Damage,
}

impl Read for Ending {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.damage.0.borrow().is_some() {
            return Ok(0);
        }
        let error = match self.unpacked.read(buffer) {
            Err(error) if is_damage(&error) => error,
            read => return read,
        };
        let name = self.packing.name();
        let what = match error.kind() {
            io::ErrorKind::UnexpectedEof => format!("the {name} data is cut short"),
            _ => format!("the {name} data is damaged: {error}"),
        };
        *self.damage.0.borrow_mut() = Some(what);
        Ok(0)
    }
}

/// Tells damage from an error of whatever the data is read from.
fn is_damage(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::UnexpectedEof
            | Kind::InvalidData
            | Kind::InvalidInput
            | Kind::Other
            | Kind::OutOfMemory
            | Kind::Unsupported
    )
}

/// The frames of zstd data, one after another.
struct ZstdFrames<R: BufRead> {
    /// What follows the frame being read; nothing while it is read.
    rest: Option<R>,
    frame: Option<StreamingDecoder<R, ruzstd::decoding::FrameDecoder>>,
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let Some(mut frame) = self.frame.take() else {
                if !self.begin_frame()? {
                    return Ok(0);
                }
                continue;
            };
            let read = match frame.read(buffer) {
                // It does not say that it came to the end in the middle of a block.
                Err(_) if frame.get_mut().fill_buf()?.is_empty() => {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                read => read?,
            };
            if read > 0 || buffer.is_empty() {
                self.frame = Some(frame);
                return Ok(read);
            }
            let (rest, decoder) = frame.into_parts();
            let (written, seen) = (
                decoder.get_checksum_from_data(),
                decoder.get_calculated_checksum(),
            );
            if written.is_some() && written != seen {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "its checksum is wrong",
                ));
            }
            self.rest = Some(rest);
        }
    }
}

impl<R: BufRead> ZstdFrames<R> {
    /// Goes to the next frame; false at the end of the data.
    fn begin_frame(&mut self) -> io::Result<bool> {
        let Some(mut rest) = self.rest.take() else {
            return Ok(false);
        };
        while !rest.fill_buf()?.is_empty() {
            // A skippable frame: four bytes that say so, four that say how much.
            let buffer = rest.fill_buf()?;
            if buffer.len() < 4 || !matches!(buffer, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]) {
                let frame = StreamingDecoder::new_with_max_window_size(rest, MAX_WINDOW)
                    .map_err(frame_error)?;
                self.frame = Some(frame);
                return Ok(true);
            }
            let mut header = [0; 8];
            rest.read_exact(&mut header)?;
            let len = u32::from_le_bytes([header[4], header[5], header[6], header[7]]);
            let skipped = io::copy(&mut (&mut rest).take(len.into()), &mut io::sink())?;
            if skipped < len.into() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(false)
    }
}

/// A frame that cannot begin: for want of bytes, or because they are wrong.
fn frame_error(error: FrameDecoderError) -> io::Error {
    match error {
        FrameDecoderError::ReadFrameHeaderError(
            ReadFrameHeaderError::MagicNumberReadError(source)
            | ReadFrameHeaderError::FrameDescriptorReadError(source),
        ) => source,
        error => io::Error::new(io::ErrorKind::InvalidData, error.to_string()),
    }
}
