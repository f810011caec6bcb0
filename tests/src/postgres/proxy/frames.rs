//! The messages of a client, as far as a proxy must know them.

use std::collections::HashMap;

/// Cuts what a client sends into messages, and knows which statement each call is of.
#[derive(Debug, Default)]
pub(super) struct Frames {
    bytes: Vec<u8>,
    statements: HashMap<String, String>,
}

/// A message of a client.
#[derive(Debug)]
pub(super) struct Frame {
    /// The letter that it begins with; 0 for those of a connection's start, which have none.
    pub(super) kind: u8,
    pub(super) bytes: Vec<u8>,
}

impl Frames {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next message, if it is there as a whole.
    pub(super) fn next(&mut self) -> Option<Frame> {
        let kind = *self.bytes.first()?;
        let before = usize::from(kind != 0);
        let length = self.bytes.get(before..before + 4)?.try_into().map(u32::from_be_bytes).ok()? as usize + before;
        if self.bytes.len() < length {
            return None;
        }
        let rest = self.bytes.split_off(length);
        Some(Frame { kind, bytes: std::mem::replace(&mut self.bytes, rest) })
    }

    /// The statement that the message calls.
    pub(super) fn called(&mut self, frame: &Frame) -> Option<String> {
        let mut texts =
            frame.bytes.get(5..)?.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned());
        let (first, second) = (texts.next()?, texts.next()?);
        match frame.kind {
            // Prepares a named statement.
            b'P' => {
                self.statements.insert(first, second);
                None
            }
            // Calls it, in a portal.
            b'B' => self.statements.get(&second).cloned(),
            _ => None,
        }
    }
}
