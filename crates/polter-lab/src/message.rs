//! What goes from a guest to the host: messages, one after the other.
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

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    /// The command wrote something.
    Output(Stream, Vec<u8>),
    /// The command ended; as wait(2) tells it.
    Ended(i32),
    /// The command could not be begun.
    Failed(String),
}

/// No message is longer; what says it is, is no message.
pub(crate) const MAX_PAYLOAD: usize = 64 * 1024;

const HEAD: usize = 5;

impl Message {
    /// The message's bytes; of a longer payload, what fits.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let (tag, payload): (u8, &[u8]) = match self {
            Message::Output(Stream::Out, bytes) => (b'o', bytes),
            Message::Output(Stream::Err, bytes) => (b'e', bytes),
            Message::Ended(status) => (b'x', &status.to_le_bytes()),
            Message::Failed(why) => (b'f', why.as_bytes()),
        };
        let payload = &payload[..payload.len().min(MAX_PAYLOAD)];
        let mut bytes = Vec::with_capacity(HEAD + payload.len());
        bytes.push(tag);
        bytes.extend((payload.len() as u32).to_le_bytes());
        bytes.extend(payload);
        bytes
    }
}

/// Messages, from bytes as they come.
#[derive(Debug, Default)]
pub(crate) struct Messages {
    bytes: Vec<u8>,
}

/// The guest sent what is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoMessage;

impl Messages {
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// The next whole message, if it has come.
    pub(crate) fn next(&mut self) -> Result<Option<Message>, NoMessage> {
        let Some((head, rest)) = self.bytes.split_at_checked(HEAD) else {
            return Ok(None);
        };
        let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize;
        if length > MAX_PAYLOAD {
            return Err(NoMessage);
        }
        let Some(payload) = rest.get(..length) else {
            return Ok(None);
        };
        let message = match head[0] {
            b'o' => Message::Output(Stream::Out, payload.to_vec()),
            b'e' => Message::Output(Stream::Err, payload.to_vec()),
            b'x' => Message::Ended(i32::from_le_bytes(
                payload.try_into().map_err(|_| NoMessage)?,
            )),
            b'f' => Message::Failed(String::from_utf8_lossy(payload).into_owned()),
            _ => return Err(NoMessage),
        };
        self.bytes.drain(..HEAD + length);
        Ok(Some(message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_whole_however_they_are_cut() {
        let sent = [
            Message::Output(Stream::Out, b"out".to_vec()),
            Message::Output(Stream::Err, Vec::new()),
            Message::Failed("why".to_owned()),
            Message::Ended(0x0300),
        ];
        let bytes: Vec<u8> = sent.iter().flat_map(Message::encode).collect();
        for size in 1..bytes.len() {
            let mut messages = Messages::default();
            let mut came = Vec::new();
            for piece in bytes.chunks(size) {
                messages.push(piece);
                while let Some(message) = messages.next().unwrap() {
                    came.push(message);
                }
            }
            assert_eq!(came, sent);
        }
    }

    #[test]
    fn what_is_no_message_is_refused() {
        check(b"Kernel panic");
        check(b"o\xff\xff\xff\xff");
        check(b"x\x03\0\0\0abc");
    }

    #[track_caller]
    fn check(bytes: &[u8]) {
        let mut messages = Messages::default();
        messages.push(bytes);
        assert_eq!(messages.next(), Err(NoMessage));
    }
}
