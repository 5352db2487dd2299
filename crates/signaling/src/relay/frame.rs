//! What comes over a transport, told apart: channel data and STUN messages (RFC 8656, section 12). It
//! refuses to know what either means.

use std::ops::Range;

use super::stun::{HEADER, Message, u16_at};

/// Bytes before a channel's data.
pub(super) const CHANNEL_HEAD: usize = 4;

/// The channel numbers there are. RFC 8656 has those below 0x5000 only; clients of RFC 5766, coturn's among
/// them, use all of these.
pub(super) const CHANNELS: Range<u16> = 0x4000..0x8000;

/// The longest frame: a STUN message whose length takes all 16 bits.
pub(super) const LONGEST: usize = HEADER + 65_536;

/// One datagram, or one frame of a stream.
#[derive(Debug)]
pub(super) enum Frame<'a> {
    /// Data on a channel; they are at this place.
    Channel {
        number: u16,
        data: Range<usize>,
    },
    Stun(Message<'a>),
}

impl<'a> Frame<'a> {
    /// `None` when it is neither.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let number = u16_at(bytes, 0)?;
        if !CHANNELS.contains(&number) {
            return Message::read(bytes).map(Frame::Stun);
        }
        let length = usize::from(u16_at(bytes, 2)?);
        let data = CHANNEL_HEAD..CHANNEL_HEAD + length;
        // Over UDP there may be padding, which says nothing.
        (data.end <= bytes.len()).then_some(Frame::Channel { number, data })
    }
}

/// What a stream holds is no TURN.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotTurn;

/// How long the first frame of a stream is, without and with its padding; `None` when that cannot be
/// said yet.
pub(super) fn length(stream: &[u8]) -> Result<Option<(usize, usize)>, NotTurn> {
    let Some(first) = u16_at(stream, 0) else {
        // A wrong first byte is wrong whatever follows.
        return if stream.first().is_some_and(|byte| *byte >= 0x80) { Err(NotTurn) } else { Ok(None) };
    };
    if first >= CHANNELS.end {
        return Err(NotTurn);
    }
    let Some(length) = u16_at(stream, 2).map(usize::from) else { return Ok(None) };
    if CHANNELS.contains(&first) {
        return Ok(Some((CHANNEL_HEAD + length, CHANNEL_HEAD + length.next_multiple_of(4))));
    }
    // Attributes are padded; any other length would put this end and the other out of step.
    if length % 4 == 0 { Ok(Some((HEADER + length, HEADER + length))) } else { Err(NotTurn) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channel_data_are_told_from_messages_and_from_neither() {
        let data = [0x40, 0x01, 0, 3, b'a', b'b', b'c'];
        let Some(Frame::Channel { number: 0x4001, data: range }) = Frame::read(&data) else { panic!() };
        assert_eq!(&data[range], b"abc");
        assert!(Frame::read(&data[..6]).is_none(), "truncated");
        for neither in [&[][..], &[0x40], &[0x80, 0, 0, 0], &[0x16, 3, 1, 0, 1], b"\x80GET"] {
            assert!(Frame::read(neither).is_none());
        }
    }

    #[test]
    fn a_stream_is_cut_into_frames_with_their_padding() {
        assert_eq!(length(&[0x40, 0, 0, 5]), Ok(Some((9, 12))));
        assert_eq!(length(&[0x00, 1, 0, 8]), Ok(Some((28, 28))));
        for unfinished in [&[][..], &[0x40], &[0x40, 0, 0], &[0, 1, 0]] {
            assert_eq!(length(unfinished), Ok(None));
        }
        for wrong in [&[0x80][..], &[0x16 | 0x80, 3], &[0, 1, 0, 7]] {
            assert_eq!(length(wrong), Err(NotTurn));
        }
    }
}
