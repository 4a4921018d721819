//! What goes from a guest to the host: frames, one after the other.
//!
//! ```text
//!   tag  length, little-endian  payload
//!   'o'  4 bytes                standard output
//!   'e'  4 bytes                standard error
//!   'x'  4                      how the command ended: a wait status
//!   'f'  4 bytes                why it did not begin
//! ```

/// Where a piece of output belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// What the command wrote to its standard output.
    Out,
    /// What the command wrote to its standard error.
    Err,
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Frame {
    /// The command wrote something.
    Output(Stream, Vec<u8>),
    /// The command ended; as wait(2) tells it.
    Ended(i32),
    /// The command could not be begun.
    Failed(String),
}

/// No frame is longer; what says it is, is no frame.
pub(crate) const MAX_PAYLOAD: usize = 64 * 1024;

const HEAD: usize = 5;

impl Frame {
    /// The frame's bytes; of a longer payload, what fits.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let (tag, payload): (u8, &[u8]) = match self {
            Frame::Output(Stream::Out, bytes) => (b'o', bytes),
            Frame::Output(Stream::Err, bytes) => (b'e', bytes),
            Frame::Ended(status) => (b'x', &status.to_le_bytes()),
            Frame::Failed(why) => (b'f', why.as_bytes()),
        };
        let payload = &payload[..payload.len().min(MAX_PAYLOAD)];
        let mut bytes = Vec::with_capacity(HEAD + payload.len());
        bytes.push(tag);
        bytes.extend((payload.len() as u32).to_le_bytes());
        bytes.extend(payload);
        bytes
    }
}

/// Frames, from bytes as they come.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    bytes: Vec<u8>,
}

/// The guest sent what is no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoFrame;

impl Frames {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// The next whole frame, if it has come.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, NoFrame> {
        let Some((head, rest)) = self.bytes.split_at_checked(HEAD) else {
            return Ok(None);
        };
        let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
        if length > MAX_PAYLOAD {
            return Err(NoFrame);
        }
        let Some(payload) = rest.get(..length) else {
            return Ok(None);
        };
        let frame = match head[0] {
            b'o' => Frame::Output(Stream::Out, payload.to_vec()),
            b'e' => Frame::Output(Stream::Err, payload.to_vec()),
            b'x' => Frame::Ended(i32::from_le_bytes(payload.try_into().map_err(|_| NoFrame)?)),
            b'f' => Frame::Failed(String::from_utf8_lossy(payload).into_owned()),
            _ => return Err(NoFrame),
        };
        self.bytes.drain(..HEAD + length);
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_whole_however_they_are_cut() {
        let sent = [
            Frame::Output(Stream::Out, b"out".to_vec()),
            Frame::Output(Stream::Err, Vec::new()),
            Frame::Failed("why".to_owned()),
            Frame::Ended(0x0300),
        ];
        let bytes: Vec<u8> = sent.iter().flat_map(Frame::encode).collect();
        for size in 1..bytes.len() {
            let mut frames = Frames::default();
            let mut came = Vec::new();
            for piece in bytes.chunks(size) {
                frames.push(piece);
                while let Some(frame) = frames.next().unwrap() {
                    came.push(frame);
                }
            }
            assert_eq!(came, sent);
        }
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        check(b"Kernel panic");
        check(b"o\xff\xff\xff\xff");
        check(b"x\x03\0\0\0abc");
    }

    #[track_caller]
    fn check(bytes: &[u8]) {
        let mut frames = Frames::default();
        frames.push(bytes);
        assert_eq!(frames.next(), Err(NoFrame));
    }
}
